/**
 * AdamW and gradient clipping over flat vectors, in plain JavaScript: float64 arithmetic on float32 state, hence the same on every engine.
 * Source: Decoupled weight decay (arXiv 1711.05101), in the order of torch.optim.AdamW.
 */

/** Settings of the optimiser. */
export interface AdamOptions {
  /** Decay of the first moment, in [0, 1). */
  readonly beta1: number;
  /** Decay of the second moment, in [0, 1). */
  readonly beta2: number;
  /** Added to the root of the second moment, > 0. */
  readonly epsilon: number;
  /** Share of a matrix removed per step and unit of learning rate; norms, biases and other vectors are spared. */
  readonly weightDecay: number;
}

/** A run of trainable numbers: where it lies in the parameters, in the gradient and in the moments, and whether it decays. */
export interface Segment {
  readonly offset: number;
  readonly gradientOffset: number;
  readonly momentOffset: number;
  readonly size: number;
  readonly decays: boolean;
}

/** Parameters [P] with the moments of the trained ones among them [sum of the segments' sizes]. */
export interface AdamVectors {
  readonly values: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/** One update. */
export interface AdamUpdate {
  /** Steps taken including this one, ≥ 1. */
  readonly step: number;
  readonly learningRate: number;
  /** Factor on the gradient, from clipping. */
  readonly scale: number;
}

/** Computes the Euclidean norm of the gradient over the given runs. */
export function gradientNorm(gradient: Float32Array, segments: readonly Segment[]): number {
  let sum = 0;
  for (const { gradientOffset, size } of segments) {
    for (let i = gradientOffset; i < gradientOffset + size; i++) sum += gradient[i]! * gradient[i]!;
  }
  return Math.sqrt(sum);
}

/**
 * Updates parameters and moments in place: m ← β1 m + (1-β1) g, v ← β2 v + (1-β2) g²,
 * p ← p - lr · decay · p - lr · m̂ / (√v̂ + ε), with m̂ = m / (1 - β1^step), v̂ = v / (1 - β2^step).
 */
export function adamStep(
  vectors: AdamVectors,
  gradient: { readonly values: Float32Array; readonly segments: readonly Segment[] },
  settings: AdamOptions & AdamUpdate,
): void {
  const { values: p, firstMoment: m, secondMoment: v } = vectors;
  const { beta1, beta2, epsilon, weightDecay, step, learningRate, scale } = settings;
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / (1 - beta2 ** step);
  const g = gradient.values;
  for (const { offset, gradientOffset, momentOffset, size, decays } of gradient.segments) {
    const keep = decays ? 1 - learningRate * weightDecay : 1;
    for (let i = offset, j = gradientOffset, k = momentOffset; i < offset + size; i++, j++, k++) {
      const slope = g[j]! * scale;
      const first = beta1 * m[k]! + (1 - beta1) * slope;
      const second = beta2 * v[k]! + (1 - beta2) * slope * slope;
      m[k] = first;
      v[k] = second;
      p[i] = p[i]! * keep - (rate * first) / (Math.sqrt(second * correction) + epsilon);
    }
  }
}
