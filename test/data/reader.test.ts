import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as arrow from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { countRows, readColumns, readEpisodes } from '../../src/data/reader.ts';
import { columnNames } from '../../src/data/trajectory.ts';
import { openTrajectoryWriter, recoverStream } from '../../src/data/writer.ts';
import { collect, sampleEpisode, sampleTurn } from './sample.ts';

let folder: string;
let good: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spa-data-'));
  good = at('good.arrow');
  const writer = await openTrajectoryWriter(good);
  writer.append(sampleEpisode(0));
  await writer.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(path: string): Promise<SpaError> {
  const error = await countRows(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SpaError);
  return error as SpaError; // checked in the line above
}

describe('reading a bad file', () => {
  it('says that it is missing', async () => {
    const error = await refusal(at('none.arrow'));
    expect(error).toMatchObject({ boundary: 'data', badInput: true });
    expect(error.message).toBe(
      `Cannot read trajectories "${at('none.arrow')}": ENOENT: no such file or directory, open '${at('none.arrow')}', expected an Arrow file`,
    );
    expect(error.hint).toContain('spa run');
  });

  it('says that it is not an Arrow file', async () => {
    writeFileSync(at('text.arrow'), 'hello world, this is no Arrow file');
    writeFileSync(at('empty.arrow'), '');
    const of = (name: string) => `Cannot read trajectories "${at(name)}": it is not one, expected an Arrow file`;
    expect((await refusal(at('text.arrow'))).message).toBe(of('text.arrow'));
    expect((await refusal(at('empty.arrow'))).message).toBe(of('empty.arrow'));
  });

  it('says that it is cut off, wherever it is cut', async () => {
    const size = statSync(good).size;
    for (const keep of [6, 8, 100, Math.floor(size / 2), size - 1]) {
      copyFileSync(good, at('cut.arrow'));
      truncateSync(at('cut.arrow'), keep);
      const error = await refusal(at('cut.arrow'));
      expect(error).toMatchObject({ boundary: 'data', badInput: true });
      expect(error.message).toMatch(/^Cannot read trajectories ".*cut\.arrow": .*expected a whole file$/);
    }
  });

  it('says which columns are missing or too many', async () => {
    writeFileSync(at('other.arrow'), arrow.tableToIPC(arrow.tableFromArrays({ seed: Int32Array.of(1) }), 'file'));
    const error = await refusal(at('other.arrow'));
    expect(error.message).toContain('it lacks run: Dictionary<Int32, Utf8>, stageKey: Dictionary<Int32, Utf8>,');
    expect(error.message).toMatch(/expected the trajectory schema$/);
  });

  it('refuses to recover a stream of another schema', async () => {
    writeFileSync(at('alien.arrows'), arrow.tableToIPC(arrow.tableFromArrays({ seed: Int32Array.of(1) }), 'stream'));
    await expect(collect(recoverStream(at('alien.arrow')))).rejects.toThrow(
      /it lacks .* expected the trajectory schema$/,
    );
  });
});

describe('readColumns()', () => {
  it('reads every column as its rows hold it', async () => {
    const columns = await readColumns(good, columnNames);
    const [first, second] = sampleEpisode(0).turns;
    expect(columns.tokenIds).toEqual([first!.tokenIds, second!.tokenIds]);
    expect(columns.finalObservation).toEqual([null, 'You win.']);
    expect(columns.remaining).toEqual([3, 3]);
    expect(columns.success).toEqual([false, true]);
    expect(columns.outcome).toEqual(['success', 'success']);
  });
});

describe('memory', () => {
  /** Most bytes held while a file of so many long episodes is written, closed and read. */
  async function peakOf(episodes: number): Promise<{ readonly peak: number; readonly sizeBytes: number }> {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void; // what the flag exposes
    // Buffers are freed after the collection that finds them dead, so it is asked twice with a turn of the event loop between.
    const held = async (): Promise<number> => {
      collectGarbage();
      await new Promise(setImmediate);
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const path = at(`large-${episodes}.arrow`);
    const turns = Array.from({ length: 20 }, (_, index) => sampleTurn({ observation: `${index} `.repeat(2500) }));
    const writer = await openTrajectoryWriter(path);
    const start = await held();
    let peak = 0;
    const look = async (index: number): Promise<void> => {
      if (index % 100 === 0) peak = Math.max(peak, (await held()) - start);
    };
    for (let index = 0; index < episodes; index++) {
      writer.append(sampleEpisode(index % 50, { turns, rollout: index }));
      await look(index);
    }
    const { sizeBytes } = await writer.close();
    for await (const episode of readEpisodes(path)) await look(episode.rollout);
    return { peak, sizeBytes };
  }

  it('does not grow with the file: at most one more record batch of 32 MiB, however much longer it is', async () => {
    const short = await peakOf(400);
    const long = await peakOf(1200);
    expect(long.sizeBytes - short.sizeBytes).toBeGreaterThan(90e6);
    expect(short.peak).toBeGreaterThan(0);
    expect(long.peak - short.peak).toBeLessThan(32 * 2 ** 20);
    expect(long.peak).toBeLessThan(40e6);
  });
});
