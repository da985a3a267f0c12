/** One PPO step against TRL 0.10.1's own code (test/interop/make_trl_fixture.py): rewards, whitening, ratio, both losses, gradients, adaptive KL. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ppoLoss } from '../../src/nn/losses.ts';
import { tokenLogProb } from '../../src/nn/ops.ts';
import { generalisedAdvantages, klRewards, turnsOfMask } from '../../src/rl/advantage.ts';
import { nextKlCoefficient, policyLoss, valueLoss } from '../../src/rl/loss.ts';
import { whiten } from '../../src/rl/masked.ts';
import { compile } from '../../src/tensor/compile.ts';
import { gradientsOf } from '../../src/tensor/gradients.ts';
import { largestDifference } from './support.ts';

type Rows = readonly (readonly number[])[];

interface Fixture {
  readonly shape: { readonly B: number; readonly T: number; readonly V: number };
  readonly config: Readonly<
    Record<'cliprange' | 'cliprange_value' | 'vf_coef' | 'gamma' | 'lam' | 'kl_coef' | 'target' | 'horizon', number>
  >;
  readonly mask: Rows;
  readonly targets: Rows;
  readonly logits: readonly Rows[];
  readonly values: Rows;
  readonly vpreds: Rows;
  readonly scores: readonly number[];
  readonly oldLogProbs: Rows;
  readonly refLogProbs: Rows;
  readonly expected: Readonly<Record<'policyLoss' | 'valueLoss' | 'clipFraction' | 'entropy' | 'kl', number>> &
    Readonly<
      Record<'logProbs' | 'rewards' | 'advantages' | 'returns' | 'whitenedRewards' | 'ratio' | 'valuesGradient', Rows>
    > & {
      readonly logitsGradient: readonly Rows[];
      readonly coefficients: readonly { readonly kl: number; readonly episodes: number; readonly next: number }[];
    };
}

const path = new URL('./fixtures/trl.json', import.meta.url);
const { shape, config, mask, expected, ...step }: Fixture = JSON.parse(readFileSync(path, 'utf8'));
const { B, T, V } = shape;
const flat = (rows: readonly ArrayLike<number>[]): number[] => rows.flatMap((row) => Array.from(row));
/** Numbers where the mask is 1: TRL leaves what it never reads in the others. */
const read = (rows: readonly ArrayLike<number>[]): number[] => flat(rows).filter((_, i) => flat(mask)[i] === 1);

describe('rewards, advantages and losses on plain numbers', () => {
  const turns = mask.map((row) => turnsOfMask(row));
  const rewards = turns.map((turn, b) => {
    const logs = { policy: step.oldLogProbs[b]!, reference: step.refLogProbs[b]! };
    const row = klRewards(turn, logs, config.kl_coef);
    row[mask[b]!.lastIndexOf(1)]! += step.scores[b]!;
    return row;
  });
  const steps = turns.map((turn, b) =>
    generalisedAdvantages(
      { turns: turn, rewards: rewards[b]!, values: step.values[b]! },
      { gamma: config.gamma, lambda: config.lam, scope: 'all-tokens' },
    ),
  );

  it('are those of TRL for rewards with the KL penalty', () => {
    expect(largestDifference(read(rewards), read(expected.rewards))).toBeLessThanOrEqual(1e-12);
  });

  it('are those of TRL for whitening', () => {
    const found = whiten(expected.rewards, mask);
    expect(largestDifference(read(found), read(expected.whitenedRewards))).toBeLessThanOrEqual(1e-12);
  });

  it('are those of TRL for returns and whitened advantages', () => {
    const advantages = whiten(
      steps.map((row) => row.advantages),
      mask,
    );
    expect(largestDifference(read(advantages), read(expected.advantages))).toBeLessThanOrEqual(1e-12);
    expect(largestDifference(read(steps.map((row) => row.returns)), read(expected.returns))).toBeLessThanOrEqual(1e-12);
  });

  it('are those of TRL for both losses', () => {
    const clip = { clipLow: config.cliprange, clipHigh: config.cliprange };
    const { logProbs, advantages, returns } = expected;
    const found = policyLoss({ logProbs, oldLogProbs: step.oldLogProbs, advantages, mask }, clip);
    expect(found.loss).toBeCloseTo(expected.policyLoss, 12);
    expect(found.clipped).toBeCloseTo(expected.clipFraction, 12);
    const values = { values: step.vpreds, oldValues: step.values, returns, mask };
    expect(valueLoss(values, config.cliprange_value)).toBeCloseTo(expected.valueLoss, 12);
  });

  it('are those of TRL for the adaptive coefficient', () => {
    const k1 = flat(step.oldLogProbs).map((log, i) => (log - flat(step.refLogProbs)[i]!) * flat(mask)[i]!);
    expect(k1.reduce((sum, value) => sum + value, 0) / B).toBeCloseTo(expected.kl, 12);
    let coefficient = config.kl_coef;
    for (const { next, ...measured } of expected.coefficients) {
      coefficient = nextKlCoefficient(coefficient, measured, config);
      expect(coefficient).toBeCloseTo(next, 14);
    }
  });
});

