/**
 * Advantages without a critic: an episode, or one of its turns, against the others of the same task. Samples are laid out one per
 * turn; all samples of an episode share `trajectory`, all episodes of a task share `group`.
 */
import { maskedMean, maskedVariance, type Row, whiten } from './masked.ts';

/** One turn of one episode. */
export interface GroupSample {
  /** The task. */
  readonly group: string;
  /** The episode. */
  readonly trajectory: string;
  /** Return of the whole episode. */
  readonly return: number;
}

/** How returns become advantages. */
export interface GroupOptions {
  /** `grpo`: (R - mean) / (std + 1e-6). `dr-grpo`: R - mean. `leave-one-out`: R - mean of the others. */
  readonly method: 'grpo' | 'dr-grpo' | 'leave-one-out';
  /** What mean and deviation are over: each `trajectory` once, or each `sample`, so that long episodes weigh more (verl-agent). */
  readonly over: 'trajectory' | 'sample';
}

/**
 * Computes the advantage of each sample's episode within its group; alone in its group, an episode has mean 0 and deviation 1.
 * @returns Advantages, shape [samples].
 * Source: GRPO: Shao et al. (2024), arXiv 2402.03300. Dr. GRPO: Liu et al. (2025), arXiv 2503.20783.
 * Leave-one-out: Ahmadian et al. (2024), arXiv 2402.14740. Edge cases as verl-agent core_algos.py.
 */
export function groupAdvantages(samples: readonly GroupSample[], { method, over }: GroupOptions): Float64Array {
  const counted = over === 'sample' ? samples : distinctTrajectories(samples);
  const returns = collect(
    counted,
    (sample) => sample.group,
    (sample) => sample.return,
  );
  return Float64Array.from(samples, (sample) => compare(sample.return, returns.get(sample.group)!, method));
}

function compare(own: number, all: readonly number[], method: GroupOptions['method']): number {
  const n = all.length;
  if (n === 1) return method === 'grpo' ? own / (1 + 1e-6) : own;
  const { mean, deviation } = momentsOf(all);
  switch (method) {
    case 'grpo':
      return (own - mean) / (deviation + 1e-6);
    case 'dr-grpo':
      return own - mean;
    case 'leave-one-out':
      return (n / (n - 1)) * (own - mean);
    default:
      return method satisfies never;
  }
}

/** A sample with what its turn saw and earned. */
export interface AnchoredSample extends GroupSample {
  /** What the agent saw before the turn, without history. */
  readonly anchor: string;
  /** The world's reward of the turn. */
  readonly reward: number;
}

/** Settings of {@link gigpoAdvantages}. */
export interface GigpoOptions {
  /** Discount per turn. Source: GiGPO, 0.95. */
  readonly gamma: number;
  /** Weight of the step part. Source: GiGPO, 1. */
  readonly stepWeight: number;
  /** Whether both parts are divided by their group's deviation. */
  readonly divideByDeviation: boolean;
}

/** The parts of a GiGPO advantage, each of shape [samples]. */
export interface GigpoAdvantages {
  readonly stepReturns: Float64Array;
  readonly episode: Float64Array;
  readonly step: Float64Array;
  readonly advantages: Float64Array;
}

/**
 * Computes  A = A_episode + w A_step : the episode against its group, and the discounted return from a turn on,
 *   G_k = r_k + gamma G_{k+1},
 * against the turns of the same group that stood before the same observation (0 if there is no other).
 * @param samples The turns of one trajectory stand in order, not necessarily next to each other.
 * Source: Feng et al. (2025), "Group-in-Group Policy Optimization", arXiv 2505.10978, eq. 6-8.
 */
export function gigpoAdvantages(samples: readonly AnchoredSample[], options: GigpoOptions): GigpoAdvantages {
  const method = options.divideByDeviation ? 'grpo' : 'dr-grpo';
  const episode = groupAdvantages(samples, { method, over: 'sample' });
  const stepReturns = discountedByTrajectory(samples, options.gamma);
  const keyOf = (sample: AnchoredSample): string => JSON.stringify([sample.group, sample.anchor]);
  const anchored = collect(samples, keyOf, (_, index) => stepReturns[index]!);
  const step = Float64Array.from(samples, (sample, index) => {
    const all = anchored.get(keyOf(sample))!;
    return all.length === 1 ? 0 : compare(stepReturns[index]!, all, method);
  });
  const advantages = episode.map((value, index) => value + options.stepWeight * step[index]!);
  return { stepReturns, episode, step, advantages };
}

function discountedByTrajectory(samples: readonly AnchoredSample[], gamma: number): Float64Array {
  const returns = new Float64Array(samples.length);
  const following = new Map<string, number>();
  for (let index = samples.length - 1; index >= 0; index--) {
    const { trajectory, reward } = samples[index]!;
    returns[index] = reward + gamma * (following.get(trajectory) ?? 0);
    following.set(trajectory, returns[index]!);
  }
  return returns;
}

/**
 * Computes REINFORCE++ advantages:  G_t = (r_t + gamma G_{t+1}) m_t  per token, whitened over the masked tokens of the whole batch.
 * @param rewards Token rewards with the divergence penalty, shape [B][T].
 * @returns Returns and advantages, shape [B][T]; 0 outside the mask.
 * Source: Hu (2025), arXiv 2501.03262; verl core_algos.py compute_reinforce_plus_plus_outcome_advantage.
 */
export function reinforcePlusPlus(
  rewards: readonly Row[],
  mask: readonly Row[],
  gamma: number,
): { readonly returns: Float64Array[]; readonly advantages: Float64Array[] } {
  const returns = rewards.map((row, b) => {
    const discounted = new Float64Array(row.length);
    let following = 0;
    for (let t = row.length - 1; t >= 0; t--) {
      discounted[t] = row[t]! + gamma * following;
      following = discounted[t]! * mask[b]![t]!;
    }
    return discounted;
  });
  const advantages = whiten(returns, mask).map((row, b) => row.map((value, t) => (mask[b]![t]! === 0 ? 0 : value)));
  return { returns, advantages };
}

function distinctTrajectories(samples: readonly GroupSample[]): GroupSample[] {
  const seen = new Map<string, GroupSample>();
  for (const sample of samples) seen.set(JSON.stringify([sample.group, sample.trajectory]), sample);
  return [...seen.values()];
}

function collect<S>(
  samples: readonly S[],
  keyOf: (sample: S) => string,
  pick: (sample: S, index: number) => number,
): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  samples.forEach((sample, index) => {
    const key = keyOf(sample);
    const values = groups.get(key);
    if (values === undefined) groups.set(key, [pick(sample, index)]);
    else values.push(pick(sample, index));
  });
  return groups;
}

function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const ones = [values.map(() => 1)];
  return { mean: maskedMean([values], ones), deviation: Math.sqrt(maskedVariance([values], ones)) };
}
