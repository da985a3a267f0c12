/** Where each number stands in a batch: what decides the token at t + 1 stands at t. */
import { describe, expect, it } from 'vitest';
import type { PackedBatch } from '../../src/nn/batching.ts';
import { languageBatch, type PolicyTargets, ppoBatch, progressBatch, valueBatch } from '../../src/stage/batch.ts';
import { layEpochs } from '../../src/stage/epoch.ts';
import { episodeOf, sequenceFrom, twoTurns } from './support.ts';

const shape = { B: 2, T: 8 }; // one row and one position of padding
const row = (values: ArrayLike<number> | undefined): number[] => Array.from(values ?? []).slice(0, 8);
const second = (values: ArrayLike<number> | undefined): number[] => Array.from(values ?? []).slice(8);
const zeros = [0, 0, 0, 0, 0, 0, 0, 0];
/** Column in which the entry of position t is base + t. */
const column = (base: number): Float32Array => Float32Array.from({ length: 7 }, (_, t) => base + t);

describe('languageBatch()', () => {
  it('puts target and weight of a token at the position before it', () => {
    const batch = languageBatch([twoTurns], shape, (sequence, position) => (sequence.turns[position]! >= 0 ? 1 : 0.5));
    expect(row(batch.tokens)).toEqual([10, 11, 12, 13, 14, 15, 16, 0]);
    expect(row(batch.targets)).toEqual([11, 12, 13, 14, 15, 16, 0, 0]);
    expect(row(batch.weights)).toEqual([0.5, 1, 1, 0.5, 1, 1, 0, 0]); // of tokens 11 to 16
    expect(second(batch.weights)).toEqual(zeros);
    expect(second(batch.tokens)).toEqual(zeros);
  });

  it('puts each sequence into its own row', () => {
    const other = sequenceFrom([-1, 0, 0], episodeOf());
    const batch = languageBatch([twoTurns, other], shape, () => 1);
    expect(second(batch.tokens)).toEqual([10, 11, 12, 0, 0, 0, 0, 0]);
    expect(second(batch.weights)).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
  });
});

describe('progressBatch()', () => {
  it("reads at each turn's last token and asks for the return", () => {
    const batch = progressBatch([twoTurns], shape);
    expect(row(batch.readMask)).toEqual([0, 0, 0, 1, 0, 0, 1, 0]);
    expect([...batch.returns!]).toEqual([0.75, 0]);
    expect(second(batch.readMask)).toEqual(zeros);
    expect(row(batch.weights)).toEqual(zeros);
  });
});

describe('ppoBatch() and valueBatch()', () => {
  const targets: PolicyTargets = {
    advantages: column(100),
    oldLogProbs: column(200),
    refLogProbs: column(300),
    valueMask: Float32Array.of(0, 0, 1, 0, 0, 1, 0),
    valueTargets: column(400),
    oldValues: column(500),
  };

  it('moves every number to the position where its token is chosen', () => {
    const batch = ppoBatch([twoTurns], shape, () => targets);
    expect(row(batch.weights)).toEqual([0, 1, 1, 0, 1, 1, 0, 0]); // tokens 12, 13, 15, 16 are the agent's
    expect(row(batch.advantages)).toEqual([101, 102, 103, 104, 105, 106, 0, 0]);
    expect(row(batch.oldLogProbs)).toEqual([201, 202, 203, 204, 205, 206, 0, 0]);
    expect(row(batch.refLogProbs)).toEqual([301, 302, 303, 304, 305, 306, 0, 0]);
    expect(row(batch.valueMask)).toEqual([0, 1, 0, 0, 1, 0, 0, 0]);
    expect(row(batch.valueTargets)).toEqual([401, 402, 403, 404, 405, 406, 0, 0]);
    expect(row(batch.oldValues)).toEqual([501, 502, 503, 504, 505, 506, 0, 0]);
    expect(second(batch.advantages)).toEqual(zeros);
  });

  it('fits a critic at the same positions, without weights', () => {
    const batch = valueBatch([twoTurns], shape, () => targets);
    expect(row(batch.valueMask)).toEqual([0, 1, 0, 0, 1, 0, 0, 0]);
    expect(row(batch.valueTargets)).toEqual([401, 402, 403, 404, 405, 406, 0, 0]);
    expect(row(batch.weights)).toEqual(zeros);
  });
});

