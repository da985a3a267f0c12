/** The trajectory files of finished runs, as pyarrow and polars see them. The folder is SPA_INTEROP_RUNS, by default runs/. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { countRows } from '../../src/data/reader.ts';
import type { ArrowFacts } from './arrow-facts.ts';
import { runPython } from './python.ts';

const folder = process.env.SPA_INTEROP_RUNS ?? fileURLToPath(new URL('../../runs', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.arrow'))
  .map((name) => join(folder, name));
const isAsked = process.env.SPA_INTEROP_RUNS !== undefined;

describe.skipIf(files.length === 0 && !isAsked)('trajectory files of runs (skipped without a run in runs/)', () => {
  it('are valid, and hold as many rows as our reader counts', async () => {
    expect(files).not.toEqual([]);
    const facts = await runPython<ArrowFacts[]>('check_arrow.py', files);
    const counts = await Promise.all(files.map(countRows));
    expect(facts.map(({ rows }) => rows)).toEqual(counts);
    expect(facts.map(({ polarsRows }) => polarsRows)).toEqual(counts);
    const total = counts.reduce((sum, rows) => sum + rows, 0);
    process.stdout.write(`${files.length} trajectory files, ${total} rows, valid in pyarrow and polars\n`);
  });
});