describe.each(['onnx', 'cpu'] as const)('the loss in the graph on %s', (engine) => {
  let results: Readonly<Record<string, ArrayLike<number>>>;

  beforeAll(async () => {
    const total = flat(mask).reduce((sum, value) => sum + value, 0);
    const options = { clip: config.cliprange, valueClip: config.cliprange_value, valueCoefficient: config.vf_coef };
    const numbers = {
      logits: step.logits.flatMap(flat),
      values: flat(step.vpreds),
      weights: flat(mask).map((value) => value / total),
      oldLogProbs: flat(step.oldLogProbs),
      refLogProbs: flat(step.refLogProbs),
      advantages: flat(expected.advantages),
      valueTargets: flat(expected.returns),
      oldValues: flat(step.values),
    };
    const specs = Object.fromEntries(
      Object.keys(numbers).map((name) => [name, { shape: name === 'logits' ? [B * T, V] : [B * T] }]),
    );
    await using program = await compile(
      (inputs) => {
        const x = inputs as Record<keyof typeof numbers | 'targets', (typeof inputs)[string]>; // the names fed below
        const terms = () =>
          ppoLoss(
            { logits: x.logits, values: x.values },
            { ...x, valueWeights: x.weights },
            { ...options, klCoefficient: 0, entropyCoefficient: 0 },
          );
        const entropy = () =>
          ppoLoss(
            { logits: x.logits },
            { ...x, valueWeights: x.weights },
            { ...options, klCoefficient: 0, entropyCoefficient: 1 },
          );
        const { policyLoss: policy, valueLoss: value, clipFraction } = terms().metrics;
        const { grads } = gradientsOf(() => terms().loss, [x.logits, x.values]);
        return {
          policy: policy!,
          value: value!,
          clipFraction: clipFraction!,
          entropy: entropy().metrics.entropy!,
          logProbs: tokenLogProb(x.logits, x.targets),
          logitsGradient: grads[0]!,
          valuesGradient: grads[1]!,
        };
      },
      { ...specs, targets: { shape: [B * T], dtype: 'int32' } },
      { engine, threads: 1 },
    );
    const feeds = Object.fromEntries(Object.entries(numbers).map(([name, list]) => [name, Float32Array.from(list)]));
    const found = await program.run({ ...feeds, targets: Int32Array.from(flat(step.targets)) });
    results = Object.fromEntries(Object.entries(found).map(([name, array]) => [name, Array.from(array)]));
  });

  it('has the ratio of every token', () => {
    const ratio = Array.from(results.logProbs!, (log, i) => Math.exp(log - flat(step.oldLogProbs)[i]!));
    expect(largestDifference(ratio, flat(expected.ratio))).toBeLessThanOrEqual(3e-6);
  });

  it('has the clipped losses, the share that is clipped and the entropy', () => {
    expect(results.policy![0]).toBeCloseTo(expected.policyLoss, 6);
    expect(results.value![0]).toBeCloseTo(expected.valueLoss, 6);
    expect(results.entropy![0]).toBeCloseTo(expected.entropy, 6);
    expect(expected.clipFraction).toBeGreaterThan(0.1); // the clip is at work
  });

  it('has the gradients', () => {
    expect(largestDifference(results.logitsGradient!, expected.logitsGradient.flatMap(flat))).toBeLessThanOrEqual(1e-6);
    expect(largestDifference(results.valuesGradient!, flat(expected.valuesGradient))).toBeLessThanOrEqual(1e-6);
  });
});
