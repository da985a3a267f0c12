/** A session of play: reads lines, plays them, draws what comes. It knows no terminal: lines and output are arguments. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf } from '../base/error.ts';
import type { Environment, Task } from '../env/environment.ts';
import { helpLines, type PlayCommand, parseLine } from './play-command.ts';
import {
  actionsOf,
  distanceOf,
  type Game,
  hintOf,
  isOver,
  playExpert,
  startGame,
  takeBack,
  takeTurn,
} from './play-game.ts';
import { findTask } from './play-task.ts';
import { compareLines, headLines, type Look, listLines, paint, summaryLines, turnLines, wrap } from './play-view.ts';

/** What a session plays. */
export interface SessionOptions {
  readonly world: Environment;
  readonly tasks: readonly Task[];
  /** Index of the first task. */
  readonly first: number;
  /** Turns after which experiments end an episode; a person may go on. */
  readonly maxTurns: number;
  /** Say before each turn what the expert would do and how far it is. */
  readonly hints: boolean;
  /** Let the expert play the first task. */
  readonly expert: boolean;
  readonly look: Look;
  readonly print: (line: string) => void;
}

/** Most actions a list shows at once. */
const LISTED = 60;

/** A session under way. */
export interface Session {
  /** Plays one line; false when the player wants to end. */
  enter(line: string): Promise<boolean>;
  /** What may be typed now, for completion. */
  actions(): readonly string[];
  /** Draws the summary of the game under way, if a turn was played. */
  close(): void;
}

type Item = { readonly number: number; readonly text: string };

/** What changes in a session. */
interface Table {
  readonly options: SessionOptions;
  look: Look;
  /** Of the task, in the split. */
  index: number;
  game: Game;
  /** Rest of the last list. */
  more: readonly Item[];
}

/** Starts a session and draws its first task. */
export function startSession(options: SessionOptions): Session {
  const { world, tasks, first, look } = options;
  const game = startGame(world, tasks[first]!); // the caller has found it
  const table: Table = { options, look, index: first, game, more: [] };
  drawGame(table);
  if (options.expert) playOn(table, options.maxTurns);
  return {
    enter: (line) => enter(table, line),
    actions: () => actionsOf(table.game) ?? [],
    close: () => close(table),
  };
}

async function enter(table: Table, text: string): Promise<boolean> {
  const line = parseLine(text);
  switch (line.kind) {
    case 'nothing':
      return true;
    case 'command':
      if (line.name === 'quit') return false;
      await commands[line.name](table, line.rest);
      return true;
    case 'unknown': {
      const help = line.near === undefined ? '; /help lists what there is' : `, did you mean /${line.near}?`;
      note(table, `there is no /${line.word}${help}`);
      return true;
    }
    case 'action':
      act(table, line.text);
      return true;
    default:
      return line satisfies never;
  }
}

const commands: Readonly<Record<Exclude<PlayCommand, 'quit'>, (table: Table, rest: string) => void | Promise<void>>> = {
  help: (table) => draw(table, helpLines()),
  actions: listActions,
  more: (table) => {
    if (table.more.length === 0) note(table, 'there is no more; /actions begins the list');
    else list(table, table.more);
  },
  hint: (table) => {
    const hint = hintOf(table.game);
    note(table, hint === undefined ? noExpert(table) : `the expert would: ${hint}`);
  },
  expert: (table, rest) => {
    const most = rest === '' ? table.options.maxTurns : countOf(rest);
    if (most === undefined) note(table, `"${rest}" is no number of turns`);
    else playOn(table, most);
  },
  compare: (table) => {
    const expert = expertGame(table);
    if (expert === undefined) note(table, noExpert(table));
    else draw(table, compareLines(table.game, expert));
  },
  show: (table) => draw(table, turnLines(table.game, table.look)),
  raw: (table) => {
    table.look = { ...table.look, isRaw: !table.look.isRaw };
    draw(table, turnLines(table.game, table.look));
  },
  undo: undo,
  restart: (table) => open(table, table.index),
  next: (table) => {
    if (table.index + 1 >= table.options.tasks.length) {
      note(table, 'this is the last task of the split');
      return;
    }
    close(table);
    open(table, table.index + 1);
  },
  task: (table, rest) => {
    const found = findTask(table.options.tasks, rest);
    if ('problem' in found) {
      note(table, found.hint === undefined ? found.problem : `${found.problem}. ${found.hint}`);
      return;
    }
    close(table);
    open(table, found.index);
  },
  save,
};

function draw(table: Table, lines: readonly string[]): void {
  for (const line of lines) table.options.print(line);
}

function note({ options, look }: Table, text: string): void {
  for (const line of wrap(text, look.width - 2)) options.print(`  ${paint(look, 'dim', line)}`);
}

function open(table: Table, index: number): void {
  const { world, tasks } = table.options;
  table.index = index;
  table.game = startGame(world, tasks[index]!); // callers stay inside the list
  table.more = [];
  drawGame(table);
}

