/**
 * The reward of each agent turn, by scheme. `spa` is the paper's (arXiv 2505.20732): estimated progress plus grounding.
 * `released` is what the released code computes instead: it replaces every turn's progress by one number, the episode's return less
 * the mean return of the task's other episodes. Source: WangHanLinHenry/SPA-RL-Agent prm/rl_data_org.py, lines 20-43 and 79-87.
 */

/** How turns are rewarded. */
export const rewardSchemes = ['spa', 'released', 'outcome', 'progress-only', 'grounding-only', 'rloo'] as const;
export type RewardScheme = (typeof rewardSchemes)[number];

/** One agent turn as the schemes see it. */
export interface RewardTurn {
  /** True if the world could execute the action. */
  readonly grounded: boolean;
  /** Estimated progress c_t; needed by `spa` and `progress-only`. */
  readonly progress?: number | null;
  /** What the world answered; needed by `released` with `groundingTest: 'text'`. */
  readonly answer?: string;
}

/** One episode as the schemes see it. */
export interface RewardEpisode {
  readonly turns: readonly RewardTurn[];
  /** The episode's return R, normally in [0, 1]. */
  readonly return: number;
  /** Returns of the other episodes of the same task; needed by `released` and `rloo`. */
  readonly otherReturns?: readonly number[];
}

/** A scheme and its weights. */
export interface RewardOptions {
  readonly scheme: RewardScheme;
  /** Weight of progress. Source: paper, 1. */
  readonly alpha: number;
  /** Weight of grounding. Source: paper and released code, 0.5. */
  readonly beta: number;
  /** `bonus`: g in {0, 1}, the paper's. `penalty`: g - 1 in {-1, 0}, which pays nothing for wandering. */
  readonly grounding: 'bonus' | 'penalty';
  /** How `released` tells a grounded turn: the world's flag (default), or the released test of the answer's text. */
  readonly groundingTest?: 'world' | 'text';
  /** Whether `released` multiplies by n - k - 1 as the released trainer does, which drops the last turn. Default false. */
  readonly multiplier?: boolean;
}

/**
 * Computes r_0 … r_{N-1} of an episode with N turns, c = progress, g = grounded (or g - 1), R = return, A = R - mean of others:
 *   spa             r_k = alpha c_k + beta g_k
 *   progress-only   r_k = alpha c_k
 *   grounding-only  r_k = beta g_k
 *   outcome         r_{N-1} = R, else 0
 *   rloo            r_{N-1} = A, else 0
 *   released        r_k = A + beta g_k with g_k always a bonus, times (N - k - 1) with `multiplier`
 * @returns Rewards, shape [N].
 * @throws {TypeError} If the scheme needs progress, an answer or other returns that the episode lacks.
 */
export function turnRewards(episode: RewardEpisode, options: RewardOptions): Float64Array {
  const { alpha, beta, scheme } = options;
  const grounded = (turn: RewardTurn): number => Number(turn.grounded) - (options.grounding === 'penalty' ? 1 : 0);
  const last = episode.turns.length - 1;
  const each = (reward: (turn: RewardTurn, k: number) => number) => Float64Array.from(episode.turns, reward);
  switch (scheme) {
    case 'spa':
      return each((turn) => alpha * progressOf(turn, scheme) + beta * grounded(turn));
    case 'progress-only':
      return each((turn) => alpha * progressOf(turn, scheme));
    case 'grounding-only':
      return each((turn) => beta * grounded(turn));
    case 'outcome':
      return each((_, k) => (k === last ? episode.return : 0));
    case 'rloo': {
      const advantage = leaveOneOut(episode.return, othersOf(episode, scheme));
      return each((_, k) => (k === last ? advantage : 0));
    }
    case 'released': {
      const advantage = leaveOneOut(episode.return, othersOf(episode, scheme));
      const rewards = each((turn, k) => advantage + (isGroundedReleased(turn, k === last, options) ? beta : 0));
      return options.multiplier ? multiplyReleased(rewards) : rewards;
    }
    default:
      return scheme satisfies never;
  }
}

/**
 * Subtracts the mean return of a task's other episodes:  A = R - mean(others); A = R if there are none.
 * Source: Kool, van Hoof & Welling (2019), "Buy 4 REINFORCE Samples, Get a Baseline for Free!"; released prm/rl_data_org.py:20-43.
 */
export function leaveOneOut(own: number, others: readonly number[]): number {
  if (others.length === 0) return own;
  return own - others.reduce((sum, value) => sum + value, 0) / others.length;
}

/**
 * Multiplies the reward of turn k of n by n - k - 1, as the released trainer does: the last turn counts nothing, the first most.
 * Source: released ppo/step_ppotrainer.py:396, unchanged from yuyq18/StepTool.
 */
export function multiplyReleased(rewards: ArrayLike<number>): Float64Array {
  return Float64Array.from(rewards, (reward, k) => reward * (rewards.length - k - 1));
}

/** The text test of the released code: no refusal in the answer; the last turn, whose answer it does not look at, passes. */
function isGroundedReleased(turn: RewardTurn, isLast: boolean, options: RewardOptions): boolean {
  if (options.groundingTest !== 'text') return turn.grounded;
  if (isLast) return true;
  if (turn.answer === undefined) throw lacking('released', "a turn's answer");
  return !turn.answer.includes('Nothing happens');
}

function progressOf(turn: RewardTurn, scheme: RewardScheme): number {
  if (typeof turn.progress !== 'number') throw lacking(scheme, 'progress');
  return turn.progress;
}

function othersOf(episode: RewardEpisode, scheme: RewardScheme): readonly number[] {
  if (episode.otherReturns === undefined) throw lacking(scheme, "the returns of the task's other episodes");
  return episode.otherReturns;
}

function lacking(scheme: RewardScheme, what: string): TypeError {
  return new TypeError(`Cannot reward an episode by scheme "${scheme}": ${what} is absent, expected it on the episode`);
}
