/** Learning rates, batch packing, rotary frequencies and one AdamW step, each by hand. */
import { describe, expect, it } from 'vitest';
import { adamStep } from '../../src/nn/adamw.ts';
import { packBatches } from '../../src/nn/batching.ts';
import { ropeFrequencies, ropeTables } from '../../src/nn/rope.ts';
import { learningRateAt, type Schedule } from '../../src/nn/schedule.ts';
import { tinyConfig } from './support.ts';

describe('learningRateAt()', () => {
  const schedule: Schedule = { total: 11, warmup: 3, peak: 8, shape: 'linear', floor: 0.5 };
  const rates = (shape: Schedule['shape'], steps: readonly number[]): number[] =>
    steps.map((step) => learningRateAt(step, { ...schedule, shape }));

  it('rises to the peak, then falls straight to the floor and stays there', () => {
    // 8 · 1/4, 2/4, 3/4; the peak at step 3; half-way (step 7) 8 · 0.75; 8 · 0.5 from step 11
    expect(rates('linear', [0, 1, 2, 3, 7, 11, 50])).toEqual([2, 4, 6, 8, 6, 4, 4]);
  });

  it('falls as half a cosine', () => {
    // x = 1/4: 8 (0.5 + 0.25 (1 + cos 45°)) = 8 · 0.926777
    const [start, quarter, half, end] = rates('cosine', [3, 5, 7, 11]);
    expect([start, half, end].map((rate) => Math.round(rate! * 1e9) / 1e9)).toEqual([8, 6, 4]);
    expect(quarter).toBeCloseTo(8 * 0.9267766953, 8);
  });

  it('stays flat', () => {
    expect(rates('constant', [0, 3, 100])).toEqual([2, 8, 8]);
  });
});

describe('packBatches()', () => {
  it('groups equal buckets, holds the token budget and keeps the order', () => {
    // buckets 64, 128, 64, 64, 200 (the last is cut to maxLength); 160 tokens: 2 rows of 64, 1 of 128, 1 of 200
    const batches = packBatches([10, 65, 64, 1, 193], { batchTokens: 160, maxLength: 200 });
    expect(batches).toEqual([
      { indices: [1], shape: { B: 1, T: 128 } },
      { indices: [0, 2], shape: { B: 2, T: 64 } },
      { indices: [4], shape: { B: 1, T: 200 } },
      { indices: [3], shape: { B: 2, T: 64 } },
    ]);
  });

  it('refuses a sequence that does not fit', () => {
    expect(() => packBatches([201], { batchTokens: 64, maxLength: 200 })).toThrow(
      'Cannot batch a sequence: 201 tokens, expected 1 to 200',
    );
    expect(() => packBatches([0], { batchTokens: 64, maxLength: 200 })).toThrow(
      'Cannot batch a sequence: 0 tokens, expected 1 to 200',
    );
  });
});

describe('ropeFrequencies()', () => {
  it('are powers of theta', () => {
    expect(ropeFrequencies({ ...tinyConfig, headSize: 4, ropeTheta: 100 })).toEqual([1, 0.1]);
  });

  it('are stretched as Llama 3.1 does', () => {
    // original length 2π · 100: turns are 100, 10, 1, 0.1. Kept above 4, divided by 8 below 1; at exactly 1 the mix is all stretched
    const ropeScaling = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxLength: 200 * Math.PI };
    const found = ropeFrequencies({ ...tinyConfig, headSize: 8, ropeTheta: 10000, ropeScaling });
    for (const [i, expected] of [1, 0.1, 0.01 / 8, 0.001 / 8].entries()) expect(found[i]).toBeCloseTo(expected, 12);
    // turns 2.5: half-way between 1 and 4, so the mean of f and f / 8
    const half = { ...ropeScaling, originalMaxLength: 5 * Math.PI };
    expect(ropeFrequencies({ ...tinyConfig, headSize: 2, ropeScaling: half })[0]).toBeCloseTo(0.5625, 12);
  });

  it('make the tables, position by position', () => {
    const { cos, sin } = ropeTables({ ...tinyConfig, headSize: 2 }, 3);
    expect([...cos].map((value, t) => value - Math.cos(t)).every((error) => Math.abs(error) < 1e-7)).toBe(true);
    expect(sin[2]).toBeCloseTo(Math.sin(2), 6);
  });
});

describe('adamStep()', () => {
  it('computes one step as torch.optim.AdamW', () => {
    // g = 2 · 0.5 = 1; m̂ = v̂ = 1; p = 3 - 0.1 · 0.01 · 3 - 0.1 · 1/(1 + 0) = 2.897; without decay 2.9
    const vectors = {
      values: Float32Array.of(3, 3, 7),
      firstMoment: new Float32Array(2),
      secondMoment: new Float32Array(2),
    };
    const segments = [
      { offset: 0, gradientOffset: 1, momentOffset: 0, size: 1, decays: true },
      { offset: 1, gradientOffset: 0, momentOffset: 1, size: 1, decays: false },
    ];
    const settings = {
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-12,
      weightDecay: 0.01,
      step: 1,
      learningRate: 0.1,
      scale: 0.5,
    };
    adamStep(vectors, { values: Float32Array.of(2, 2), segments }, settings);
    expect([...vectors.values].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([2.897, 2.9, 7]);
    expect([...vectors.firstMoment]).toEqual([0.1, 0.1].map(Math.fround));
  });
});
