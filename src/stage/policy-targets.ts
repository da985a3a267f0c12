/**
 * From the rewards of turns to the numbers PPO needs for each token. What one step of GAE is (a turn, an agent token, any token) is
 * `ppo.gaeScope`; see rl/advantage.ts.
 */
import { generalisedAdvantages, klRewards, placeRewards } from '../rl/advantage.ts';
import { whiten } from '../rl/masked.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { PolicyTargets } from './batch.ts';
import type { Sequence } from './sequence.ts';

type Ppo = Pick<Manifest['ppo'], 'gamma' | 'lambda' | 'gaeScope' | 'kl'>;

/** Forward passes over one sequence, aligned with its tokens. */
export interface PolicyScores {
  /** log p of each token under the policy that acted, [T]. */
  readonly old: Float32Array;
  /** log p of each token under the reference policy, [T]. */
  readonly reference: Float32Array;
  /** Value head at each position: the value of the state in which the token after it is chosen, [T]. */
  readonly values: Float32Array;
}

/**
 * Computes advantages (not yet whitened), value targets and masks of one sequence; entry t of each belongs to the token at t.
 * Value targets are advantage + value. With `kl.placement` "reward" each agent token costs coefficient (log p_old - log p_ref).
 */
export function policyTargets(sequence: Sequence, scores: PolicyScores, ppo: Ppo): PolicyTargets {
  const { turns } = sequence;
  const penalty = ppo.kl.placement === 'reward' ? ppo.kl.coefficient : 0;
  const kl = klRewards(turns, { policy: scores.old, reference: scores.reference }, penalty);
  const rewards = shapedRewards(sequence).map((reward, t) => reward + kl[t]!);
  const values = new Float32Array(turns.length);
  values.set(scores.values.subarray(0, turns.length - 1), 1); // the token at t is decided at t - 1
  const { gamma, lambda, gaeScope: scope } = ppo;
  const { advantages, returns, isStep } = generalisedAdvantages({ turns, rewards, values }, { gamma, lambda, scope });
  return {
    advantages: Float32Array.from(advantages),
    oldLogProbs: scores.old,
    refLogProbs: scores.reference,
    valueMask: Float32Array.from(isStep),
    valueTargets: Float32Array.from(returns),
    oldValues: values,
  };
}

/** Whitens advantages over all steps of all sequences, each step counted once: (A - mean) / sqrt(variance + 1e-8). */
export function whitenTargets(targets: readonly PolicyTargets[], sequences: readonly Sequence[]): PolicyTargets[] {
  const steps = targets.map((target) => [...target.valueMask.keys()].filter((t) => target.valueMask[t]! > 0));
  const advantages = targets.flatMap((target, index) => steps[index]!.map((t) => target.advantages[t]!));
  const whitened = whiten([advantages], [advantages.map(() => 1)])[0]!; // one row in, one row out
  let next = 0;
  return targets.map((target, index) => {
    const own = new Float32Array(target.advantages.length);
    const { turns } = sequences[index]!;
    steps[index]!.forEach((first, n) => {
      const value = whitened[next++]!;
      const end = steps[index]![n + 1] ?? own.length;
      for (let t = first; t < end && turns[t]! >= 0; t++) own[t] = value;
    });
    return { ...target, advantages: own };
  });
}

/** Computes the discounted return of each step of a sequence: what a critic is first fitted to. */
export function discountedReturns(sequence: Sequence, ppo: Ppo): Pick<PolicyTargets, 'valueMask' | 'valueTargets'> {
  const { turns } = sequence;
  const values = new Float64Array(turns.length);
  const options = { gamma: ppo.gamma, lambda: 1, scope: ppo.gaeScope };
  const { returns, isStep } = generalisedAdvantages({ turns, rewards: shapedRewards(sequence), values }, options);
  return { valueMask: Float32Array.from(isStep), valueTargets: Float32Array.from(returns) };
}

function shapedRewards({ turns, episode }: Sequence): Float64Array {
  return placeRewards(
    turns,
    episode.turns.map((turn) => turn.shapedReward ?? 0),
  );
}
