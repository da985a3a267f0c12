/**
 * The three losses, as sums over positions whose weights the host has already divided by their total over the whole optimiser
 * step: so micro-batches simply add up, and each sum is a weighted mean.
 */
import { tf } from '../tensor/tf.ts';
import { distributionEntropy, tokenLogProb } from './ops.ts';

/** The PPO settings that shape the loss. */
export interface PpoOptions {
  /** Ratio clip: ratios count only within 1 ± clip in the profitable direction, > 0. */
  readonly clip: number;
  /** New values count only within old ± valueClip, > 0; Infinity switches the clipping off. */
  readonly valueClip: number;
  /** Weight of the value loss. */
  readonly valueCoefficient: number;
  /** Weight of the KL penalty to the reference policy. */
  readonly klCoefficient: number;
  /** Weight of the entropy bonus; 0 leaves the entropy uncomputed. */
  readonly entropyCoefficient: number;
}

/** A loss to minimise and named scalars to report; `loss` is among them. */
export interface LossTerms {
  readonly loss: tf.Tensor;
  readonly metrics: Readonly<Record<string, tf.Tensor>>;
}

/** Computes -sum w log p: the cross-entropy. @param logits [N, V]. @param x Flat arrays [N]; weights sum to 1. */
export function languageLoss(
  logits: tf.Tensor,
  x: { readonly targets: tf.Tensor; readonly weights: tf.Tensor; readonly agentWeights: tf.Tensor },
): LossTerms {
  const logProbs = tokenLogProb(logits, x.targets);
  const loss = tf.neg(tf.sum(tf.mul(logProbs, x.weights)));
  return { loss, metrics: { loss, crossEntropy: tf.neg(tf.sum(tf.mul(logProbs, x.agentWeights))) } };
}

/**
 * Computes the mean over sequences of (sum_t c_t - R)². Source: SPA-RL (arXiv 2505.20732), eq. of the progress estimator.
 * @param c Head output at every position, [B, T]. @param x readMask [B, T]; returns and rowWeights [B], the latter sum to 1.
 */
export function progressLoss(
  c: tf.Tensor,
  x: { readonly readMask: tf.Tensor; readonly returns: tf.Tensor; readonly rowWeights: tf.Tensor },
): LossTerms {
  const predicted = tf.sum(tf.mul(c, x.readMask), 1); // [B]
  const loss = tf.sum(tf.mul(x.rowWeights, tf.square(tf.sub(predicted, x.returns))));
  return { loss, metrics: { loss, meanPrediction: tf.sum(tf.mul(x.rowWeights, predicted)) } };
}

/** Computes the mean of (v - G)²: a critic on its own. @param values Flat [N]. @param x Flat [N]; weights sum to 1. */
export function regressionLoss(
  values: tf.Tensor,
  x: { readonly valueWeights: tf.Tensor; readonly valueTargets: tf.Tensor },
): LossTerms {
  const loss = tf.sum(tf.mul(x.valueWeights, tf.squaredDifference(values, x.valueTargets)));
  return { loss, metrics: { loss } };
}

/** Arrays of the policy loss, flat [N]; weights sum to 1. */
export interface PolicyArrays {
  readonly weights: tf.Tensor;
  readonly oldLogProbs: tf.Tensor;
  readonly refLogProbs: tf.Tensor;
  readonly advantages: tf.Tensor;
}

/**
 * Computes the clipped policy loss, mean max(-A ρ, -A clip(ρ, 1 ± clip)) with ρ = exp(new - old), and the KL penalty
 * k3 = exp(d) - d - 1 with d = ref - new, never negative. Positions of weight 0 count as ρ = 1 and d = 0, so padding cannot overflow.
 * Source: PPO (arXiv 1707.06347), eq. 7, in the form of TRL 0.10.1; k3: Schulman, "Approximating KL divergence" (2020).
 */
export function policyLoss(
  logProbs: tf.Tensor,
  x: PolicyArrays,
  clip: number,
): Record<'policyLoss' | 'kl' | 'clipFraction' | 'meanRatio', tf.Tensor> {
  const counted = tf.cast(tf.greater(x.weights, 0), 'float32');
  const mean = (values: tf.Tensor): tf.Tensor => tf.sum(tf.mul(values, x.weights));
  const ratio = tf.exp(tf.mul(tf.sub(logProbs, x.oldLogProbs), counted));
  const loss = tf.neg(x.advantages);
  const clipped = tf.mul(loss, tf.clipByValue(ratio, 1 - clip, 1 + clip));
  const difference = tf.mul(tf.sub(x.refLogProbs, logProbs), counted);
  return {
    policyLoss: mean(tf.maximum(tf.mul(loss, ratio), clipped)),
    kl: mean(tf.sub(tf.sub(tf.exp(difference), difference), 1)),
    clipFraction: mean(tf.cast(tf.greater(tf.abs(tf.sub(ratio, 1)), clip), 'float32')),
    meanRatio: mean(ratio),
  };
}

/** Arrays of the value loss, flat [N]; weights sum to 1. */
export interface ValueArrays {
  readonly valueWeights: tf.Tensor;
  readonly valueTargets: tf.Tensor;
  readonly oldValues: tf.Tensor;
}

/** Computes ½ mean max((v - G)², (clip(v, old ± valueClip) - G)²). Source: TRL 0.10.1, `PPOTrainer.loss`. */
export function valueLoss(values: tf.Tensor, x: ValueArrays, valueClip: number): tf.Tensor {
  let error = tf.square(tf.sub(values, x.valueTargets));
  if (Number.isFinite(valueClip)) {
    const clipped = tf.add(x.oldValues, tf.clipByValue(tf.sub(values, x.oldValues), -valueClip, valueClip));
    error = tf.maximum(error, tf.square(tf.sub(clipped, x.valueTargets)));
  }
  return tf.mul(0.5, tf.sum(tf.mul(error, x.valueWeights)));
}

/** What the PPO loss is made of: logits of the policy, values of the critic (or of the shared trunk, or none). */
export interface PpoOutputs {
  /** [N, V]. */
  readonly logits: tf.Tensor;
  /** [N]; absent: no value loss. */
  readonly values?: tf.Tensor;
}

/** Computes policyLoss + valueCoefficient · valueLoss + klCoefficient · kl - entropyCoefficient · entropy. */
export function ppoLoss(
  outputs: PpoOutputs,
  x: PolicyArrays & ValueArrays & { readonly targets: tf.Tensor },
  options: PpoOptions,
): LossTerms {
  const policy = policyLoss(tokenLogProb(outputs.logits, x.targets), x, options.clip);
  const metrics: Record<string, tf.Tensor> = { ...policy };
  let loss = tf.add(policy.policyLoss, tf.mul(options.klCoefficient, policy.kl));
  if (outputs.values !== undefined) {
    metrics.valueLoss = valueLoss(outputs.values, x, options.valueClip);
    loss = tf.add(loss, tf.mul(options.valueCoefficient, metrics.valueLoss));
  }
  if (options.entropyCoefficient !== 0) {
    metrics.entropy = tf.sum(tf.mul(distributionEntropy(outputs.logits), x.weights));
    loss = tf.sub(loss, tf.mul(options.entropyCoefficient, metrics.entropy));
  }
  return { loss, metrics: { loss, ...metrics } };
}