describe('layEpochs()', () => {
  const lengths = Array.from({ length: 23 }, (_, n) => 10 + 13 * n); // 10 … 296: five buckets of 64
  const options = { epochs: 3, batchTokens: 256, maxLength: 300, seed: 1, name: 'test' };
  const indicesOf = (epochs: ReturnType<typeof layEpochs>, from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, n) => epochs.at(from + n).flatMap(({ indices }) => indices)).flat();

  it('shows every sequence once per pass, each pass in another order', () => {
    const epochs = layEpochs(lengths, options);
    const perPass = epochs.steps / 3;
    const passes = [0, 1, 2].map((pass) => indicesOf(epochs, pass * perPass, (pass + 1) * perPass));
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    expect(passes[1]).not.toEqual(passes[0]);
    expect(passes[2]).not.toEqual(passes[1]);
  });

  it('gives every sequence room and keeps to the tokens of a batch', () => {
    const epochs = layEpochs(lengths, options);
    for (let step = 0; step < epochs.steps; step++) {
      const [{ indices, shape: padded }, ...more] = epochs.at(step) as [PackedBatch, ...PackedBatch[]];
      expect(more).toEqual([]);
      expect(indices.length).toBeLessThanOrEqual(padded.B);
      for (const index of indices) expect(lengths[index]!).toBeLessThanOrEqual(padded.T);
      if (padded.B > 1) expect(padded.B * padded.T).toBeLessThanOrEqual(256);
    }
  });

  it('mixes a step from several lengths, within the tokens of a step', () => {
    const mixed = layEpochs(lengths, { ...options, batchTokens: 1200, lengthGroups: 4 });
    const pass = indicesOf(mixed, 0, mixed.steps / 3);
    expect([...pass].sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    for (let step = 0; step < mixed.steps; step++) {
      const batches = mixed.at(step);
      expect(batches.length).toBeLessThanOrEqual(4);
      expect(batches.reduce((sum, { shape }) => sum + shape.B * shape.T, 0)).toBeLessThanOrEqual(1200);
    }
    const lengthsOf = Array.from({ length: mixed.steps }, (_, n) => new Set(mixed.at(n).map(({ shape }) => shape.T)));
    expect(Math.max(...lengthsOf.map((set) => set.size))).toBeGreaterThan(1);
  });

  it('is a function of the step alone: a run that begins at its end finds the same batches', () => {
    const forwards = layEpochs(lengths, options);
    const backwards = layEpochs(lengths, options);
    const steps = Array.from({ length: forwards.steps }, (_, step) => step);
    const there = steps.map((step) => forwards.at(step));
    const back = [...steps].reverse().map((step) => backwards.at(step));
    expect(back.reverse()).toEqual(there);
  });

  it('differs by seed and by name', () => {
    const first = indicesOf(layEpochs(lengths, options), 0, 5);
    expect(indicesOf(layEpochs(lengths, { ...options, seed: 2 }), 0, 5)).not.toEqual(first);
    expect(indicesOf(layEpochs(lengths, { ...options, name: 'other' }), 0, 5)).not.toEqual(first);
  });

  it('counts fractions of a pass, and takes one step at least', () => {
    const perPass = layEpochs(lengths, { ...options, epochs: 1 }).steps;
    expect(layEpochs(lengths, { ...options, epochs: 1.5 }).steps).toBe(Math.round(1.5 * perPass));
    expect(layEpochs(lengths, { ...options, epochs: 0.0001 }).steps).toBe(1);
    const half = layEpochs(lengths, { ...options, epochs: 0.5 });
    expect(half.at(0)).toEqual(layEpochs(lengths, options).at(0)); // the same beginning as a longer training
  });

  it('refuses to train on nothing', () => {
    expect(() => layEpochs([], options)).toThrow(
      'Cannot train "test": there is no episode to learn from, expected at least one',
    );
  });
});
