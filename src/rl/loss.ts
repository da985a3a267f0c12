/**
 * Reference losses on plain numbers: what the tensor programs must agree with, and what tests read. All are means over masked tokens
 * of the whole minibatch; rows may differ in length.
 */
import { maskedMean, type Row } from './masked.ts';

/** Log-probabilities and advantages of a minibatch, each of shape [B][T]. */
export interface PolicyBatch {
  readonly logProbs: readonly Row[];
  /** Under the policy that played. */
  readonly oldLogProbs: readonly Row[];
  readonly advantages: readonly Row[];
  /** 0 or 1. */
  readonly mask: readonly Row[];
}

/** Clips of the policy loss. */
export interface PolicyClip {
  /** Lower clip of the ratio: 1 - clipLow. Source: TRL, 0.2. */
  readonly clipLow: number;
  /** Upper clip of the ratio: 1 + clipHigh. Source: TRL, 0.2; StarPO-S 0.28. */
  readonly clipHigh: number;
  /** Bound c of the loss where A < 0: at most -A c. Absent: no bound. Source: verl, 3. */
  readonly dualClip?: number;
}

/** A policy loss and what is worth watching beside it. */
export interface PolicyLoss {
  readonly loss: number;
  /** Mean ratio over masked tokens. */
  readonly ratio: number;
  /** Share of masked tokens whose clipped term is the larger one. */
  readonly clipped: number;
}

/**
 * Computes the clipped policy loss, rho = exp(logp - old):  mean_m max(-A rho, -A clip(rho, 1 - e_l, 1 + e_h)),
 * where A < 0 and `dualClip` is given at most -A c.
 * Source: Schulman et al. (2017), arXiv 1707.06347, eq. 7; TRL 0.10.1 PPOTrainer.loss; dual clip: Ye et al. (2020), arXiv 1912.09729.
 */
export function policyLoss(batch: PolicyBatch, clip: PolicyClip): PolicyLoss {
  const { logProbs, oldLogProbs, advantages, mask } = batch;
  const ratios = map(logProbs, (value, b, t) => Math.exp(value - oldLogProbs[b]![t]!));
  const clippedRatio = (ratio: number): number => Math.min(Math.max(ratio, 1 - clip.clipLow), 1 + clip.clipHigh);
  const losses = map(ratios, (ratio, b, t) => {
    const advantage = advantages[b]![t]!;
    const loss = Math.max(-advantage * ratio, -advantage * clippedRatio(ratio));
    return clip.dualClip !== undefined && advantage < 0 ? Math.min(loss, -advantage * clip.dualClip) : loss;
  });
  const isClipped = map(ratios, (ratio, b, t) => {
    const advantage = advantages[b]![t]!;
    return -advantage * clippedRatio(ratio) > -advantage * ratio ? 1 : 0;
  });
  return { loss: maskedMean(losses, mask), ratio: maskedMean(ratios, mask), clipped: maskedMean(isClipped, mask) };
}

/** Values of a minibatch, each of shape [B][T]. */
export interface ValueBatch {
  readonly values: readonly Row[];
  /** From before the update. */
  readonly oldValues: readonly Row[];
  readonly returns: readonly Row[];
  readonly mask: readonly Row[];
}

/**
 * Computes the clipped value loss:  1/2 mean_m max((V - G)^2, (clip(V, V_old - e, V_old + e) - G)^2).
 * Source: TRL 0.10.1 PPOTrainer.loss.
 */
export function valueLoss({ values, oldValues, returns, mask }: ValueBatch, clip: number): number {
  const losses = map(values, (value, b, t) => {
    const old = oldValues[b]![t]!;
    const near = Math.min(Math.max(value, old - clip), old + clip);
    const target = returns[b]![t]!;
    return Math.max((value - target) ** 2, (near - target) ** 2);
  });
  return 0.5 * maskedMean(losses, mask);
}

/** Estimates of the divergence KL(policy || reference) from one sampled token. */
export type KlEstimate = 'k1' | 'k2' | 'k3';

/**
 * Estimates the divergence at one token the policy sampled, x = log ref - log p:
 *   k1 = -x,  k2 = x^2 / 2,  k3 = exp(x) - x - 1.
 * k1 and k3 have the divergence as expected value; k3 is never negative.
 * Source: Schulman (2020), "Approximating KL Divergence", joschu.net/blog/kl-approx.html.
 */
export function klEstimate(kind: KlEstimate, logProb: number, referenceLogProb: number): number {
  const x = referenceLogProb - logProb;
  switch (kind) {
    case 'k1':
      return -x;
    case 'k2':
      return 0.5 * x * x;
    case 'k3':
      return Math.expm1(x) - x;
    default:
      return kind satisfies never;
  }
}

/** What the coefficient is steered by. */
export interface AdaptiveKl {
  /** Divergence aimed at, nats per episode. Source: TRL, 6. */
  readonly target: number;
  /** Episodes over which the coefficient may change by a fifth. Source: TRL, 10 000. */
  readonly horizon: number;
}

/**
 * Steers the weight of the divergence:  c <- c (1 + clip(KL / target - 1, -0.2, 0.2) n / horizon).
 * @param measured Mean over episodes of the summed k1 estimate, and the number of episodes n.
 * Source: Ziegler et al. (2019), arXiv 1909.08593, section 2.2; TRL 0.10.1 AdaptiveKLController.
 */
export function nextKlCoefficient(
  coefficient: number,
  measured: { readonly kl: number; readonly episodes: number },
  { target, horizon }: AdaptiveKl,
): number {
  const error = Math.min(Math.max(measured.kl / target - 1, -0.2), 0.2);
  return coefficient * (1 + (error * measured.episodes) / horizon);
}

function map(rows: readonly Row[], change: (value: number, b: number, t: number) => number): Float64Array[] {
  return rows.map((row, b) => Float64Array.from(row, (value, t) => change(value, b, t)));
}
