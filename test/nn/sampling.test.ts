/** Sampling: probabilities, cuts, seeds and numerical safety. */
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/base/rng.ts';
import { logSoftmax, sample } from '../../src/nn/sampling.ts';

const probabilities = [0.5, 0.25, 0.15, 0.1];
const logits = Float32Array.from(probabilities, (p) => Math.log(p) + 3);

function frequencies(settings: { temperature: number; topP: number }, draws: number): number[] {
  const rng = createRng(['sampling', 1]);
  const counts = probabilities.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sample(logits, { ...settings, rng }).id]! += 1;
  return counts.map((count) => count / draws);
}

/** An Rng whose only answer is `value`. */
const fixed = (value: number): Rng => ({ ...createRng(0), uniform: () => value });

describe('sample()', () => {
  it('draws tokens as often as the softmax says', () => {
    // 40,000 draws: the standard error is at most 0.0025
    for (const [id, share] of frequencies({ temperature: 1, topP: 1 }, 40_000).entries())
      expect(Math.abs(share - probabilities[id]!)).toBeLessThan(0.01);
  });

  it('squares the odds at temperature 1/2', () => {
    const squares = probabilities.map((p) => p * p);
    const total = squares.reduce((sum, value) => sum + value, 0);
    for (const [id, share] of frequencies({ temperature: 0.5, topP: 1 }, 40_000).entries())
      expect(Math.abs(share - squares[id]! / total)).toBeLessThan(0.01);
  });

  it('keeps the smallest set that holds topP of the mass', () => {
    const shares = frequencies({ temperature: 1, topP: 0.7 }, 20_000); // 0.5 + 0.25 ≥ 0.7
    expect(shares.slice(2)).toEqual([0, 0]);
    expect(Math.abs(shares[0]! - 2 / 3)).toBeLessThan(0.015);
  });

  it('reports the log-probability under the untempered, uncut softmax', () => {
    const { id, logProb } = sample(logits, { temperature: 0.1, topP: 0.5, rng: createRng(1) });
    expect(id).toBe(0);
    expect(logProb).toBeCloseTo(Math.log(0.5), 6);
  });

  it('takes the first of the most likely at temperature 0, without a random number', () => {
    const rng = createRng(3);
    expect(sample(Float32Array.of(1, 5, 5, 2), { temperature: 0, topP: 1, rng }).id).toBe(1);
    expect(rng.state()).toEqual(createRng(3).state());
  });

  it('repeats itself for the same seed', () => {
    const run = (): number[] => {
      const rng = createRng(['seed', 9]);
      return Array.from({ length: 20 }, () => sample(logits, { temperature: 1, topP: 0.95, rng }).id);
    };
    expect(run()).toEqual(run());
    expect(new Set(run()).size).toBeGreaterThan(1);
  });

  it('never draws an impossible token, whatever the random number', () => {
    const last = Float32Array.of(0, 0, -1000);
    expect(sample(last, { temperature: 1, topP: 1, rng: fixed(1 - 2 ** -32) }).id).toBe(1);
    expect(sample(Float32Array.of(-1000, 0), { temperature: 1, topP: 1, rng: fixed(0) }).id).toBe(1);
  });

  it('refuses settings and logits that make no sense', () => {
    const rng = createRng(1);
    expect(() => sample(logits, { temperature: -1, topP: 1, rng })).toThrow(
      'Cannot sample: temperature is -1, expected at least 0',
    );
    expect(() => sample(logits, { temperature: 1, topP: 0, rng })).toThrow(
      'Cannot sample: topP is 0, expected a number in (0, 1]',
    );
    expect(() => sample(Float32Array.of(0, Number.NaN), { temperature: 1, topP: 1, rng })).toThrow(
      'log-sum-exp of the logits is NaN',
    );
  });
});

describe('logSoftmax()', () => {
  it('does not overflow', () => {
    const [a, b] = logSoftmax(Float32Array.of(1000, 1000));
    expect(a).toBeCloseTo(-Math.LN2, 12);
    expect(b).toBeCloseTo(-Math.LN2, 12);
  });
});
