/** PPO's arithmetic against numpy runs of the formulas of TRL 0.10.1 and of the released reward placement (ppo.json). */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generalisedAdvantages, placeRewards, turnsOfMask } from '../../src/rl/advantage.ts';
import { nextKlCoefficient, policyLoss, valueLoss } from '../../src/rl/loss.ts';
import { whiten } from '../../src/rl/masked.ts';

const path = new URL('../../../shared/spec/golden/ppo.json', import.meta.url);

interface Golden {
  stepRewardPlacement: { mask: number[]; scores: number[]; released: number[]; plain: number[] }[];
  mask: number[][];
  values: number[][];
  rewards: number[][];
  gae: { gamma: number; lam: number; advantagesRaw: number[][]; returns: number[][]; advantagesWhitened: number[][] }[];
  oldLogprobs: number[][];
  newLogprobs: number[][];
  vpreds: number[][];
  loss: {
    cliprange: number;
    cliprangeValue: number;
    vfCoef: number;
    pgLoss: number;
    vfLoss: number;
    total: number;
    meanRatio: number;
  };
  adaptiveKl: {
    init: number;
    target: number;
    horizon: number;
    nSteps: number;
    currentKl: number[];
    coefAfter: number[];
  };
}

/** Expects rows to agree to ten decimals. */
function expectRows(actual: readonly ArrayLike<number>[], expected: readonly number[][]): void {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  expected.forEach((row, b) => {
    row.forEach((value, t) => {
      expect(actual[b]![t], `[${b}][${t}]`).toBeCloseTo(value, 10);
    });
  });
}

describe.skipIf(!existsSync(path))('PPO as TRL 0.10.1 (../shared/spec/golden; skipped when absent)', () => {
  const golden = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Golden) : ({} as Golden);
  const advantagesOf = (gamma: number, lambda: number) =>
    golden.mask.map((mask, b) =>
      generalisedAdvantages(
        { turns: turnsOfMask(mask), rewards: golden.rewards[b]!, values: golden.values[b]! },
        { scope: 'all-tokens', gamma, lambda },
      ),
    );

  it('places rewards at turn ends, with and without the released multiplier', () => {
    for (const { mask, scores, released, plain } of golden.stepRewardPlacement) {
      const turns = turnsOfMask(mask);
      expect([...placeRewards(turns, scores)]).toEqual(plain);
      expectRows([placeRewards(turns, scores, { multiplier: 'released' })], [released]);
    }
  });

  it('computes advantages, returns and whitened advantages over all tokens', () => {
    for (const expected of golden.gae) {
      const computed = advantagesOf(expected.gamma, expected.lam);
      const advantages = computed.map((row) => row.advantages);
      expectRows(advantages, expected.advantagesRaw);
      expectRows(
        computed.map((row) => row.returns),
        expected.returns,
      );
      expectRows(whiten(advantages, golden.mask), expected.advantagesWhitened);
    }
  });

  it('computes the clipped losses', () => {
    const { loss, mask } = golden;
    const computed = advantagesOf(golden.gae[0]!.gamma, golden.gae[0]!.lam);
    const advantages = whiten(
      computed.map((row) => row.advantages),
      mask,
    );
    const policy = policyLoss(
      { logProbs: golden.newLogprobs, oldLogProbs: golden.oldLogprobs, advantages, mask },
      { clipLow: loss.cliprange, clipHigh: loss.cliprange },
    );
    const masked = golden.values.map((row, b) => row.map((value, t) => value * mask[b]![t]!));
    const returns = computed.map((row) => row.returns);
    const value = valueLoss({ values: golden.vpreds, oldValues: masked, returns, mask }, loss.cliprangeValue);
    expect(policy.loss).toBeCloseTo(loss.pgLoss, 12);
    expect(policy.ratio).toBeCloseTo(loss.meanRatio, 12);
    expect(value).toBeCloseTo(loss.vfLoss, 12);
    expect(policy.loss + loss.vfCoef * value).toBeCloseTo(loss.total, 12);
  });

  it('steers the KL coefficient', () => {
    const { init, target, horizon, nSteps, currentKl, coefAfter } = golden.adaptiveKl;
    let coefficient = init;
    currentKl.forEach((kl, step) => {
      coefficient = nextKlCoefficient(coefficient, { kl, episodes: nSteps }, { target, horizon });
      expect(coefficient).toBeCloseTo(coefAfter[step]!, 12);
    });
  });
});
