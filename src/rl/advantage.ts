/**
 * Advantages of one episode whose tokens alternate between the agent's and the world's. Position t is the decision for one token:
 * `values[t]` is the value of the state in which it is taken and `turns[t]` the agent turn the token belongs to, or -1 for a token
 * the agent did not choose. (TRL's log-probabilities, shifted by one against the tokens, are laid out so.)
 */
import { multiplyReleased } from './reward.ts';

/** Rewards and values of one episode. */
export interface Decisions {
  /** Agent turn of each position, or -1, shape [T]; the turns of an episode appear in order. */
  readonly turns: ArrayLike<number>;
  /** Reward at each position, shape [T]; see {@link placeRewards} and {@link klRewards}. */
  readonly rewards: ArrayLike<number>;
  /** Value of each position's state, shape [T]. */
  readonly values: ArrayLike<number>;
}

/** How advantages are computed. */
export interface GaeOptions {
  /** What one step is: a turn, an agent token, or any token, observations included, as the released code has it. */
  readonly scope: 'turn' | 'response-tokens' | 'all-tokens';
  /** Discount per step, in [0, 1]. */
  readonly gamma: number;
  /** Decay of the estimator per step, in [0, 1]. */
  readonly lambda: number;
}

/** What the policy and the critic learn from; entries outside agent turns are defined but mean nothing. */
export interface Advantages {
  /** A_t, shape [T]; in scope `turn` the same for each token of a turn. */
  readonly advantages: Float64Array;
  /** Target of the critic, shape [T]; in scope `turn` the critic learns at a turn's first position only (`isStep`). */
  readonly returns: Float64Array;
  /** 1 where a step of the scope is taken by the agent: the mask of the value loss, shape [T]. */
  readonly isStep: Uint8Array;
}

/**
 * Computes generalised advantages, right to left over the steps of the scope:
 *   delta_t = r_t + gamma V_{t+1} - V_t,  A_t = delta_t + gamma lambda A_{t+1},  return_t = A_t + V_t,  V = 0 beyond the end.
 * `all-tokens`: each position is a step, with r = V = 0 outside agent turns, so that credit decays across observations.
 * `response-tokens`: only positions inside agent turns are steps. `turn`: a turn is one step; its reward is the sum of its
 * positions', its value that of its first position.
 * @throws {RangeError} If the shapes differ or gamma or lambda lies outside [0, 1].
 * Source: Schulman et al. (2016), arXiv 1506.02438, eq. 16; scope `all-tokens`: TRL 0.10.1 PPOTrainer.compute_advantages.
 */
export function generalisedAdvantages(episode: Decisions, options: GaeOptions): Advantages {
  check(episode, options);
  const T = episode.turns.length;
  const result = { advantages: new Float64Array(T), returns: new Float64Array(T), isStep: new Uint8Array(T) };
  const steps = stepsOf(episode, options.scope);
  const rewards = steps.map((step) => step.reward);
  const values = steps.map((step) => (step.isAgent ? episode.values[step.start]! : 0));
  const advantages = stepAdvantages(rewards, values, options);
  steps.forEach(({ start, end, isAgent }, index) => {
    result.advantages.fill(advantages[index]!, start, end);
    result.returns.fill(advantages[index]! + values[index]!, start, end);
    if (isAgent) result.isStep[start] = 1;
  });
  return result;
}

/**
 * Computes generalised advantages over steps of time, whatever a step is; see {@link generalisedAdvantages} for the formula.
 * @returns A_0 … A_{N-1}, shape [N].
 */
export function stepAdvantages(
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  { gamma, lambda }: Pick<GaeOptions, 'gamma' | 'lambda'>,
): Float64Array {
  const advantages = new Float64Array(rewards.length);
  let nextValue = 0;
  let nextAdvantage = 0;
  for (let n = rewards.length - 1; n >= 0; n--) {
    nextAdvantage = rewards[n]! + gamma * nextValue - values[n]! + gamma * lambda * nextAdvantage;
    nextValue = values[n]!;
    advantages[n] = nextAdvantage;
  }
  return advantages;
}

/** A stretch of positions that counts as one step of time. */
interface Step {
  readonly start: number;
  /** One past the last position. */
  readonly end: number;
  readonly isAgent: boolean;
  readonly reward: number;
}

function stepsOf({ turns, rewards }: Decisions, scope: GaeOptions['scope']): Step[] {
  if (scope === 'turn') {
    return turnSpans(turns).map(({ start, end }) => {
      let reward = 0;
      for (let t = start; t < end; t++) reward += rewards[t]!;
      return { start, end, isAgent: true, reward };
    });
  }
  const steps: Step[] = [];
  for (let t = 0; t < turns.length; t++) {
    const isAgent = turns[t]! >= 0;
    if (isAgent || scope === 'all-tokens')
      steps.push({ start: t, end: t + 1, isAgent, reward: isAgent ? rewards[t]! : 0 });
  }
  return steps;
}

/** Positions of one agent turn, `end` exclusive. */
export interface TurnSpan {
  readonly start: number;
  readonly end: number;
}

