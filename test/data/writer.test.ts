import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import {
  countRows,
  isFile,
  readColumns,
  readEpisodes,
  readMetadata,
  verifyTrajectories,
} from '../../src/data/reader.ts';
import type { Episode } from '../../src/data/trajectory.ts';
import { openTrajectoryWriter, recoverStream, type WriterOptions, withColumns } from '../../src/data/writer.ts';
import { collect, sampleEpisode, sampleTurn } from './sample.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spa-data-'));
  path = join(folder, 'train.arrow');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function write(episodes: readonly Episode[], options: WriterOptions = {}) {
  const writer = await openTrajectoryWriter(path, options);
  for (const episode of episodes) writer.append(episode);
  return await writer.close();
}

describe('openTrajectoryWriter()', () => {
  it('gives back what was written: unicode, empty texts and lists, nulls, numbers', async () => {
    const episodes: Episode[] = [
      sampleEpisode(0),
      sampleEpisode(1, {
        split: 'valid_seen',
        outcome: 'limit',
        return: 0.5,
        seed: -2147483648,
        rollout: 7,
        turns: [
          sampleTurn({
            observation: 'Küche 🍎 厨房 \u0000 "\\',
            thought: '',
            action: '',
            text: '',
            tokenIds: [],
            logProbs: [],
          }),
          sampleTurn({ grounded: false, tokenIds: [2147483647], logProbs: [] }),
          sampleTurn({ progress: 0.25, shapedReward: 0.75, advantage: -1.5, remaining: null }),
          sampleTurn({ logProbs: [Number.NEGATIVE_INFINITY, Number.NaN, -1], remaining: 0 }),
        ],
      }),
    ];
    const { finalObservation: _, ...withoutLast } = sampleEpisode(2, { outcome: 'failure', return: 0 });
    episodes.push(withoutLast);
    const facts = await write(episodes);
    expect(await collect(readEpisodes(path))).toEqual(episodes);
    expect(facts).toMatchObject({ rows: 8, episodes: 3, sizeBytes: statSync(path).size });
  });

  it('rounds float32 columns and nothing else', async () => {
    await write([sampleEpisode(0, { return: 0.1, turns: [sampleTurn({ startedAtMs: 0.1, reward: 0.1 })] })]);
    const [episode] = await collect(readEpisodes(path));
    expect(episode!.return).toBe(Math.fround(0.1));
    expect(episode!.turns[0]!.reward).toBe(Math.fround(0.1));
    expect(episode!.turns[0]!.startedAtMs).toBe(0.1);
  });

  it('keeps an episode that broke before its first turn', async () => {
    const broken = sampleEpisode(0, { turns: [], outcome: 'infra_error', return: 0, finalObservation: 'Hello.' });
    const facts = await write([sampleEpisode(1), broken, broken, sampleEpisode(2)]);
    expect(await collect(readEpisodes(path))).toEqual([sampleEpisode(1), broken, broken, sampleEpisode(2)]);
    expect(facts).toMatchObject({ rows: 6, episodes: 4 });
    expect((await readColumns(path, ['turn'])).turn).toEqual([0, 1, -1, -1, 0, 1]);
  });

  it('keeps texts of many megabytes', async () => {
    const huge = 'é🍏x'.repeat(2_000_000); // 14 MB of UTF-8
    const episode = sampleEpisode(0, { turns: [sampleTurn({ observation: huge })] });
    await write([episode, sampleEpisode(1), episode]);
    const { observation } = await readColumns(path, ['observation']);
    expect(observation.map((text) => text.length)).toEqual([8_000_000, 21, 21, 8_000_000]);
    expect(observation[3] === huge).toBe(true);
  });

  it('keeps one schema and all values while dictionaries grow over many flushes', async () => {
    const episodes = Array.from({ length: 300 }, (_, index) => sampleEpisode(index));
    await write(episodes, { flushRows: 1 });
    expect((await readColumns(path, ['taskId'])).taskId).toEqual(episodes.flatMap((e) => [e.taskId, e.taskId]));
    expect(await countRows(path)).toBe(600);
  });

  it('writes a readable file without episodes', async () => {
    expect(await write([], { metadata: { 'spa.version': '9.9.9' } })).toMatchObject({ rows: 0, episodes: 0 });
    expect(await collect(readEpisodes(path))).toEqual([]);
    expect(await readMetadata(path)).toEqual({ 'spa.version': '9.9.9', 'spa.trajectory': '1' });
  });

  it('publishes whole files only and removes the stream', async () => {
    const writer = await openTrajectoryWriter(path);
    writer.append(sampleEpisode(0));
    writer.flush();
    expect(await isFile(path)).toBe(false);
    expect(await isFile(`${path}s`)).toBe(true);
    await writer.close();
    expect(await isFile(path)).toBe(true);
    expect(await isFile(`${path}s`)).toBe(false);
  });

  it('writes the same bytes for the same episodes, however they were flushed', async () => {
    const episodes = Array.from({ length: 50 }, (_, index) => sampleEpisode(index));
    const first = await write(episodes, { fresh: true, flushRows: 1 });
    const second = await write(episodes, { fresh: true });
    expect(second.sha256).toBe(first.sha256);
  });

  it.each([
    [{ seed: 1.5 }, 'Cannot record column "seed" of episode "task-0#0" turn 0: 1.5, expected a 32-bit integer'],
    [{ split: 3 }, 'Cannot record column "split" of episode "task-0#0" turn 0: 3, expected a text'],
    [
      { turns: [sampleTurn(), { ...sampleTurn(), reward: undefined }] },
      'Cannot record column "reward" of episode "task-0#0" turn 1: undefined, expected a number',
    ],
    [{ turns: [] }, 'Cannot record episode "task-0#0": it has no turns, expected at least 1 unless infra_error'],
    [
      { turns: [sampleTurn({ logProbs: [0] })] },
      'Cannot record episode "task-0#0": turn 0 has 1 log-probabilities for 3 tokens, expected as many or none',
    ],
  ])('refuses a value that does not fit, and records nothing of the episode: %#', async (changes, message) => {
    const writer = await openTrajectoryWriter(path);
    writer.append(sampleEpisode(1));
    expect(() => writer.append({ ...sampleEpisode(0), ...changes } as Episode)).toThrow(message);
    writer.append(sampleEpisode(2));
    await writer.close();
    expect(await collect(readEpisodes(path))).toEqual([sampleEpisode(1), sampleEpisode(2)]);
  });
});

