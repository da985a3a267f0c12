/** Critic-free and bi-level advantages against float64 runs of the public implementations' formulas (advantages.json). */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bilevelAdvantages } from '../../src/rl/advantage.ts';
import {
  type GroupOptions,
  gigpoAdvantages,
  groupAdvantages,
  reinforcePlusPlus,
} from '../../src/rl/group-advantage.ts';
import { whiten } from '../../src/rl/masked.ts';

const path = new URL('../../../shared/spec/golden/advantages.json', import.meta.url);

interface Bilevel {
  rewards: number[][];
  values: number[][];
  mask: number[][];
  gamma: number;
  lam: number;
  highGamma: number;
  rawAdv: number[][];
  returns: number[][];
  'whitened(all positions)': number[][];
}
interface Gigpo {
  stepReturns: number[];
  episodeAdv: number[];
  stepAdv: number[];
  adv: number[];
}
interface Golden {
  samples: { group: string; traj: string; obs: string; r: number; R: number }[];
  rfpp: { rewards: number[][]; mask: number[][]; gamma: number; returns: number[][]; adv: number[][] };
  bilevel: Bilevel;
  bilevel2: Bilevel;
  gigpo_mean_norm: Gigpo;
  gigpo_mean_std_norm: Gigpo;
  [flat: string]: unknown;
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i], `[${i}]`).toBeCloseTo(value, 10);
  });
}

describe.skipIf(!existsSync(path))('group advantages (../shared/spec/golden; skipped when absent)', () => {
  const golden = (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { samples: [] }) as Golden;
  const samples = golden.samples.map(({ group, traj, obs, r, R }) => ({
    group,
    trajectory: traj,
    anchor: obs,
    reward: r,
    return: R,
  }));

  it.each([
    ['grpo_crossSteps', 'grpo', 'sample'],
    ['grpo_perTrajectory', 'grpo', 'trajectory'],
    ['drgrpo(no std)', 'dr-grpo', 'sample'],
    ['rloo_crossSteps', 'leave-one-out', 'sample'],
    ['rloo_perTrajectory', 'leave-one-out', 'trajectory'],
  ] as [string, GroupOptions['method'], GroupOptions['over']][])('%s', (name, method, over) => {
    expectClose(groupAdvantages(samples, { method, over }), golden[name] as number[]);
  });

  it.each([
    ['gigpo_mean_norm', false],
    ['gigpo_mean_std_norm', true],
  ] as const)('%s', (name, divideByDeviation) => {
    const computed = gigpoAdvantages(samples, { gamma: 0.95, stepWeight: 1, divideByDeviation });
    expectClose(computed.stepReturns, golden[name].stepReturns);
    expectClose(computed.episode, golden[name].episodeAdv);
    expectClose(computed.step, golden[name].stepAdv);
    expectClose(computed.advantages, golden[name].adv);
  });

  it('REINFORCE++', () => {
    const { rewards, mask, gamma, returns, adv } = golden.rfpp;
    const computed = reinforcePlusPlus(rewards, mask, gamma);
    returns.forEach((row, b) => {
      expectClose(computed.returns[b]!, row);
      expectClose(computed.advantages[b]!, adv[b]!);
    });
  });

  it.each(['bilevel', 'bilevel2'] as const)('%s', (name) => {
    const { rewards, values, mask, gamma, lam, highGamma, rawAdv, returns, ...rest } = golden[name];
    const turns = turnsByReward(rewards[0]!, mask[0]!);
    const computed = bilevelAdvantages(
      { turns, rewards: rewards[0]!, values: values[0]! },
      { gamma, lambda: lam, turnGamma: highGamma },
    );
    expectClose(computed.advantages, rawAdv[0]!);
    expectClose(computed.returns, returns[0]!);
    expectClose(whiten([computed.advantages], mask)[0]!, rest['whitened(all positions)'][0]!);
  });
});

/** Tells turns apart as the source does: a turn ends at each non-zero reward. */
function turnsByReward(rewards: readonly number[], mask: readonly number[]): number[] {
  let turn = 0;
  return rewards.map((reward, t) => {
    if (mask[t] === 0) return -1;
    const own = turn;
    if (reward !== 0) turn += 1;
    return own;
  });
}