/** Finds the stretches of equal turn numbers >= 0, in order. */
export function turnSpans(turns: ArrayLike<number>): TurnSpan[] {
  const spans: TurnSpan[] = [];
  let start = 0;
  for (let t = 1; t <= turns.length; t++) {
    if (t < turns.length && turns[t] === turns[start]) continue;
    if (turns[start]! >= 0) spans.push({ start, end: t });
    start = t;
  }
  return spans;
}

/** Numbers the runs of ones in a mask, as TRL's code tells turns apart; -1 elsewhere. */
export function turnsOfMask(mask: ArrayLike<number>): Int32Array {
  let turn = -1;
  return Int32Array.from(mask, (value, t) => {
    if (value === 0) return -1;
    if (t === 0 || mask[t - 1] === 0) turn += 1;
    return turn;
  });
}

/**
 * Places each turn's reward at the turn's last position. Turns and rewards are matched from the end, so that when a sequence has
 * lost its beginning to truncation the rewards of the lost turns are left out.
 * @param rewards One per turn of the whole episode, shape [N].
 * @param options.multiplier `released`: turn k counts n - k - 1 times, see {@link multiplyReleased}. Default `none`.
 * @returns Rewards per position, shape [T].
 * Source: released ppo/step_ppotrainer.py:369-409.
 */
export function placeRewards(
  turns: ArrayLike<number>,
  rewards: ArrayLike<number>,
  options: { readonly multiplier?: 'none' | 'released' } = {},
): Float64Array {
  const placed = new Float64Array(turns.length);
  const scores = options.multiplier === 'released' ? multiplyReleased(rewards) : rewards;
  const spans = turnSpans(turns);
  for (let back = 1; back <= Math.min(spans.length, scores.length); back++) {
    placed[spans.at(-back)!.end - 1] = scores[scores.length - back]!;
  }
  return placed;
}

/**
 * Computes the penalty for leaving the reference policy:  -coefficient (log p_t - log ref_t)  inside agent turns, else 0.
 * @returns Rewards to be added to the placed ones, shape [T].
 * Source: TRL 0.10.1 PPOTrainer.compute_rewards with kl_penalty "kl".
 */
export function klRewards(
  turns: ArrayLike<number>,
  logs: { readonly policy: ArrayLike<number>; readonly reference: ArrayLike<number> },
  coefficient: number,
): Float64Array {
  return Float64Array.from(turns, (turn, t) => (turn < 0 ? 0 : -coefficient * (logs.policy[t]! - logs.reference[t]!)));
}

/** Discounts of the two levels of {@link bilevelAdvantages}. */
export interface BilevelOptions {
  /** Discount per token inside a turn. */
  readonly gamma: number;
  readonly lambda: number;
  /** Discount per turn. */
  readonly turnGamma: number;
}

/**
 * Computes bi-level advantages. First over turn ends e, right to left:  d = r_e + g_h V_{e'} - V_e,  A_e = d + g_h lambda A_{e'}.
 * Then inside each turn over its tokens, where the last one is rewarded with A_e + V_e and nothing lies beyond it.
 * Unlike the source, turn ends are told by `turns` and not by a non-zero reward, which misses turns worth 0.
 * @returns Advantages and returns, shape [T]; 0 outside agent turns.
 * Source: RAGEN-AI/RAGEN ragen/trainer/core_algos.py compute_bi_level_gae_advantage_return.
 */
export function bilevelAdvantages(episode: Decisions, options: BilevelOptions): Omit<Advantages, 'isStep'> {
  const { turns, rewards, values } = episode;
  const { gamma, lambda, turnGamma } = options;
  const advantages = new Float64Array(turns.length);
  const returns = new Float64Array(turns.length);
  let turnValue = 0;
  let turnAdvantage = 0;
  for (const { start, end } of turnSpans(turns).reverse()) {
    const value = values[end - 1]!;
    turnAdvantage = rewards[end - 1]! + turnGamma * turnValue - value + turnGamma * lambda * turnAdvantage;
    turnValue = value;
    let nextValue = 0;
    let advantage = 0;
    for (let t = end - 1; t >= start; t--) {
      const reward = t === end - 1 ? turnAdvantage + value : 0;
      advantage = reward + gamma * nextValue - values[t]! + gamma * lambda * advantage;
      nextValue = values[t]!;
      advantages[t] = advantage;
      returns[t] = advantage + values[t]!;
    }
  }
  return { advantages, returns };
}

function check({ turns, rewards, values }: Decisions, { gamma, lambda }: GaeOptions): void {
  if (rewards.length !== turns.length || values.length !== turns.length) {
    const found = `${turns.length} turns, ${rewards.length} rewards and ${values.length} values`;
    throw new RangeError(`Cannot compute advantages: there are ${found}, expected as many of each`);
  }
  for (const [name, value] of Object.entries({ gamma, lambda })) {
    if (!(value >= 0 && value <= 1)) {
      throw new RangeError(`Cannot compute advantages: ${name} is ${value}, expected a number in [0, 1]`);
    }
  }
}
