/** Rewards of turns by scheme, over the episodes of a task. */
import { describe, expect, it } from 'vitest';
import type { Episode } from '../../src/data/trajectory.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { rewardEpisodes } from '../../src/stage/attribute.ts';
import { episodeOf, turnOf } from './support.ts';

type Reward = Manifest['reward'];

/** Two turns: executed with progress 0.4, refused with progress -0.1. */
const turns = [turnOf({ progress: 0.4, grounded: true }), turnOf({ progress: -0.1, grounded: false })];
const episodes: readonly Episode[] = [
  episodeOf({ taskId: 'a', rollout: 0, outcome: 'success', return: 1, turns }),
  episodeOf({ taskId: 'a', rollout: 1, outcome: 'limit', return: 0, turns }),
  episodeOf({ taskId: 'a', rollout: 2, outcome: 'infra_error', return: 0.5, turns }),
  episodeOf({ taskId: 'b', rollout: 0, outcome: 'failure', return: 0.25, turns }),
];
const rewardsOf = (scheme: Reward['scheme'], more: Partial<Reward> = {}): (number | null)[][] =>
  rewardEpisodes(episodes, { scheme, alpha: 1, beta: 0.5, grounding: 'bonus', ...more }).map((episode) =>
    episode.turns.map((turn) => turn.shapedReward),
  );
const broken = [null, null];

describe('rewardEpisodes()', () => {
  it('spa: alpha c + beta g', () => {
    // 0.4 + 0.5 and -0.1 + 0, the same for each sound episode
    const each = [expect.closeTo(0.9, 12), expect.closeTo(-0.1, 12)];
    expect(rewardsOf('spa')).toEqual([each, each, broken, each]);
    // a penalty pays g - 1: 2 * 0.4 + 0 and 2 * -0.1 - 0.5
    const penalised = [expect.closeTo(0.8, 12), expect.closeTo(-0.7, 12)];
    expect(rewardsOf('spa', { alpha: 2, grounding: 'penalty' })[0]).toEqual(penalised);
  });

  it('progress-only and grounding-only: one term each', () => {
    expect(rewardsOf('progress-only')[1]).toEqual([0.4, -0.1]);
    expect(rewardsOf('grounding-only')).toEqual([[0.5, 0], [0.5, 0], broken, [0.5, 0]]);
  });

  it('outcome: the return, on the last turn', () => {
    expect(rewardsOf('outcome')).toEqual([[0, 1], [0, 0], broken, [0, 0.25]]);
  });

  it("released: the return less the mean of the task's other sound episodes, plus beta g, times the turns left", () => {
    // task a: 1 - 0 = 1 and 0 - 1 = -1: the broken episode's 0.5 is in neither mean; task b has no other: 0.25
    expect(rewardsOf('released')).toEqual([[1.5, 0], [-0.5, -0], broken, [0.75, 0]]);
  });

  it('tells two rollouts with equal contents apart', () => {
    const twins = [episodeOf({ taskId: 'a', return: 1, turns }), episodeOf({ taskId: 'a', return: 1, turns })];
    const rewarded = rewardEpisodes(twins, { scheme: 'released', alpha: 1, beta: 0.5, grounding: 'bonus' });
    expect(rewarded.map((episode) => episode.turns[1]!.shapedReward)).toEqual([0, 0]); // 1 - 1
  });

  it('leaves everything else of an episode as it was', () => {
    const [first] = rewardEpisodes(episodes, { scheme: 'outcome', alpha: 1, beta: 0.5, grounding: 'bonus' });
    const back = { ...first!, turns: first!.turns.map((turn) => ({ ...turn, shapedReward: null })) };
    expect(back).toEqual(episodes[0]);
  });

  it('refuses a scheme that needs progress where there is none', () => {
    const bare = [episodeOf()];
    expect(() => rewardEpisodes(bare, { scheme: 'spa', alpha: 1, beta: 0.5, grounding: 'bonus' })).toThrow(
      new TypeError('Cannot reward an episode by scheme "spa": progress is absent, expected it on the episode'),
    );
  });
});
