/** `spa play <env>`: a person plays a world in the terminal, or a script does, line by line. */
import { createInterface } from 'node:readline';
import { badInput } from '../base/error.ts';
import type { Environment, Task } from '../env/environment.ts';
import { INTERRUPTED } from './interrupt.ts';
import { openNamedWorld, type WorldWords } from './open-world.ts';
import { completeLine } from './play-command.ts';
import { type Session, type SessionOptions, startSession } from './play-session.ts';
import { findTask } from './play-task.ts';
import { type Look, paint } from './play-view.ts';

/** The options as typed. */
export interface PlayWords extends WorldWords {
  readonly split?: string;
  readonly task?: string;
  readonly expert?: boolean;
  readonly hints?: boolean;
  readonly raw?: boolean;
}

/** Widest text; longer lines are hard to read. */
const WIDEST = 100;

/** Plays; returns 0, or 130 if interrupted by Ctrl-C. @throws {SpaError} Bad input: unknown world, split or task, or no data. */
export async function playCommand(name: string, words: PlayWords): Promise<number> {
  const { world, maxTurns } = await openNamedWorld(name, words);
  const { tasks, first } = chooseTask(world, words);
  const look = lookOf(process.stdout, process.env, words.raw ?? false);
  return converse({
    world,
    tasks,
    first,
    maxTurns,
    hints: words.hints ?? false,
    expert: words.expert ?? false,
    look,
    print: (line) => void process.stdout.write(`${line}\n`),
  });
}

/** Finds the split and the task the words name; default the first of the first split. */
export function chooseTask(
  world: Environment,
  words: Pick<PlayWords, 'split' | 'task'>,
): { tasks: readonly Task[]; first: number } {
  const tasks = world.tasks(words.split ?? world.splits[0] ?? 'train');
  if (words.task === undefined) return { tasks, first: 0 };
  const found = findTask(tasks, words.task);
  if ('index' in found) return { tasks, first: found.index };
  throw badInput('environment', `Cannot play task "${words.task}" of ${world.name}: ${found.problem}`, {
    ...(found.hint === undefined ? {} : { hint: found.hint }),
  });
}

/** Decides how to draw. Source: no-color.org; `TERM=dumb` knows no colours either. */
export function lookOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: NodeJS.ProcessEnv,
  isRaw: boolean,
): Look {
  const isColoured = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return { width: Math.min(stream.columns ?? 80, WIDEST), isColoured, isRaw };
}

/** Reads lines until the player ends; without a terminal, lines are echoed so that the output reads like a session. */
async function converse(options: SessionOptions): Promise<number> {
  const isTTY = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const { print, look } = options;
  if (isTTY) print(paint(look, 'dim', 'Type an action; Tab completes, /help lists what else there is.'));
  let session: Session | undefined;
  const reader = createInterface({
    input: process.stdin,
    ...(isTTY ? { output: process.stdout } : {}),
    terminal: isTTY,
    prompt: paint(look, 'bold', '> '),
    historySize: 200,
    removeHistoryDuplicates: true,
    completer: (line: string) => completeLine(line, session?.actions() ?? []),
  });
  let code = 0;
  reader.on('SIGINT', () => {
    code = INTERRUPTED;
    reader.close();
  });
  const lines = reader[Symbol.asyncIterator](); // from here on no line is lost
  session = startSession(options);
  if (isTTY) reader.prompt();
  for (;;) {
    const next = await lines.next();
    if (next.done) break;
    const line: string = next.value;
    if (!isTTY && line.trim() !== '') print(`> ${line}`);
    if (!(await session.enter(line))) break;
    if (isTTY) reader.prompt();
  }
  reader.close();
  session.close();
  return code;
}
