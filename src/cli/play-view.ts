/** What a game looks like in a terminal: plain text in lines that fit, colour only where it is wanted. */
import { styleText } from 'node:util';
import { actionsOf, distancesOf, type Game, isOver, observationOf, type PlayedTurn, rewardOf } from './play-game.ts';
import { columns } from './table.ts';

/** How to draw. */
export interface Look {
  /** Width in columns. */
  readonly width: number;
  readonly isColoured: boolean;
  /** True: show exactly what an agent sees. */
  readonly isRaw: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** Colours a text if colours are wanted. */
export function paint(look: Look, style: Style, text: string): string {
  return look.isColoured ? styleText(style, text) : text;
}

/** Breaks a text into lines of at most `width` characters, between words where it can; keeps its own line breaks. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    const lines: string[] = [];
    let rest = line;
    while (rest.length > width) {
      const space = rest.lastIndexOf(' ', width);
      const cut = space > 0 ? space : width;
      lines.push(rest.slice(0, cut).trimEnd());
      rest = rest.slice(space > 0 ? cut + 1 : cut);
    }
    return rest === '' && lines.length > 0 ? lines : [...lines, rest];
  });
}

const SEPARATOR = ' [SEP] ';

/** Draws what the world says: exactly, or wrapped; a page with `[SEP]` one item per line, what can be clicked in brackets. */
export function observationLines(observation: string, actions: readonly string[], look: Look): string[] {
  if (look.isRaw) return observation.split('\n');
  return readableLines(observation.replaceAll(/[^\P{Cc}\n]/gu, '\u{fffd}'), actions, look);
}

/** Control characters are gone by now: a product's text must not move the cursor. */
function readableLines(observation: string, actions: readonly string[], look: Look): string[] {
  const inner = Math.max(20, look.width - 2);
  if (!observation.includes(SEPARATOR)) return wrap(observation.trimEnd(), inner).map((line) => `  ${line}`.trimEnd());
  const clickable = new Set(actions.flatMap((action) => /^click\[(.*)\]$/s.exec(action)?.[1] ?? []));
  return observation.split(SEPARATOR).flatMap((item) => {
    if (clickable.has(item.trim().toLowerCase())) return [`  ${paint(look, 'cyan', `[${item.trim()}]`)}`];
    return wrap(item.trim(), inner).map((line) => `  ${line}`.trimEnd());
  });
}

/** Draws the head of a game. */
export function headLines(
  { world, task }: Game,
  place: { readonly number: number; readonly of: number },
  look: Look,
): string[] {
  const title = `${world.name}  ${task.split} ${place.number.toLocaleString('en-US')} of ${place.of.toLocaleString('en-US')}  ${task.type}`;
  return ['', paint(look, 'bold', title), paint(look, 'dim', task.id), ''];
}

/** Draws a turn after it was played: its number, what became of it, what the world says. */
export function turnLines(game: Game, look: Look): string[] {
  const turn = game.turns.at(-1);
  const actions = actionsOf(game) ?? [];
  const text = observationLines(observationOf(game), actions, look);
  return turn === undefined ? [...text, ''] : [...text, statusLine(game, turn, look), ''];
}

function statusLine(game: Game, turn: PlayedTurn, look: Look): string {
  const facts = [`turn ${game.turns.length}`, `reward ${amount(turn.reward)}`];
  const total = rewardOf(game);
  if (total !== turn.reward) facts.push(`in all ${amount(total)}`);
  const status = paint(look, 'dim', `  ${facts.join(', ')}`);
  const verdict = turn.grounded ? '' : paint(look, 'yellow', '  refused');
  if (!turn.done) return status + verdict;
  return `${status}${verdict}  ${turn.success ? paint(look, ['green', 'bold'], 'WON') : paint(look, ['red', 'bold'], 'OVER, not won')}`;
}

/** Writes a reward without a tail of digits, e.g. `0.333`. */
export const amount = (value: number): string => String(Number(value.toFixed(3)));

/** Draws a numbered list in as many columns as fit. @param numbers Of the items, from 1. */
export function listLines(items: readonly { readonly number: number; readonly text: string }[], look: Look): string[] {
  const cells = items.map(({ number, text }) => `${String(number).padStart(4)}  ${text}`);
  const wide = Math.max(0, ...cells.map((cell) => cell.length)) + 2;
  const across = Math.max(1, Math.floor(look.width / wide));
  const down = Math.ceil(cells.length / across);
  return Array.from({ length: down }, (_, row) =>
    Array.from({ length: across }, (_, column) => (cells[column * down + row] ?? '').padEnd(wide))
      .join('')
      .trimEnd()
      .slice(0, look.width),
  );
}

/** Draws two plays side by side. */
export function compareLines(mine: Game, expert: Game): string[] {
  const rows = Array.from({ length: Math.max(mine.turns.length, expert.turns.length) }, (_, i) => [
    String(i + 1).padStart(3),
    mark(mine.turns[i]),
    mark(expert.turns[i]),
  ]);
  return [
    ...columns(['   ', 'played', 'expert from the start'], rows).split('\n'),
    '',
    `  ${outcome(mine)}; the expert ${outcome(expert)}`,
  ];
}

const mark = (turn: PlayedTurn | undefined): string =>
  turn === undefined ? '' : `${clip(turn.action)}${turn.grounded ? '' : ' (refused)'}`;

/** An action may be as long as a player likes. */
const clip = (action: string): string => (action.length <= 40 ? action : `${action.slice(0, 39)}…`);

/** Says how a game stands, e.g. `won in 12 turns`. */
export function outcome(game: Game): string {
  const { length } = game.turns;
  const turns = `${length} turn${length === 1 ? '' : 's'}`;
  if (!isOver(game)) return `not finished after ${turns}`;
  return game.turns.at(-1)?.success === true ? `won in ${turns}` : `ended without the goal in ${turns}`;
}

/** Draws the end of a game: how it went, and how the expert would have done. */
export function summaryLines(game: Game, expert: Game | undefined, look: Look): string[] {
  const { turns } = game;
  const refused = turns.filter(({ grounded }) => !grounded).length;
  const helped = turns.filter(({ by }) => by === 'expert').length;
  const rows: [string, string][] = [['result', outcome(game)]];
  if (expert !== undefined) rows.push(['expert', outcome(expert)]);
  rows.push(['reward', amount(rewardOf(game))]);
  if (turns.length > 0)
    rows.push(['refused', `${refused} of ${turns.length} (${Math.round((100 * refused) / turns.length)} %)`]);
  if (helped > 0) rows.push(['by expert', `${helped} of ${turns.length}`]);
  const distances = distancesOf(game);
  if (distances !== undefined) rows.push(['to goal', distanceText(distances)]);
  const body = rows.flatMap(([name, text]) =>
    wrap(text, Math.max(20, look.width - 13)).map((line, i) => `  ${(i === 0 ? name : '').padEnd(11)}${line}`),
  );
  return ['', paint(look, 'bold', `Summary of ${game.task.id}`), ...body];
}

/** Writes the distances before the first turn and after each; `-` where the goal is out of reach. */
function distanceText(distances: readonly number[]): string {
  const shown = distances.map((distance) => (Number.isFinite(distance) ? String(distance) : '-')).join(' ');
  return `${shown}  actions`;
}
