import { describe, expect, it } from 'vitest';
import { klEstimate, nextKlCoefficient, policyLoss, valueLoss } from '../../src/rl/loss.ts';
import { maskedMean, maskedVariance, whiten } from '../../src/rl/masked.ts';

describe('policyLoss()', () => {
  const ratio = (value: number): number => Math.log(value);
  const batch = (ratios: readonly number[], advantages: readonly number[]) => ({
    logProbs: [ratios.map(ratio)],
    oldLogProbs: [ratios.map(() => 0)],
    advantages: [advantages],
    mask: [ratios.map(() => 1)],
  });

  it('clips what would push the ratio further out', () => {
    // A=1: rho 1.5 -> -1.25; rho 0.5 -> -0.5.  A=-1: rho 1.5 -> 1.5; rho 0.5 -> 0.75 (clipped). Sum 0.5, mean 0.125
    const clip = { clipLow: 0.25, clipHigh: 0.25 };
    const { loss, clipped, ratio: mean } = policyLoss(batch([1.5, 0.5, 1.5, 0.5], [1, 1, -1, -1]), clip);
    expect(loss).toBeCloseTo(0.125, 12);
    expect(mean).toBeCloseTo(1, 12);
    expect(clipped).toBe(0.5);
  });

  it('bounds the loss of bad actions with a dual clip', () => {
    const clip = { clipLow: 0.2, clipHigh: 0.2, dualClip: 3 };
    expect(policyLoss(batch([10], [-1]), clip).loss).toBeCloseTo(3, 12);
    expect(policyLoss(batch([10], [1]), clip).loss).toBeCloseTo(-1.2, 12);
  });

  it('never reads what is masked out', () => {
    const loss = policyLoss(
      { logProbs: [[0, Number.NaN]], oldLogProbs: [[0, 0]], advantages: [[2, Number.NaN]], mask: [[1, 0]] },
      { clipLow: 0.2, clipHigh: 0.2 },
    );
    expect(loss).toEqual({ loss: -2, ratio: 1, clipped: 0 });
  });
});

describe('valueLoss()', () => {
  it('takes the worse of the free and the clipped error', () => {
    // V=1, old=0, clip .25 -> .25, G=1: free 0, clipped .5625.  V=.25, old=0, G=1: both .5625.  1/2 * .5625
    const batch = { values: [[1, 0.25]], oldValues: [[0, 0]], returns: [[1, 1]], mask: [[1, 1]] };
    expect(valueLoss(batch, 0.25)).toBe(0.28125);
  });
});

describe('klEstimate()', () => {
  it('gives k1, k2 and k3', () => {
    // log p = 0, log ref = -ln 2: x = -0.693147; k1 = 0.693147, k2 = 0.240227, k3 = 0.5 - 1 + 0.693147
    expect(klEstimate('k1', 0, -Math.LN2)).toBeCloseTo(Math.LN2, 14);
    expect(klEstimate('k2', 0, -Math.LN2)).toBeCloseTo(0.2402265069591007, 14);
    expect(klEstimate('k3', 0, -Math.LN2)).toBeCloseTo(0.1931471805599453, 14);
  });
});

describe('nextKlCoefficient()', () => {
  it('moves by at most a fifth per horizon', () => {
    const adaptive = { target: 6, horizon: 100 };
    expect(nextKlCoefficient(1, { kl: 60, episodes: 100 }, adaptive)).toBeCloseTo(1.2, 12);
    expect(nextKlCoefficient(1, { kl: 6.6, episodes: 50 }, adaptive)).toBeCloseTo(1.05, 12);
    expect(nextKlCoefficient(1, { kl: 0, episodes: 10 }, adaptive)).toBeCloseTo(0.98, 12);
  });
});

describe('masked statistics', () => {
  it('see only the mask, over all rows', () => {
    const [values, mask] = [
      [
        [1, 99],
        [3, 5, 7],
      ],
      [
        [1, 0],
        [1, 1, 1],
      ],
    ]; // 1 3 5 7: mean 4, variance 20/3
    expect(maskedMean(values, mask)).toBe(4);
    expect(maskedVariance(values, mask)).toBeCloseTo(20 / 3, 12);
    const white = whiten(values, mask);
    expect(white[0]![0]).toBeCloseTo(-3 / Math.sqrt(20 / 3), 8); // -3 / sqrt(6.6667 + 1e-8)
    expect(maskedMean(white, mask)).toBeCloseTo(0, 12);
  });

  it('are 0 of nothing', () => {
    expect(maskedMean([[1]], [[0]])).toBe(0);
    expect(maskedVariance([[1]], [[1]])).toBe(0);
  });
});