describe('a killed writer', () => {
  async function playUntil(count: number): Promise<void> {
    const program = fileURLToPath(new URL('./fixtures/play-until-killed.mjs', import.meta.url));
    const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      const said = (chunk as string).trim().split('\n').map(Number);
      if (said.some((number) => number >= count)) break;
    }
    child.kill('SIGKILL');
    await ended;
  }

  it('leaves its complete episodes, and the next writer goes on after them', async () => {
    await playUntil(20);
    const first = await collect(recoverStream(path));
    expect(first.length).toBeGreaterThanOrEqual(20);
    await playUntil(first.length + 5);
    const left = await collect(recoverStream(path));
    expect(left.length).toBeGreaterThanOrEqual(first.length + 5);
    expect(left).toEqual(left.map((_, index) => sampleEpisode(index)));

    const writer = await openTrajectoryWriter(path);
    expect(writer.episodes()).toBe(left.length);
    writer.append(sampleEpisode(left.length));
    const facts = await writer.close();
    expect(facts.episodes).toBe(left.length + 1);
    expect(await collect(readEpisodes(path))).toEqual([...left, sampleEpisode(left.length)]);
  });

  it('gives back a prefix of the episodes wherever its stream is cut', async () => {
    const writer = await openTrajectoryWriter(path, { flushRows: 1 });
    const episodes = Array.from({ length: 4 }, (_, index) => sampleEpisode(index));
    for (const episode of episodes) writer.append(episode);
    const whole = statSync(`${path}s`).size;
    let most = 0;
    for (let size = whole; size >= 0; size -= 97) {
      truncateSync(`${path}s`, size);
      const left = await collect(recoverStream(path));
      expect(left).toEqual(episodes.slice(0, left.length));
      most = Math.max(most, left.length);
    }
    expect(most).toBe(4);
    await writer[Symbol.asyncDispose]();
  });

  it('keeps what was appended when the work is given up', async () => {
    const writer = await openTrajectoryWriter(path);
    writer.append(sampleEpisode(0));
    await writer[Symbol.asyncDispose]();
    expect(await collect(recoverStream(path))).toEqual([sampleEpisode(0)]);
  });

  it('goes on after a finished file too, unless told to begin anew', async () => {
    await write([sampleEpisode(0)]);
    await write([sampleEpisode(1)]);
    expect(await collect(readEpisodes(path))).toEqual([sampleEpisode(0), sampleEpisode(1)]);
    await write([sampleEpisode(2)], { fresh: true });
    expect(await collect(readEpisodes(path))).toEqual([sampleEpisode(2)]);
  });
});

describe('withColumns()', () => {
  it('writes a copy with each episode changed and leaves the original', async () => {
    await write([sampleEpisode(0), sampleEpisode(1)]);
    const before = await collect(readEpisodes(path));
    const out = join(folder, 'attributed.arrow');
    const attribute = async (episode: Episode): Promise<Episode> => ({
      ...episode,
      turns: episode.turns.map((turn, index) => ({ ...turn, progress: index / 2, shapedReward: 1, advantage: -1 })),
    });
    const facts = await withColumns(path, out, attribute);
    expect(facts).toMatchObject({ rows: 4, episodes: 2 });
    expect((await readColumns(out, ['progress', 'taskId'])).progress).toEqual([0, 0.5, 0, 0.5]);
    expect(await collect(readEpisodes(path))).toEqual(before);
  });
});

describe('verifyTrajectories()', () => {
  it('accepts the file that was written and says what is wrong with any other', async () => {
    const facts = await write([sampleEpisode(0)]);
    expect(await verifyTrajectories(path, facts)).toBeUndefined();
    expect(await verifyTrajectories(path, { ...facts, rows: 3 })).toBe('it has 2 rows, expected 3');
    writeFileSync(path, 'changed');
    expect(await verifyTrajectories(path, facts)).toBe(`sha256 is ${sha256('changed')}, expected ${facts.sha256}`);
  });
});
