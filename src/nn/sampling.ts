/** Choosing the next token from logits, in plain numbers. */
import type { Rng } from '../base/rng.ts';

/** How to choose. */
export interface SamplingOptions {
  /** ≥ 0; 0 takes the most likely token (the first of equals). */
  readonly temperature: number;
  /** Keep the smallest set of tokens that holds this probability mass, in (0, 1]; 1 keeps all. */
  readonly topP: number;
  /** Source of chance; one number is drawn per call unless the temperature is 0. */
  readonly rng: Rng;
}

/** A chosen token. */
export interface Sampled {
  readonly id: number;
  /** Natural log-probability under the untempered, uncut softmax. */
  readonly logProb: number;
}

/** Computes log sum_i exp(x_i) without overflow. @param logits Shape [V], finite. */
export function logSumExp(logits: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > max) max = logits[i]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - max);
  return max + Math.log(sum);
}

/** Computes log softmax(x), shape [V]. */
export function logSoftmax(logits: Float32Array): Float64Array {
  const norm = logSumExp(logits);
  return Float64Array.from(logits, (logit) => logit - norm);
}

/** Returns the index of the largest logit, the first of equals. */
export function argMax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/**
 * Chooses a token. @param logits Shape [V].
 * @throws {RangeError} If temperature or topP is out of range, or no logit is a number.
 */
export function sample(logits: Float32Array, options: SamplingOptions): Sampled {
  const { temperature, topP, rng } = options;
  if (!(temperature >= 0)) throw new RangeError(`Cannot sample: temperature is ${temperature}, expected at least 0`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`Cannot sample: topP is ${topP}, expected a number in (0, 1]`);
  const norm = logSumExp(logits);
  if (!Number.isFinite(norm))
    throw new RangeError(`Cannot sample: log-sum-exp of the logits is ${norm}, expected a finite number`);
  const id = temperature === 0 ? argMax(logits) : draw(logits, temperature, topP, rng.uniform());
  return { id, logProb: logits[id]! - norm };
}

function draw(logits: Float32Array, temperature: number, topP: number, uniform: number): number {
  const max = logits[argMax(logits)]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - max) / temperature));
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  if (topP === 1) return inverse(weights, undefined, uniform * total);
  const order = Array.from(weights.keys()).sort((a, b) => weights[b]! - weights[a]! || a - b);
  let kept = 0;
  let mass = 0;
  while (kept < order.length && mass < topP * total) mass += weights[order[kept++]!]!;
  return inverse(weights, order.slice(0, kept), uniform * mass);
}

/** Returns the first index whose running sum passes `threshold`, walking in `order` (or in index order). */
function inverse(weights: Float64Array, order: readonly number[] | undefined, threshold: number): number {
  const count = order?.length ?? weights.length;
  let sum = 0;
  let last = order?.[0] ?? 0;
  for (let i = 0; i < count; i++) {
    const id = order?.[i] ?? i;
    if (weights[id] === 0) continue;
    last = id; // rounding may leave the threshold above the sum: then the last possible token is taken
    sum += weights[id]!;
    if (sum > threshold) return id;
  }
  return last;
}
