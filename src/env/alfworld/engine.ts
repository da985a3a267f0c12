/** Plays a compiled game as the reference wrapper shows it to an agent. */
import type { Opening, Transition } from '../environment.ts';
import { execute } from './command.ts';
import type { Game } from './game.ts';
import { describeRoom } from './sentence.ts';
import type { AlfworldState } from './state.ts';

/** The game's own first text, banner included. */
export function openingText(game: Game): string {
  const room = describeRoom(game.receptacles.filter((_, r) => game.locationOf[r]! >= 0));
  return ['-= Welcome to TextWorld, ALFRED! =-', room, game.dialect.task].join('\n\n');
}

/**
 * Starts a game.
 * @param join What stands between the room and the task, e.g. one newline as in the reference wrapper.
 * Source: WangHanLinHenry/SPA-RL-Agent eval_agent/tasks/alfworld.py (parts after the banner, joined by a newline).
 */
export function openGame(game: Game, join: string): Opening<AlfworldState> {
  return { state: game.initial, observation: openingText(game).split('\n\n').slice(1).join(join) };
}

/**
 * Executes one action. The reward is 1 on the step that reaches the goal; a won game stays won.
 * Source of the arrival rule: eval_agent/envs/alfworld_env.py `process_ob`.
 */
export function stepGame(game: Game, state: AlfworldState, action: string): Transition<AlfworldState> {
  const { state: next, feedback, arrival, grounded } = execute(game, state, action);
  const isShown = arrival !== undefined && game.dialect.arrival === 'receptacle';
  const success = state.won || (mayDecide(game, state, next) && game.goal.isReached(next));
  const wins = success && !state.won;
  return {
    state: wins ? { ...next, won: true } : next,
    observation: isShown ? `${arrival} ${feedback}` : feedback,
    reward: wins ? 1 : 0,
    done: success,
    success,
    grounded,
  };
}

/** Tells whether anything the goal depends on has changed. */
function mayDecide(game: Game, before: AlfworldState, after: AlfworldState): boolean {
  if (before === after) return false;
  for (const part of game.goal.reads) if (before[part] !== after[part]) return true;
  return false;
}
