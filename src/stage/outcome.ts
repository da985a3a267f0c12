/** What a set of episodes amounts to. Broken episodes (`infra_error`) are counted apart and never as failures. */
import type { Episode } from '../data/trajectory.ts';

/** Means over the episodes that were played to an end. */
export interface Outcomes {
  readonly episodes: number;
  /** Episodes that broke; in no other number. */
  readonly broken: number;
  /** Share of episodes that reached the goal, in [0, 1]. */
  readonly success: number;
  /** Share of episodes the world ended, in [0, 1]: most worlds end at success, WebShop at any purchase. */
  readonly ended: number;
  /** Mean return. */
  readonly reward: number;
  /** Grounding accuracy: share of actions the world could execute, in [0, 1]. */
  readonly grounded: number;
  /** Mean turns per episode. */
  readonly turns: number;
}

/** Summarises episodes. */
export function outcomesOf(episodes: readonly Episode[]): Outcomes {
  const sound = episodes.filter((episode) => episode.outcome !== 'infra_error');
  const count = Math.max(1, sound.length);
  const turns = sound.reduce((sum, episode) => sum + episode.turns.length, 0);
  const grounded = sound.reduce((sum, episode) => sum + episode.turns.filter((turn) => turn.grounded).length, 0);
  const wins = sound.filter((episode) => episode.outcome === 'success').length;
  const losses = sound.filter((episode) => episode.outcome === 'failure').length;
  return {
    episodes: sound.length,
    broken: episodes.length - sound.length,
    success: wins / count,
    ended: (wins + losses) / count,
    reward: sound.reduce((sum, episode) => sum + episode.return, 0) / count,
    grounded: grounded / Math.max(1, turns),
    turns: turns / count,
  };
}

/** JSON has no NaN: a statistic that is not defined for these data is null in a summary. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
