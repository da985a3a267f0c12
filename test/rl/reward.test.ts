import { describe, expect, it } from 'vitest';
import {
  leaveOneOut,
  multiplyReleased,
  type RewardOptions,
  type RewardScheme,
  turnRewards,
} from '../../src/rl/reward.ts';

const episode = {
  return: 1,
  otherReturns: [0.5, 0],
  turns: [
    { grounded: true, progress: 0.25, answer: 'You see a mug 1.' },
    { grounded: false, progress: 0.125, answer: 'Nothing happens.' },
    { grounded: false, progress: 0.5, answer: 'Nothing happens.' },
  ],
};
const by = (scheme: RewardScheme, change: Partial<RewardOptions> = {}): number[] => [
  ...turnRewards(episode, { scheme, alpha: 1, beta: 0.5, grounding: 'bonus', ...change }),
];

describe('turnRewards()', () => {
  it('adds weighted progress and grounding by spa', () => {
    expect(by('spa')).toEqual([0.75, 0.125, 0.5]);
    expect(by('spa', { alpha: 2, beta: 0.25 })).toEqual([0.75, 0.25, 1]); // 0.5 + 0.25, 0.25, 1
  });

  it('charges for what is not grounded with a penalty', () => {
    expect(by('spa', { grounding: 'penalty' })).toEqual([0.25, -0.375, 0]); // g - 1 = 0, -1, -1
    expect(by('grounding-only', { grounding: 'penalty' })).toEqual([0, -0.5, -0.5]);
  });

  it('keeps one term in the ablations', () => {
    expect(by('progress-only', { alpha: 2 })).toEqual([0.5, 0.25, 1]);
    expect(by('grounding-only')).toEqual([0.5, 0, 0]);
  });

  it('rewards the last turn with the return or its advantage', () => {
    expect(by('outcome')).toEqual([0, 0, 1]);
    expect(by('rloo')).toEqual([0, 0, 0.75]); // 1 - (0.5 + 0) / 2
  });

  it('repeats the advantage on every turn by released, whose text test never fails the last turn', () => {
    expect(by('released')).toEqual([1.25, 0.75, 0.75]);
    expect(by('released', { groundingTest: 'text' })).toEqual([1.25, 0.75, 1.25]);
    expect(by('released', { multiplier: true })).toEqual([2.5, 0.75, 0]);
  });

  it('gives no rewards for an episode without turns', () => {
    const none = { ...episode, turns: [] };
    expect([...turnRewards(none, { scheme: 'outcome', alpha: 1, beta: 0.5, grounding: 'bonus' })]).toEqual([]);
  });

  it('names what a scheme lacks', () => {
    const bare = { return: 1, turns: [{ grounded: true, progress: null }] };
    const options = { alpha: 1, beta: 0.5, grounding: 'bonus', groundingTest: 'text' } as const;
    expect(() => turnRewards(bare, { ...options, scheme: 'spa' })).toThrow(
      new TypeError('Cannot reward an episode by scheme "spa": progress is absent, expected it on the episode'),
    );
    expect(() => turnRewards(bare, { ...options, scheme: 'released' })).toThrow(
      /the returns of the task's other episodes is absent/,
    );
  });
});

describe('leaveOneOut() and multiplyReleased()', () => {
  it('subtract the mean of the others, and weigh early turns', () => {
    expect(leaveOneOut(1, [0.25, 0.75])).toBe(0.5);
    expect(leaveOneOut(1, [])).toBe(1);
    expect([...multiplyReleased([1, 1, 1])]).toEqual([2, 1, 0]);
  });
});
