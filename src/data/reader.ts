/**
 * Reads trajectory files one record batch at a time, so that memory stays at one batch however large the file is. Read columns where
 * columns are enough: rows cost a decoded text each.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import * as arrow from 'apache-arrow';
import { badInput, messageOf, SpaError } from '../base/error.ts';
import { hashFile } from '../base/hash.ts';
import { type ArrowFormat, trajectoryFields } from './column.ts';
import {
  type ColumnKind,
  type ColumnName,
  columnKinds,
  columnNames,
  type Episode,
  episodeOf,
  type TrajectoryRow,
} from './trajectory.ts';

const writtenBySpa = 'Trajectory files are written by "spa run"; a partly copied file must be copied again';

/**
 * Reads the episodes of a finished trajectory file in file order.
 * @throws {SpaError} `data`, bad input, if it is missing, not an Arrow file, or not of the trajectory schema.
 */
export async function* readEpisodes(path: string): AsyncGenerator<Episode, void, undefined> {
  yield* episodesOf(batchesOf(path));
}

/**
 * Reads some columns whole: one array per column, element i of each belonging to row i. An episode that broke before its first turn
 * is a row too (`turn` -1).
 * @throws {SpaError} As {@link readEpisodes}.
 */
export async function readColumns<N extends ColumnName>(
  path: string,
  names: readonly N[],
): Promise<{ readonly [P in N]: TrajectoryRow[P][] }> {
  const columns = Object.fromEntries(names.map((name) => [name, []])) as unknown as { [P in N]: TrajectoryRow[P][] };
  for await (const batch of batchesOf(path)) {
    for (const name of names) {
      const get = getterOf(batch, name);
      for (let index = 0; index < batch.numRows; index++) columns[name].push(get(index) as TrajectoryRow[N]);
    }
  }
  return columns;
}

/** Counts the rows that are really in a file. @throws {SpaError} As {@link readEpisodes}. */
export async function countRows(path: string): Promise<number> {
  let rows = 0;
  for await (const batch of batchesOf(path)) rows += batch.numRows;
  return rows;
}

/** Reads a file's own metadata. @throws {SpaError} As {@link readEpisodes}. */
export async function readMetadata(path: string): Promise<Readonly<Record<string, string>>> {
  const handle = await openOrExplain(path);
  try {
    return Object.fromEntries((await openReader(path, handle)).schema.metadata);
  } finally {
    await handle.close();
  }
}

/**
 * Compares a file with what was recorded of it when it was written.
 * @returns What is wrong, in words, or undefined if the file is the one that was written.
 */
export async function verifyTrajectories(
  path: string,
  expected: { readonly rows: number; readonly sha256: string },
): Promise<string | undefined> {
  try {
    const digest = await hashFile(path);
    if (digest !== expected.sha256) return `sha256 is ${digest}, expected ${expected.sha256}`;
    const rows = await countRows(path);
    return rows === expected.rows ? undefined : `it has ${rows} rows, expected ${expected.rows}`;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Reads what a killed writer left of a stream: every complete batch, and so every complete episode. What follows the last complete
 * batch is dropped. Yields nothing if the stream does not exist or has no complete schema.
 * @throws {SpaError} `data`, bad input, if it is a stream of another schema.
 */
export async function* readStream(path: string): AsyncGenerator<Episode, void, undefined> {
  if (await isFile(path)) yield* episodesOf(completeBatches(path));
}

/** Tells whether a path is a file. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // node:fs rejects with errno errors
    throw error;
  }
}

async function* completeBatches(path: string): AsyncGenerator<arrow.RecordBatch> {
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  try {
    const reader = await cut(() => arrow.RecordBatchReader.from(source).then((opened) => opened.open()));
    if (reader === undefined || reader.schema === undefined) return;
    assertSchema(path, reader.schema, 'stream');
    const batches = reader[Symbol.asyncIterator]();
    for (;;) {
      const next = await cut(() => batches.next());
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    source.destroy();
  }
}

/** Returns undefined where Arrow fails: a stream that ends inside a message is what a killed process leaves. */
async function cut<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error; // the disk's fault, not the stream's end
    return undefined;
  }
}

async function* batchesOf(path: string): AsyncGenerator<arrow.RecordBatch> {
  const handle = await openOrExplain(path);
  try {
    const reader = await openReader(path, handle);
    for (let index = 0; index < reader.numRecordBatches; index++) {
      const batch = await reader.readRecordBatch(index);
      if (batch === null) throw new SpaError('data', `Cannot read trajectories "${path}": batch ${index} is missing`);
      yield batch;
    }
  } catch (error) {
    if (error instanceof SpaError) throw error;
    throw refusal(path, messageOf(error), 'a whole file', error);
  } finally {
    await handle.close();
  }
}

async function openOrExplain(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw refusal(path, messageOf(error), 'an Arrow file', error);
  }
}

async function openReader(path: string, handle: FileHandle) {
  const magic = Buffer.alloc(6);
  const { bytesRead } = await handle.read(magic, 0, 6, 0);
  if (bytesRead < 6 || magic.toString('latin1') !== 'ARROW1') throw refusal(path, 'it is not one', 'an Arrow file');
  try {
    const reader = await (await arrow.RecordBatchReader.from(handle)).open();
    assertSchema(path, reader.schema, 'file');
    return reader;
  } catch (error) {
    if (error instanceof SpaError) throw error;
    throw refusal(path, `its footer is broken (${messageOf(error)})`, 'a whole file', error);
  }
}

function assertSchema(path: string, schema: arrow.Schema, format: ArrowFormat): void {
  const expected = trajectoryFields[format].map(describeField);
  const found = schema.fields.map(describeField);
  const missing = expected.filter((field) => !found.includes(field));
  const extra = found.filter((field) => !expected.includes(field));
  if (missing.length === 0 && extra.length === 0) return;
  const is = missing.length > 0 ? `it lacks ${missing.join(', ')}` : `it has ${extra.join(', ')} besides`;
  throw refusal(path, is, 'the trajectory schema');
}

function describeField(field: arrow.Field): string {
  return `${field.name}: ${field.type}${field.nullable ? '?' : ''}`;
}

function refusal(path: string, is: string, expected: string, cause?: unknown): SpaError {
  return badInput('data', `Cannot read trajectories "${path}": ${is}, expected ${expected}`, {
    hint: writtenBySpa,
    cause,
  });
}

type Getter = (index: number) => unknown;

function getterOf(batch: arrow.RecordBatch, name: ColumnName): Getter {
  const vector = batch.getChild(name)!; // the schema was checked
  const kind: ColumnKind = columnKinds[name];
  if (!kind.endsWith('[]')) return (index) => vector.get(index);
  return (index) => Array.from(vector.get(index).toArray() as ArrayLike<number>);
}

/** Groups rows into episodes: turn 0 or -1 begins one. */
async function* episodesOf(batches: AsyncIterable<arrow.RecordBatch>): AsyncGenerator<Episode, void, undefined> {
  let rows: TrajectoryRow[] = [];
  for await (const batch of batches) {
    const getters = columnNames.map((name) => [name, getterOf(batch, name)] as const);
    for (let index = 0; index < batch.numRows; index++) {
      const row = Object.fromEntries(getters.map(([name, get]) => [name, get(index)])) as unknown as TrajectoryRow;
      if (row.turn <= 0 && rows.length > 0) {
        yield episodeOf(rows);
        rows = [];
      }
      rows.push(row);
    }
  }
  if (rows.length > 0) yield episodeOf(rows);
}
