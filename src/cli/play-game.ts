/** One game a person plays: its turns so far, as values, so that undo is a slice. The expert is asked from any turn by telling it all before. */
import type { JsonObject } from '../base/json.ts';
import type { Environment, Task, Transition } from '../env/environment.ts';

/** A turn that was played. */
export interface PlayedTurn extends Transition<JsonObject> {
  readonly action: string;
  readonly by: 'you' | 'expert';
}

/** A game under way. */
export interface Game {
  readonly world: Environment;
  readonly task: Task;
  readonly opening: { readonly state: JsonObject; readonly observation: string };
  readonly turns: readonly PlayedTurn[];
}

/** Starts a game. */
export function startGame(world: Environment, task: Task): Game {
  return { world, task, opening: world.reset(task), turns: [] };
}

/** Returns the state the game is in. */
const stateOf = ({ opening, turns }: Game): JsonObject => turns.at(-1)?.state ?? opening.state;

/** Returns the last thing the world said. */
export const observationOf = ({ opening, turns }: Game): string => turns.at(-1)?.observation ?? opening.observation;

/** Tells whether the world has ended. */
export const isOver = ({ turns }: Game): boolean => turns.at(-1)?.done === true;

/** Returns the reward so far, in the world's unit. */
export const rewardOf = ({ turns }: Game): number => turns.reduce((sum, { reward }) => sum + reward, 0);

/** Lists what the world would execute now; undefined if it cannot tell. */
export function actionsOf(game: Game): readonly string[] | undefined {
  return isOver(game) ? [] : game.world.admissible?.(game.task, stateOf(game));
}

/** Plays one action. */
export function takeTurn(game: Game, action: string, by: PlayedTurn['by'] = 'you'): Game {
  const transition = game.world.step(game.task, stateOf(game), action);
  return { ...game, turns: [...game.turns, { ...transition, action, by }] };
}

/** Takes turns back. */
export function takeBack(game: Game, count: number): Game {
  return { ...game, turns: game.turns.slice(0, Math.max(0, game.turns.length - count)) };
}

/** Returns the action the expert would play now; undefined if there is no expert or the world has ended. */
export function hintOf(game: Game): string | undefined {
  const { world, task, opening, turns } = game;
  const expert = world.expert?.(task);
  if (expert === undefined || isOver(game)) return undefined;
  let hint: string | undefined;
  for (let played = 0; played <= turns.length; played++) {
    const state = turns[played - 1]?.state ?? opening.state;
    hint = expert.act({
      observation: turns[played - 1]?.observation ?? opening.observation,
      admissible: world.admissible?.(task, state) ?? [],
      lastAction: turns[played - 1]?.action,
    });
  }
  return hint;
}

/** Lets the expert play on. @param most Turns it may play. */
export function playExpert(game: Game, most: number): Game {
  let now = game;
  for (let played = 0; played < most; played++) {
    const action = hintOf(now);
    if (action === undefined) break;
    now = takeTurn(now, action, 'expert');
  }
  return now;
}

/** Counts the actions to the goal from where the game is; undefined if the world cannot tell. */
export function distanceOf(game: Game): number | undefined {
  return game.world.remaining?.(game.task, stateOf(game));
}

/** Counts the actions to the goal before and after each turn; undefined if the world cannot tell. Infinity = out of reach. */
export function distancesOf({ world, task, opening, turns }: Game): number[] | undefined {
  const { remaining } = world;
  if (remaining === undefined) return undefined;
  return [opening.state, ...turns.map(({ state }) => state)].map((state) => remaining.call(world, task, state));
}
