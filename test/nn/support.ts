/** Small models and batches for the tests of this room. */
import { createRng } from '../../src/base/rng.ts';
import type { Batch } from '../../src/nn/batch.ts';
import type { HeadName } from '../../src/nn/layout.ts';
import { createModel, type Model } from '../../src/nn/model.ts';
import type { ModelConfig } from '../../src/nn/model-config.ts';

/** Two layers, grouped queries, 4 heads of 8. */
export const tinyConfig: ModelConfig = {
  vocabSize: 40,
  hiddenSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 8,
  intermediateSize: 40,
  maxLength: 160,
  ropeTheta: 10000,
  normEps: 1e-5,
  tieEmbeddings: true,
  previousTokenEmbedding: false,
};

/** A tiny model in which nothing is 0 or 1 by birth: norms, biases and last head layers are disturbed. */
export function tinyModel(heads: readonly HeadName[], config: Partial<ModelConfig> = {}, seed = 1): Model {
  const model = createModel({ ...tinyConfig, ...config }, heads, seed);
  const rng = createRng(['disturb', seed]);
  return { ...model, parameters: model.parameters.map((value) => value + 0.05 * rng.normal()) };
}

/** Every field of a batch, random; the last quarter of each sequence is padding, and so is the last of several sequences. */
export function randomBatch(
  shape: { readonly B: number; readonly T: number },
  seed: number,
  vocabSize = tinyConfig.vocabSize,
): Required<Batch> {
  const { B, T } = shape;
  const rng = createRng(['batch', seed]);
  const real = (i: number): boolean => i % T < T * 0.75 && (B === 1 || Math.floor(i / T) < B - 1);
  const ids = (): Int32Array => Int32Array.from({ length: B * T }, () => rng.int(vocabSize));
  const numbers = (make: () => number): Float32Array =>
    Float32Array.from({ length: B * T }, (_, i) => (real(i) ? make() : 0));
  const oldLogProbs = numbers(() => -3.7 + 0.3 * rng.normal());
  return {
    shape,
    tokens: ids(),
    targets: ids(),
    weights: numbers(() => rng.pick([0, 0.3, 1, 1])),
    agentMask: numbers(() => rng.int(2)),
    readMask: numbers(() => (rng.int(8) === 0 ? 1 : 0)),
    returns: Float32Array.from({ length: B }, () => rng.uniform()),
    rowWeights: Float32Array.from({ length: B }, (_, b) => (B === 1 || b < B - 1 ? 1 : 0)),
    oldLogProbs,
    refLogProbs: oldLogProbs.map((value) => value + 0.1 * rng.normal()),
    advantages: numbers(() => rng.normal()),
    valueMask: numbers(() => rng.int(2)),
    valueTargets: numbers(() => rng.normal()),
    oldValues: numbers(() => 0.2 * rng.normal()),
  };
}

/** Returns the largest absolute difference of two arrays of equal length; NaN if any number is. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`Cannot compare arrays: ${a.length} numbers, expected ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
