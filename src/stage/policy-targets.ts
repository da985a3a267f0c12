/**
 * From the rewards of turns to the numbers PPO needs for each token, for the three meanings of "one step" in GAE:
 *   turn             a step is an agent turn; its advantage goes to all its tokens (default: credit does not fade over long texts);
 *   response-tokens  a step is an agent token;
 *   all-tokens       a step is any token, observations included, as the released code does (credit fades by gamma lambda each).
 */
import { generalisedAdvantages, whiten } from '../rl/advantage.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { PolicyTargets } from './batch.ts';
import type { Sequence } from './sequence.ts';

type Ppo = Pick<Manifest['ppo'], 'gamma' | 'lambda' | 'gaeScope' | 'kl'>;

/** Forward passes over one sequence, aligned with its tokens. */
export interface PolicyScores {
  readonly old: { readonly logProbs: Float32Array };
  readonly reference: { readonly logProbs: Float32Array };
  /** Value head at each position: the value of the state in which the token after it is chosen. */
  readonly values: Float32Array;
}

/**
 * Computes advantages (not yet whitened), value targets and masks of one sequence; entry t of each belongs to the token at t.
 * Value targets are advantage + value. With `kl.placement` "reward" each agent token costs coefficient (log p_old - log p_ref).
 */
export function policyTargets(sequence: Sequence, scores: PolicyScores, ppo: Ppo): PolicyTargets {
  const steps = stepsOf(sequence, ppo.gaeScope);
  const rewards = stepRewards(sequence, steps, { scores, ppo });
  const values = steps.map(({ first }) => scores.values[first - 1]!);
  const isCounted = steps.map(({ isAgent }) => isAgent);
  const advantages = generalisedAdvantages(
    rewards.map((reward, index) => (isCounted[index] ? reward : 0)),
    values.map((value, index) => (isCounted[index] ? value : 0)),
    { gamma: ppo.gamma, lambda: ppo.lambda },
  );
  const length = sequence.ids.length;
  const targets = {
    advantages: new Float32Array(length),
    oldLogProbs: scores.old.logProbs,
    refLogProbs: scores.reference.logProbs,
    valueMask: new Float32Array(length),
    valueTargets: new Float32Array(length),
    oldValues: new Float32Array(length),
  };
  steps.forEach(({ first, last, isAgent }, index) => {
    if (!isAgent) return;
    targets.advantages.fill(advantages[index]!, first, last + 1);
    targets.valueMask[first] = 1;
    targets.valueTargets[first] = advantages[index]! + values[index]!;
    targets.oldValues[first] = values[index]!;
  });
  return targets;
}

/** Whitens advantages over all steps of all sequences, each step counted once: (A - mean) / sqrt(variance + 1e-8). */
export function whitenTargets(targets: readonly PolicyTargets[], sequences: readonly Sequence[]): PolicyTargets[] {
  const steps = targets.map((target) => [...target.valueMask.keys()].filter((t) => target.valueMask[t]! > 0));
  const whitened = whiten(targets.flatMap((target, index) => steps[index]!.map((t) => target.advantages[t]!)));
  let next = 0;
  return targets.map((target, index) => {
    const advantages = new Float32Array(target.advantages.length);
    const { turns } = sequences[index]!;
    steps[index]!.forEach((first, n) => {
      const value = whitened[next++]!;
      const end = steps[index]![n + 1] ?? advantages.length;
      for (let t = first; t < end && turns[t]! >= 0; t++) advantages[t] = value;
    });
    return { ...target, advantages };
  });
}

/** Computes the discounted return of each step of a sequence as value targets: what a critic is first fitted to. */
export function discountedReturns(sequence: Sequence, ppo: Ppo): Pick<PolicyTargets, 'valueMask' | 'valueTargets'> {
  const steps = stepsOf(sequence, ppo.gaeScope);
  const valueMask = new Float32Array(sequence.ids.length);
  const valueTargets = new Float32Array(sequence.ids.length);
  let total = 0;
  for (const { first, last, isAgent } of steps.toReversed()) {
    total = (isAgent ? rewardAt(sequence, last) : 0) + ppo.gamma * total;
    if (!isAgent) continue;
    valueMask[first] = 1;
    valueTargets[first] = total;
  }
  return { valueMask, valueTargets };
}

/** One step of GAE: the tokens first … last. */
interface Step {
  readonly first: number;
  readonly last: number;
  readonly isAgent: boolean;
}

function stepsOf(sequence: Sequence, scope: Ppo['gaeScope']): Step[] {
  if (scope === 'turn') {
    return sequence.turnStarts.map((start, turn) => ({
      first: start + 1,
      last: sequence.turnEnds[turn]!,
      isAgent: true,
    }));
  }
  const tokens = Array.from(sequence.turns, (turn, t) => ({ first: t, last: t, isAgent: turn >= 0 })).slice(1);
  return scope === 'all-tokens' ? tokens : tokens.filter(({ isAgent }) => isAgent);
}

/** The reward of a turn stands at its last token. */
function rewardAt(sequence: Sequence, last: number): number {
  const turn = sequence.turns[last]!;
  if (turn < 0 || sequence.turnEnds[turn] !== last) return 0;
  return sequence.episode.turns[turn]!.shapedReward ?? 0;
}

function stepRewards(
  sequence: Sequence,
  steps: readonly Step[],
  { scores, ppo }: { readonly scores: PolicyScores; readonly ppo: Ppo },
): number[] {
  const coefficient = ppo.kl.placement === 'reward' ? ppo.kl.coefficient : 0;
  return steps.map(({ first, last }) => {
    let divergence = 0;
    for (let t = first; t <= last; t++) divergence += scores.old.logProbs[t]! - scores.reference.logProbs[t]!;
    return rewardAt(sequence, last) - coefficient * divergence;
  });
}
