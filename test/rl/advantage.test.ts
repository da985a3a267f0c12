import { describe, expect, it } from 'vitest';
import {
  bilevelAdvantages,
  generalisedAdvantages,
  klRewards,
  placeRewards,
  turnSpans,
  turnsOfMask,
} from '../../src/rl/advantage.ts';

const turns = [-1, 0, 0, -1, -1, 1];
const rewards = [9, 0, 1, 9, 0, 2]; // the 9s stand outside agent turns and must not count
const values = [9, 0.5, 0.25, 9, 9, 1];
const half = { gamma: 0.5, lambda: 0.5 };

describe('generalisedAdvantages()', () => {
  it('decays across observations in scope all-tokens', () => {
    // right to left, V = r = 0 outside turns:
    // t5: 2 - 1 = 1.  t4: 0.5*1 + 0.25*1 = 0.75.  t3: 0 + 0.25*0.75 = 0.1875.
    // t2: 1 + 0 - 0.25 + 0.25*0.1875 = 0.796875.  t1: 0.5*0.25 - 0.5 + 0.25*0.796875 = -0.17578125
    // t0: 0.5*0.5 + 0.25*(-0.17578125) = 0.2060546875
    const { advantages, returns, isStep } = generalisedAdvantages(
      { turns, rewards, values },
      { scope: 'all-tokens', ...half },
    );
    expect([...advantages]).toEqual([0.2060546875, -0.17578125, 0.796875, 0.1875, 0.75, 1]);
    expect([...returns]).toEqual([0.2060546875, 0.32421875, 1.046875, 0.1875, 0.75, 2]);
    expect([...isStep]).toEqual([0, 1, 1, 0, 0, 1]);
  });

  it('steps over observations in scope response-tokens', () => {
    // t5: 1.  t2: 1 + 0.5*1 - 0.25 + 0.25*1 = 1.5.  t1: 0.5*0.25 - 0.5 + 0.25*1.5 = 0
    const { advantages } = generalisedAdvantages({ turns, rewards, values }, { scope: 'response-tokens', ...half });
    expect([...advantages]).toEqual([0, 0, 1.5, 0, 0, 1]);
  });

  it('takes a turn as one step in scope turn', () => {
    // turn 1: 2 - 1 = 1.  turn 0: (0 + 1) + 0.5*1 - 0.5 + 0.25*1 = 1.25
    const { advantages, returns, isStep } = generalisedAdvantages(
      { turns, rewards, values },
      { scope: 'turn', ...half },
    );
    expect([...advantages]).toEqual([0, 1.25, 1.25, 0, 0, 1]);
    expect([...returns]).toEqual([0, 1.75, 1.75, 0, 0, 2]);
    expect([...isStep]).toEqual([0, 1, 0, 0, 0, 1]);
  });

  it('agrees between scopes when nothing decays and the critic is silent', () => {
    const silent = { turns, rewards, values: new Array(6).fill(0) };
    const at = (scope: 'turn' | 'response-tokens' | 'all-tokens') =>
      [...generalisedAdvantages(silent, { scope, gamma: 1, lambda: 1 }).advantages].filter((_, t) => turns[t]! >= 0);
    expect(at('turn')).toEqual([3, 3, 2]);
    expect(at('response-tokens')).toEqual([3, 3, 2]);
    expect(at('all-tokens')).toEqual([3, 3, 2]);
  });

  it('refuses shapes that differ and discounts outside [0, 1]', () => {
    const options = { scope: 'turn', gamma: 1, lambda: 1 } as const;
    expect(() => generalisedAdvantages({ turns, rewards: [1], values }, options)).toThrow(
      new RangeError('Cannot compute advantages: there are 6 turns, 1 rewards and 6 values, expected as many of each'),
    );
    expect(() => generalisedAdvantages({ turns, rewards, values }, { ...options, gamma: 1.5 })).toThrow(RangeError);
  });
});

describe('placing rewards', () => {
  it('finds turns in a mask and tells adjoining turns apart by number', () => {
    expect([...turnsOfMask([0, 1, 1, 0, 1])]).toEqual([-1, 0, 0, -1, 1]);
    expect(turnSpans([0, 0, 1, -1, 2])).toEqual([
      { start: 0, end: 2 },
      { start: 2, end: 3 },
      { start: 4, end: 5 },
    ]);
    expect(turnSpans([])).toEqual([]);
  });

  it('puts each reward at the end of its turn, matched from the end', () => {
    expect([...placeRewards(turns, [3, 4])]).toEqual([0, 0, 3, 0, 0, 4]);
    expect([...placeRewards(turns, [7, 3, 4])]).toEqual([0, 0, 3, 0, 0, 4]); // the first turn was truncated away
    expect([...placeRewards(turns, [7, 3, 4], { multiplier: 'released' })]).toEqual([0, 0, 3, 0, 0, 0]);
  });

  it('penalises only what the agent chose', () => {
    const logs = { policy: [-1, -1, -2, -1, -1, -1], reference: [-2, -2, -1, -2, -2, -1] };
    expect([...klRewards(turns, logs, 0.5)]).toEqual([0, -0.5, 0.5, 0, 0, -0]);
  });
});

describe('bilevelAdvantages()', () => {
  it('rewards a turn end with its turn-level return, also where the reward is zero', () => {
    // turns 0 (t0, t1) worth 0 and 1 (t2) worth 1; V = 0.5 everywhere; g_h = 0.5, lambda = 1, gamma = 1
    // turn 1: 1 - 0.5 = 0.5.  turn 0: 0 + 0.5*0.5 - 0.5 + 0.5*0.5 = 0, so its end is rewarded with 0 + 0.5 = 0.5
    // t1: 0.5 - 0.5 = 0.  t0: 0.5 - 0.5 + 0 = 0.  t2: (0.5 + 0.5) - 0.5 = 0.5
    const episode = { turns: [0, 0, 1], rewards: [0, 0, 1], values: [0.5, 0.5, 0.5] };
    const { advantages, returns } = bilevelAdvantages(episode, { gamma: 1, lambda: 1, turnGamma: 0.5 });
    expect([...advantages]).toEqual([0, 0, 0.5]);
    expect([...returns]).toEqual([0.5, 0.5, 1]);
  });
});