function drawGame(table: Table): void {
  const { game, look, index, options } = table;
  draw(table, headLines(game, { number: index + 1, of: options.tasks.length }, look));
  draw(table, turnLines(game, look));
  drawHint(table);
}

function drawHint(table: Table): void {
  if (!table.options.hints || isOver(table.game)) return;
  const distance = distanceOf(table.game);
  const way = Number.isFinite(distance) ? `${distance} to go` : 'the goal is out of reach';
  const hint = hintOf(table.game);
  note(table, `${hint === undefined ? noExpert(table) : `hint: ${hint}`}${distance === undefined ? '' : `, ${way}`}`);
}

function close(table: Table): void {
  if (table.game.turns.length > 0) draw(table, summaryLines(table.game, expertGame(table), table.look));
}

function act(table: Table, text: string): void {
  if (isOver(table.game)) {
    note(table, 'the world has ended: /next, /compare, /restart, /undo or /quit');
    return;
  }
  table.game = takeTurn(table.game, chosen(text, actionsOf(table.game)));
  table.more = [];
  draw(table, turnLines(table.game, table.look));
  const { maxTurns } = table.options;
  if (isOver(table.game)) note(table, '/next, /compare, /restart, /undo or /quit');
  else if (table.game.turns.length === maxTurns) {
    note(table, `experiments end an episode here, after ${maxTurns} turns; you may go on`);
  }
  drawHint(table);
}

function listActions(table: Table, rest: string): void {
  const all = actionsOf(table.game);
  if (all === undefined) {
    note(table, 'this world cannot tell what it would execute');
    return;
  }
  const words = rest.toLowerCase().split(/\s+/);
  const items = all.map((text, i) => ({ number: i + 1, text }));
  const found = items.filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
  if (found.length > 0) list(table, found);
  else note(table, all.length === 0 ? 'the world has ended' : `none of ${all.length} actions has "${rest}"`);
}

function list(table: Table, items: readonly Item[]): void {
  draw(table, listLines(items.slice(0, LISTED), table.look));
  table.more = items.slice(LISTED);
  if (table.more.length > 0) note(table, `${table.more.length} more: /more shows on, /actions <words> filters`);
}

const noExpert = ({ game }: Table): string => (isOver(game) ? 'the world has ended' : 'this world has no expert');

function expertGame({ game, options }: Table): Game | undefined {
  const { world } = game;
  return world.expert === undefined ? undefined : playExpert(startGame(world, game.task), options.maxTurns);
}

/** Lets the expert play on and draws its turns. */
function playOn(table: Table, most: number): void {
  const { look } = table;
  const from = table.game.turns.length;
  const played = playExpert(table.game, most);
  if (played.turns.length === from) {
    note(table, noExpert(table));
    return;
  }
  for (let turns = from + 1; turns <= played.turns.length; turns++) {
    table.game = { ...played, turns: played.turns.slice(0, turns) };
    const action = table.game.turns.at(-1)?.action ?? '';
    table.options.print(`${paint(look, 'bold', `> ${action}`)}${paint(look, 'dim', '  (expert)')}`);
    draw(table, turnLines(table.game, look));
  }
  if (!isOver(played) && most >= table.options.maxTurns) note(table, `the expert has not finished after ${most} turns`);
}

function undo(table: Table, rest: string): void {
  const count = rest === '' ? 1 : countOf(rest);
  if (count === undefined || table.game.turns.length === 0) {
    note(table, count === undefined ? `"${rest}" is no number of turns` : 'no turn has been played');
    return;
  }
  table.game = takeBack(table.game, count);
  draw(table, turnLines(table.game, table.look));
  drawHint(table);
}

async function save(table: Table, rest: string): Promise<void> {
  const file = resolve(rest === '' ? `${table.game.world.name}-${table.index + 1}.txt` : rest);
  try {
    await writeFile(file, transcript(table.game), { flag: 'wx' });
    note(table, `written to ${file}`);
  } catch (error) {
    note(table, `cannot write: ${messageOf(error)}`);
  }
}

/** A number stands for an action of the list, unless the world takes the number itself. */
function chosen(text: string, actions: readonly string[] | undefined): string {
  const number = countOf(text);
  if (number === undefined || actions === undefined || actions.includes(text)) return text;
  return actions[number - 1] ?? text;
}

function countOf(text: string): number | undefined {
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

/** Writes a game as an agent sees it. */
function transcript({ task, opening, turns }: Game): string {
  const played = turns.map(
    ({ action, observation, reward, grounded }) =>
      `> ${action}${grounded ? '' : '   (refused)'}${reward === 0 ? '' : `   (reward ${reward})`}\n${observation}`,
  );
  return `${[`# ${task.id}`, opening.observation, ...played].join('\n\n')}\n`;
}
