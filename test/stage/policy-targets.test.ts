/** From turn rewards to the numbers of PPO, worked by hand. */
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/schema/manifest.ts';
import { discountedReturns, type PolicyScores, policyTargets, whitenTargets } from '../../src/stage/policy-targets.ts';
import { episodeOf, sequenceFrom, turnOf, twoTurns } from './support.ts';

type Ppo = Pick<Manifest['ppo'], 'gamma' | 'lambda' | 'gaeScope' | 'kl'>;

const ppo = (gaeScope: Ppo['gaeScope'], kl: Ppo['kl'] = { placement: 'loss', coefficient: 9 }): Ppo => ({
  gamma: 0.5,
  lambda: 0.5,
  gaeScope,
  kl,
});

// The value of the token at t is what the head says at t - 1: V_2 = 0.5, V_3 = 0.25, V_5 = 1, V_6 = 0.75. 99 must never be read.
const scores: PolicyScores = {
  old: Float32Array.of(0, -1, -1, -1, -1, -1, -1),
  reference: Float32Array.of(0, -5, -1, -3, -5, -1, -1),
  values: Float32Array.of(99, 0.5, 0.25, 99, 1, 0.75, 99),
};
const at = (values: Float32Array, positions: readonly number[]): number[] => positions.map((t) => values[t]!);
const agent = [2, 3, 5, 6];

describe('policyTargets()', () => {
  it('takes a turn as one step in scope "turn"', () => {
    const targets = policyTargets(twoTurns, scores, ppo('turn'));
    // A_1 = 2 - 1 = 1;  A_0 = 1 + 0.5 * 1 - 0.5 + 0.25 * 1 = 1.25;  return = A + V: 1.75 and 2
    expect(at(targets.advantages, agent)).toEqual([1.25, 1.25, 1, 1]);
    expect([...targets.valueMask]).toEqual([0, 0, 1, 0, 0, 1, 0]);
    expect(at(targets.valueTargets, [2, 5])).toEqual([1.75, 2]);
    expect(at(targets.oldValues, agent)).toEqual([0.5, 0.25, 1, 0.75]);
  });

  it('steps over observations in scope "response-tokens"', () => {
    const targets = policyTargets(twoTurns, scores, ppo('response-tokens'));
    // A_6 = 2 - 0.75 = 1.25
    // A_5 = 0.5 * 0.75 - 1 + 0.25 * 1.25 = -0.3125
    // A_3 = 1 + 0.5 * 1 - 0.25 + 0.25 * -0.3125 = 1.171875
    // A_2 = 0.5 * 0.25 - 0.5 + 0.25 * 1.171875 = -0.08203125
    expect(at(targets.advantages, agent)).toEqual([-0.08203125, 1.171875, -0.3125, 1.25]);
    expect([...targets.valueMask]).toEqual([0, 0, 1, 1, 0, 1, 1]);
    expect(at(targets.valueTargets, agent)).toEqual([0.41796875, 1.421875, 0.6875, 2]);
  });

  it('lets credit decay across observations in scope "all-tokens"', () => {
    const targets = policyTargets(twoTurns, scores, ppo('all-tokens'));
    // A_6 and A_5 as above;  A_4 = 0.5 * 1 + 0.25 * -0.3125 = 0.421875 (an observation: r = V = 0)
    // A_3 = 1 + 0.5 * 0 - 0.25 + 0.25 * 0.421875 = 0.85546875
    // A_2 = 0.5 * 0.25 - 0.5 + 0.25 * 0.85546875 = -0.1611328125
    expect(at(targets.advantages, agent)).toEqual([-0.1611328125, 0.85546875, -0.3125, 1.25]);
    expect([...targets.valueMask]).toEqual([0, 0, 1, 1, 0, 1, 1]);
  });

  it('charges for leaving the reference on agent tokens alone, and only with placement "reward"', () => {
    const { advantages } = policyTargets(twoTurns, scores, ppo('turn', { placement: 'reward', coefficient: 0.25 }));
    // only position 3 differs among the agent's: -0.25 * (-1 + 3) = -0.5, so r_0 = 0.5 and A_0 = 1.25 - 0.5
    expect(at(advantages, agent)).toEqual([0.75, 0.75, 1, 1]);
  });

  it('takes a turn without a reward as worth 0', () => {
    const sequence = sequenceFrom([-1, 0, 0], episodeOf());
    const flat = { old: new Float32Array(3), reference: new Float32Array(3), values: Float32Array.of(0.5, 0, 0) };
    expect(policyTargets(sequence, flat, ppo('turn')).advantages[1]).toBe(-0.5);
  });
});

describe('whitenTargets()', () => {
  const single = sequenceFrom([-1, 0, 0, 0, 0], episodeOf({ turns: [turnOf({ shapedReward: 3 })] }));
  const none = { old: new Float32Array(5), reference: new Float32Array(5), values: new Float32Array(5) };

  it('counts each turn once, however many tokens it has', () => {
    const raw = [policyTargets(twoTurns, scores, ppo('turn')), policyTargets(single, none, ppo('turn'))];
    const [first, second] = whitenTargets(raw, [twoTurns, single]);
    // steps 1.25, 1, 3: mean 1.75, unbiased variance (0.25 + 0.5625 + 1.5625) / 2 = 1.1875, deviation 1.0897247
    const expected = [-0.5, -0.75, 1.25].map((value) => value / Math.sqrt(1.1875));
    for (const t of [2, 3]) expect(first!.advantages[t]).toBeCloseTo(expected[0]!, 6);
    for (const t of [5, 6]) expect(first!.advantages[t]).toBeCloseTo(expected[1]!, 6);
    for (const t of [1, 2, 3, 4]) expect(second!.advantages[t]).toBeCloseTo(expected[2]!, 6);
    expect(at(first!.advantages, [0, 1, 4])).toEqual([0, 0, 0]);
    expect(first!.valueTargets).toEqual(raw[0]!.valueTargets); // what the critic learns is left alone
  });

  it('counts each agent token once in the token scopes, observations never', () => {
    for (const scope of ['response-tokens', 'all-tokens'] as const) {
      const raw = [policyTargets(twoTurns, scores, ppo(scope))];
      const [white] = whitenTargets(raw, [twoTurns]);
      const values = at(white!.advantages, agent);
      const mean = values.reduce((a, b) => a + b, 0) / 4;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3;
      expect(mean).toBeCloseTo(0, 6);
      expect(variance).toBeCloseTo(1, 5);
      expect(at(white!.advantages, [0, 1, 4])).toEqual([0, 0, 0]);
    }
  });

  it('makes equal advantages 0, not NaN', () => {
    const raw = [policyTargets(single, none, ppo('turn'))];
    expect([...whitenTargets(raw, [single])[0]!.advantages]).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('discountedReturns()', () => {
  it('discounts per turn or per token', () => {
    const perTurn = discountedReturns(twoTurns, { ...ppo('turn'), gamma: 0.25 });
    expect([...perTurn.valueMask]).toEqual([0, 0, 1, 0, 0, 1, 0]);
    expect(at(perTurn.valueTargets, [2, 5])).toEqual([1.5, 2]); // 1 + 0.25 * 2
    const perToken = discountedReturns(twoTurns, ppo('response-tokens'));
    // G_6 = 2;  G_5 = 0.5 * 2 = 1;  G_3 = 1 + 0.5 * 1 = 1.5;  G_2 = 0.75
    expect(at(perToken.valueTargets, agent)).toEqual([0.75, 1.5, 1, 2]);
  });
});
