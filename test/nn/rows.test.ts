/** Leaving positions without weight out of the vocabulary projection changes memory, not numbers. */
import { describe, expect, it } from 'vitest';
import { withRows } from '../../src/nn/rows.ts';
import { createScorer } from '../../src/nn/scorer.ts';
import { createTrainer } from '../../src/nn/trainer.ts';
import { largestDifference, randomBatch, tinyModel } from './support.ts';

/** So many tokens that the logits of 512 positions take 123 MB, those of 256 half of that: only the former are too many. */
const vocabSize = 60_000;
const model = tinyModel(['value'], { vocabSize, hiddenSize: 8, heads: 2, kvHeads: 1, layers: 1, maxLength: 256 });
// near -log V, so that ratios are near 1
const drawn = randomBatch({ B: 2, T: 256 }, 1, vocabSize);
const nearer = (logs: Float32Array): Float32Array => logs.map((log) => log - 7.5);
const whole = { ...drawn, oldLogProbs: nearer(drawn.oldLogProbs), refLogProbs: nearer(drawn.refLogProbs) };
for (let t = 0; t < 60; t++) whole.weights[256 + t] = 1; // the second row is padding otherwise

/** The rows of a batch of two as two batches of one. */
const halves = [0, 1].map((row) => {
  const of = <A extends Float32Array | Int32Array>(values: A): A => {
    const size = values.length / 2;
    return values.slice(row * size, (row + 1) * size) as A; // slice keeps the kind of array
  };
  const { shape, ...arrays } = whole;
  const parts = Object.entries(arrays).map(([name, values]) => [name, of(values)]);
  return { ...(Object.fromEntries(parts) as Omit<typeof whole, 'shape'>), shape: { ...shape, B: 1 } }; // the same names
});

describe('withRows()', () => {
  const weights = Float32Array.from({ length: 64 }, (_, i) => (i % 13 === 5 ? i : 0)); // 5, 18, 31, 44, 57
  const feeds = { tokens: Int32Array.from(weights.keys()), targets: Int32Array.from(weights.keys()), weights };

  it('keeps what has weight, in order, and fills up with position 0 at weight 0', () => {
    const { feeds: found, form } = withRows(feeds, { B: 2, T: 32 }, 2 ** 20);
    expect(form).toEqual({ B: 2, T: 32, rows: 16 }); // 64 halved twice; fewer than 16 are not worth a program
    const rest = new Array(11).fill(0);
    expect([...found.rows!]).toEqual([5, 18, 31, 44, 57, ...rest]);
    expect([...found.targets!]).toEqual([5, 18, 31, 44, 57, ...rest]);
    expect([...found.weights!]).toEqual([5, 18, 31, 44, 57, ...rest]);
    expect(found.tokens).toBe(feeds.tokens);
  });

  it('leaves a batch alone whose logits are few, or which needs more than half of them', () => {
    expect(withRows(feeds, { B: 2, T: 32 }, 1000)).toEqual({ feeds, form: { B: 2, T: 32 } });
    const busy = { ...feeds, weights: weights.map(() => 1) };
    expect(withRows(busy, { B: 2, T: 32 }, 2 ** 20).form).toEqual({ B: 2, T: 32 });
  });
});

describe('a step with a large vocabulary', () => {
  it.each(['language', 'ppo'] as const)('is the same whether positions are left out or not: %s', async (objective) => {
    const options = {
      engine: 'onnx',
      threads: 1,
      objective,
      adam: { beta1: 0.9, beta2: 0.95, epsilon: 1e-5, weightDecay: 0 },
      clipNorm: 1,
      lora: { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] },
      ppo: { clip: 0.2, valueClip: 0.2, valueCoefficient: 0.5, klCoefficient: 0.1, entropyCoefficient: 0 },
    } as const;
    await using one = createTrainer(model, options);
    await using two = createTrainer(model, options);
    const [a, b] = [await one.step([whole], 1e-2), await two.step(halves, 1e-2)];
    expect(Object.keys(a)).toEqual(Object.keys(b));
    expect(largestDifference(Object.values(a), Object.values(b))).toBeLessThanOrEqual(1e-5);
    expect(largestDifference(one.adapters!, two.adapters!)).toBeLessThanOrEqual(1e-5);
    expect(a.gradientNorm).toBeGreaterThan(0);
  });

  it('scores the same in stretches', async () => {
    await using scorer = createScorer(model, { engine: 'onnx', threads: 1 });
    const together = (await scorer.score(whole, { logProbs: true })).logProbs!.slice();
    const apart: number[] = [];
    for (const half of halves) apart.push(...(await scorer.score(half, { logProbs: true })).logProbs!);
    expect(largestDifference(together, apart)).toBeLessThanOrEqual(1e-6);
  });
});
