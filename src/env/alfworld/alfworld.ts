/** The ALFWorld text world: household games, either real ones from files or generated ones, behind the contract of every world. */
import { badInput, SpaError } from '../../base/error.ts';
import type { Environment, Task } from '../environment.ts';
import { unknownSplit } from '../split.ts';
import { admissible } from './admissible.ts';
import { openGame, stepGame } from './engine.ts';
import { createExpert } from './expert.ts';
import { type FilesOptions, openFiles } from './files.ts';
import { compileGame, type Game } from './game.ts';
import { type GenerateOptions, openGenerated } from './generate/generated.ts';
import { planActions } from './plan.ts';
import { renameTexts } from './rename.ts';
import type { GameSource } from './source.ts';
import type { AlfworldState } from './state.ts';
import { parseTaskName, type TaskParams } from './task.ts';

/** Options of any source. */
export interface PlayOptions {
  /** What stands between the room and the task in the first observation; default one newline, as in the reference wrapper. */
  readonly openingJoin?: '\n' | '\n\n';
}

/** Which games to open. */
export type AlfworldOptions = PlayOptions &
  (({ readonly source: 'files' } & FilesOptions) | ({ readonly source: 'generated' } & GenerateOptions));

/**
 * Opens ALFWorld.
 * @throws {SpaError} If the games are not there or the options make no sense (bad input).
 */
export function openAlfworld(options: AlfworldOptions): Environment<AlfworldState> {
  return playSource(options.source === 'files' ? openFiles(options) : openGenerated(options), options);
}

function playSource(source: GameSource, options: PlayOptions): Environment<AlfworldState> {
  const games = new Map<string, Game>();
  const gameOf = (task: Task): Game => {
    const known = games.get(task.id);
    if (known !== undefined) return known;
    const game = compileTask(source, task);
    games.set(task.id, game);
    return game;
  };
  const checked = (split: string): string => {
    if (source.splits.includes(split)) return split;
    const hint = 'Splits of a real tree are the folders in json_2.1.1.';
    throw unknownSplit(split, { world: 'ALFWorld', splits: source.splits, hint });
  };
  return {
    name: 'alfworld',
    splits: source.splits,
    digest: (split) => source.digest(checked(split)),
    tasks: (split) => source.tasks(checked(split)),
    reset: (task) => openGame(gameOf(task), options.openingJoin ?? '\n'),
    step: (task, state, action) => stepGame(gameOf(task), state, action),
    admissible: (task, state) => admissible(gameOf(task), state),
    expert: (task) => createExpert(paramsOf(task), { choice: { seed: task.id } }),
    remaining: (task, state) => planActions(gameOf(task), state, paramsOf(task))?.length ?? Number.POSITIVE_INFINITY,
    rename: renameTexts,
  };
}

function compileTask(source: GameSource, task: Task): Game {
  const text = source.read(task);
  try {
    return compileGame(text);
  } catch (error) {
    if (error instanceof SpaError) throw error;
    throw badInput(
      'environment',
      `Cannot compile game "${task.id}": its text is damaged, expected ALFWorld's game.tw-pddl`,
      {
        cause: error,
        hint: error instanceof Error ? error.message : 'Fetch the file again.',
      },
    );
  }
}

function paramsOf(task: Task): TaskParams {
  const params = parseTaskName(task.id.split('/')[1] ?? '');
  if (params === undefined)
    throw new RangeError(`Cannot read task "${task.id}": its folder names no task type, expected <type>-<object>-…`);
  return params;
}
