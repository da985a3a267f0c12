/** Recorded demonstrations, from real trajectory files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashFile } from '../../src/base/hash.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { readEpisodes } from '../../src/data/reader.ts';
import type { Episode } from '../../src/data/trajectory.ts';
import { openTrajectoryWriter } from '../../src/data/writer.ts';
import type { StageContext } from '../../src/runner/stage.ts';
import { copyRecorded } from '../../src/stage/recorded.ts';
import { openWorld, worldParams } from '../../src/stage/world.ts';
import { collect } from '../data/sample.ts';
import { episodeOf, manifestOf, turnOf } from './support.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recorded-'));
});
afterEach(async () => rm(folder, { recursive: true }));

const won = (part: Partial<Episode>): Episode =>
  episodeOf({ outcome: 'success', return: 1, turns: [turnOf(), turnOf({ done: true, success: true })], ...part });

async function fileOf(episodes: readonly Episode[]): Promise<string> {
  const path = join(folder, 'given.arrow');
  const writer = await openTrajectoryWriter(path, { fresh: true });
  for (const episode of episodes) writer.append(episode);
  await writer.close();
  return path;
}

/** A world of six training games, and what a stage is told about it. */
const { environment } = await manifestOf();
const params = worldParams({ environment }, { manifestFolder: '/nowhere', env: {} });
const world = await openWorld(params);
const [first, second] = world.tasks('train').map(({ id }) => id) as [string, string];
const heldOut = world.tasks('valid_unseen')[0]!.id;

function contextOf(recorded: string): StageContext {
  return {
    node: {
      id: 'demonstrate/seed=1',
      stage: 'demonstrate',
      version: 1,
      params: { recorded, seed: 1 },
      resources: { world: params as unknown as JsonObject },
      inputs: {},
    },
    folder,
    inputs: {},
    signal: new AbortController().signal,
    progress: () => {},
    metrics: () => {},
  };
}

describe('copyRecorded()', () => {
  it('keeps what was won in training tasks of the same world, and counts the rest', async () => {
    const path = await fileOf([
      won({ taskId: first }),
      won({ taskId: heldOut, split: 'train' }), // held out, whatever the file calls it: cloning it would spoil the evaluation
      episodeOf({ taskId: first, rollout: 1 }), // not won
      won({ taskId: first, env: 'webshop' }),
      won({ taskId: second, turns: [turnOf({ done: true, success: true })] }),
    ]);
    const { summary } = await copyRecorded(path, contextOf(await hashFile(path)));
    expect(summary).toEqual({ episodes: 2, lost: 3, turnsPerEpisode: 1.5 });
    const kept = await collect(readEpisodes(join(folder, 'demonstrations.arrow')));
    expect(kept.map((episode) => episode.taskId)).toEqual([first, second]);
  });

  it('refuses a file none of whose episodes fits', async () => {
    const path = await fileOf([won({ taskId: heldOut })]);
    await expect(copyRecorded(path, contextOf(await hashFile(path)))).rejects.toMatchObject({
      badInput: true,
      message: `Cannot clone demonstrations "${path}": none of its 1 episodes fits, expected successes in training tasks of world "alfworld"`,
    });
  });

  it('refuses a file that is not the one planned with', async () => {
    const path = await fileOf([won({})]);
    await expect(copyRecorded(path, contextOf('0'.repeat(64)))).rejects.toMatchObject({
      badInput: true,
      message: expect.stringMatching(/^Cannot read demonstrations ".*": its SHA-256 is [0-9a-f]{64}, expected 0{64}$/),
    });
  });
});
