/**
 * Games made here, in ALFWorld's own format and read back by the same code: deterministic in (seed, split, index), made when asked for.
 * Train and seen games share scenes; unseen games have scenes of their own. Every game has been solved by the expert.
 */
import { badInput } from '../../../base/error.ts';
import { hashJson } from '../../../base/hash.ts';
import { createRng } from '../../../base/rng.ts';
import type { Task } from '../../environment.ts';
import { admissible } from '../admissible.ts';
import { openGame, stepGame } from '../engine.ts';
import { createExpert } from '../expert.ts';
import { compileGame, type GameText } from '../game.ts';
import type { GameSource } from '../source.ts';
import { parseTaskName, taskTypes } from '../task.ts';
import { drawQuest, drawThings, type Quest } from './draw.ts';
import type { WorldSize } from './room.ts';
import { drawScenes } from './scene.ts';
import { type GameFile, writeGame } from './text.ts';

/** Options of {@link openGenerated}. */
export interface GenerateOptions {
  /** Seed of the whole world. */
  readonly seed: number;
  /** Number of games per split. */
  readonly counts: { readonly train: number; readonly valid_seen: number; readonly valid_unseen: number };
  /** How rich rooms are. Default `small`. */
  readonly size?: WorldSize;
  /** Scenes per kind of room. Default 24 for training, 6 unseen. */
  readonly scenes?: { readonly train: number; readonly unseen: number };
  /** Wording of putting down: the old or the new grammar. Default `put`. */
  readonly grammar?: 'put' | 'move';
}

/** Changes whenever the same options give other games. */
export const generatorVersion = 1;

/** Longest expert episode a game should need, in actions; ALFWorld's own limit of 150 applies where no placement is that easy. */
const expertLimit: Readonly<Record<WorldSize, number>> = { small: 30, full: 50 };

/** A source that can also hand out whole game files. */
export interface GeneratedSource extends GameSource {
  read(task: Task): GameText & GameFile;
}

/**
 * Opens a generated world.
 * @throws {SpaError} If a number is not a whole number from 0 (bad input).
 */
export function openGenerated(options: GenerateOptions): GeneratedSource {
  const { seed, size = 'small', grammar = 'put', scenes = { train: 24, unseen: 6 } } = options;
  const { train, valid_seen, valid_unseen } = options.counts; // named, so that stray keys do not reach the digest
  const counts = { train, valid_seen, valid_unseen };
  for (const [name, value] of Object.entries({
    seed,
    ...counts,
    'scenes.train': scenes.train,
    'scenes.unseen': scenes.unseen,
  })) {
    if (Number.isInteger(value) && value >= 0) continue;
    throw badInput(
      'environment',
      `Cannot generate ALFWorld games: ${name} is ${value}, expected a whole number from 0`,
    );
  }
  const splits = Object.keys(counts);
  const all = drawScenes({ seed, size, scenes });
  const pools: Readonly<Record<string, typeof all>> = {
    train: all.filter((scene) => !scene.isUnseen),
    valid_seen: all.filter((scene) => !scene.isUnseen),
    valid_unseen: all.filter((scene) => scene.isUnseen),
  };
  const quests = new Map<string, Quest>();
  const listings = new Map<string, readonly Task[]>();
  const list = (split: keyof typeof counts): readonly Task[] =>
    Array.from({ length: counts[split] }, (_, index) => {
      const rng = createRng(['alfworld quest', seed, size, split, index]);
      const quest = drawQuest(taskTypes[index % taskTypes.length]!, { scenes: pools[split]!, size, rng });
      const { type, object, target, scene } = quest;
      const id = `${split}/${type}-${object}-None-${target}-${scene.number}/trial_G${seed}_${index.toString().padStart(6, '0')}`;
      quests.set(id, quest);
      return { id, split, type };
    });
  const tasks = (split: string): readonly Task[] => {
    const known = listings.get(split) ?? list(split as keyof typeof counts); // the caller has checked the name
    listings.set(split, known);
    return known;
  };
  return {
    splits,
    tasks,
    read: (task) => {
      tasks(task.split);
      const quest = quests.get(task.id);
      if (quest === undefined)
        throw new RangeError(`Cannot generate game "${task.id}": it is not a task of this world, expected one`);
      return makeGame(task, quest, { size, put: grammar });
    },
    digest: (split) =>
      hashJson([
        'alfworld generated',
        generatorVersion,
        { seed, size, grammar, scenes, split, count: counts[split as keyof typeof counts] },
      ]),
  };
}

/** Draws placements until the expert solves the game; the task itself stays. */
function makeGame(
  task: Task,
  quest: Quest,
  options: { readonly size: WorldSize; readonly put: 'put' | 'move' },
): GameFile {
  for (let attempt = 0; attempt < 100; attempt++) {
    const rng = createRng(['alfworld game', options.size, task.id, attempt]);
    const file = writeGame(quest, drawThings(quest, { size: options.size, rng }), { rng, put: options.put });
    if (isSolvedByExpert(file, task, attempt < 10 ? expertLimit[options.size] : 150)) return file;
  }
  throw new Error(`Internal: the expert solves no placement of generated game "${task.id}"`);
}

function isSolvedByExpert(file: GameFile, task: Task, limit: number): boolean {
  const game = compileGame(file);
  const params = parseTaskName(task.id.split('/')[1]!)!; // written by list()
  const expert = createExpert(params, { choice: { seed: task.id } });
  let { state, observation } = openGame(game, '\n');
  if (game.goal.isReached(state)) return false;
  let lastAction: string | undefined;
  for (let i = 0; i < limit; i++) {
    lastAction = expert.act({ observation, admissible: admissible(game, state), lastAction });
    const turn = stepGame(game, state, lastAction);
    if (turn.success) return true;
    ({ state, observation } = turn);
  }
  return false;
}
