/** Trajectory files as pyarrow and polars see them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnNames, type Episode, rowsOf } from '../../src/data/trajectory.ts';
import { openTrajectoryWriter, withColumns } from '../../src/data/writer.ts';
import { sampleEpisode, sampleTurn } from '../data/sample.ts';
import type { ArrowFacts } from './arrow-facts.ts';
import { runPython } from './python.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spa-interop-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function write(name: string, episodes: readonly Episode[], metadata = {}): Promise<string> {
  const path = join(folder, name);
  const writer = await openTrajectoryWriter(path, { metadata, flushRows: 1 });
  for (const episode of episodes) writer.append(episode);
  await writer.close();
  return path;
}

async function check(path: string, ...options: string[]): Promise<ArrowFacts> {
  const [facts] = await runPython<ArrowFacts[]>('check_arrow.py', [...options, path]);
  return facts!;
}

/** A row as check_arrow.py prints it. */
const printed = (row: object): unknown =>
  JSON.parse(
    JSON.stringify(row, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? `${value}` : value)),
  );

describe('pyarrow and polars', () => {
  it('read every value as it was written', async () => {
    const odd = sampleTurn({
      observation: 'Küche 🍎 厨房 \u0000 "\\',
      thought: '',
      tokenIds: [],
      logProbs: [],
      progress: 0.25,
      advantage: Number.NEGATIVE_INFINITY,
      reward: Number.NaN,
      remaining: null,
    });
    const episodes = [
      sampleEpisode(0, { turns: [odd, sampleTurn(), odd] }),
      sampleEpisode(1, { turns: [], outcome: 'infra_error', return: 0 }),
      sampleEpisode(2, { seed: -2147483648, taskType: '厨' }),
    ];
    const facts = await check(await write('odd.arrow', episodes, { 'spa.version': '1.2.3' }), '--rows');
    const rows = episodes.flatMap(rowsOf);
    expect(facts.table).toEqual(rows.map(printed));
    expect(facts.polarsText).toEqual(rows.map((row) => row.observation));
    expect(facts.metadata).toEqual({ 'spa.version': '1.2.3', 'spa.trajectory': '1' });
    expect(facts.columns.map((column) => column.split(':')[0])).toEqual(columnNames);
    expect(facts).toMatchObject({ rows: 6, polarsRows: 6, episodes: 3 });
  });

  it('read files of no rows, of many batches and with long dictionaries', async () => {
    expect(await check(await write('empty.arrow', []))).toMatchObject({ rows: 0, polarsRows: 0 });
    const episodes = Array.from({ length: 5000 }, (_, index) => sampleEpisode(index));
    expect(await check(await write('many.arrow', episodes))).toMatchObject({
      rows: 10_000,
      polarsRows: 10_000,
      episodes: 5000,
      dictionaryDeltas: 0,
    });
  });

  it('read a file that was finished after a kill, and a copy with more columns filled in', async () => {
    const path = join(folder, 'killed.arrow');
    const killed = await openTrajectoryWriter(path, { flushRows: 1 });
    for (let index = 0; index < 10; index++) killed.append(sampleEpisode(index));
    await killed[Symbol.asyncDispose]();
    truncateSync(`${path}s`, statSync(`${path}s`).size - 500); // inside an episode
    const writer = await openTrajectoryWriter(path);
    const kept = writer.episodes();
    expect(kept).toBe(9);
    writer.append(sampleEpisode(99));
    const { rows } = await writer.close();
    expect(await check(path)).toMatchObject({ rows, polarsRows: rows, episodes: kept + 1 });

    const out = join(folder, 'attributed.arrow');
    await withColumns(path, out, (episode) => ({
      ...episode,
      turns: episode.turns.map((turn, index) => ({ ...turn, progress: index + 0.5 })),
    }));
    const { table } = await check(out, '--rows');
    expect(new Set(table!.map((row) => row.progress))).toEqual(new Set([0.5, 1.5]));
  });

  it('read what the built package writes on plain Node', async () => {
    const path = join(folder, 'built.arrow');
    const built = fileURLToPath(new URL('../../dist/data/writer.js', import.meta.url));
    const program = `
      const { openTrajectoryWriter } = await import(${JSON.stringify(built)});
      const writer = await openTrajectoryWriter(${JSON.stringify(path)});
      writer.append(${JSON.stringify(sampleEpisode(0))});
      await writer.close();`;
    execFileSync(process.execPath, ['--input-type=module', '-e', program]);
    expect((await check(path, '--rows')).table).toEqual(rowsOf(sampleEpisode(0)).map(printed));
  });
});
