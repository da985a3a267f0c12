/**
 * Writes trajectories: a stream (`<path>s`) while playing, so that a killed run loses at most its last unflushed episodes, and on
 * close the Arrow file `<path>` with one block per dictionary, published by atomic rename.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SpaError } from '../base/error.ts';
import { temporaryPath } from '../base/file.ts';
import { openSink, type Sink } from './arrow-sink.ts';
import { checkRow } from './check.ts';
import { countRows, isFile, readEpisodes, readStream } from './reader.ts';
import { type ColumnName, columnKinds, columnNames, type Episode, rowsOf, type TrajectoryRow } from './trajectory.ts';

/** What a finished trajectory file is; the store keeps it and checks it with `verifyTrajectories`. */
export interface TrajectoryFacts {
  readonly rows: number;
  readonly episodes: number;
  /** 64 hex digits. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Options of {@link openTrajectoryWriter}. */
export interface WriterOptions {
  /** Kept in the file's schema metadata, e.g. `{ 'spa.version': '0.1.0' }`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** True to begin anew; by default the writer goes on after the episodes that {@link recoverStream} gives. */
  readonly fresh?: boolean;
  /** Episodes are flushed together once they have this many rows. Default 256; 1 keeps each episode at once. */
  readonly flushRows?: number;
}

/** An open trajectory file. */
export interface TrajectoryWriter {
  /** Records one whole episode. @throws {TypeError | RangeError} If a value does not fit its column; nothing is recorded then. */
  append(episode: Episode): void;
  /** Hands what was appended to the operating system: it survives a kill of this process. */
  flush(): void;
  /** Episodes recorded so far, recovered ones included. */
  episodes(): number;
  /** Publishes the Arrow file and removes the stream. */
  close(): Promise<TrajectoryFacts>;
  /** Stops without publishing; what was appended stays recoverable. */
  [Symbol.asyncDispose](): Promise<void>;
}

type Metadata = Readonly<Record<string, string>>;

/** Rows of a record batch in the finished file, and bytes of text after which a batch is written early (offsets are 32 bit). */
const fileBatchRows = 4096;
const batchTextBytes = 8 << 20;

/**
 * Opens a trajectory file for writing, going on where a killed writer stopped.
 * @param path Where the finished file shall be, e.g. `explore/shard-0.arrow`; its stream is beside it with an `s` appended.
 */
export async function openTrajectoryWriter(path: string, options: WriterOptions = {}): Promise<TrajectoryWriter> {
  mkdirSync(dirname(path), { recursive: true });
  const metadata = options.metadata ?? {};
  const temporary = temporaryPath(`${path}s`);
  const sink = openSink(temporary, { format: 'stream', metadata });
  const recorder = createRecorder(sink, options.flushRows ?? 256);
  try {
    if (options.fresh !== true) for await (const episode of recoverStream(path)) recorder.append(episode);
    recorder.flush();
    renameSync(temporary, `${path}s`); // the open descriptor follows
  } catch (error) {
    sink.abandon();
    await rm(temporary, { force: true });
    throw error;
  }
  let isOpen = true;
  return {
    append: recorder.append,
    flush: recorder.flush,
    episodes: () => recorder.counts().episodes,
    close: async () => {
      isOpen = false;
      sink.close();
      return await publish(path, metadata, recorder);
    },
    [Symbol.asyncDispose]: async () => {
      if (isOpen) recorder.flush();
      isOpen = false;
      sink.abandon();
    },
  };
}

/**
 * Reads every complete episode that an unfinished writer left, or the finished file if there is no stream; nothing if there is
 * neither. A last batch that was cut off is dropped.
 * @throws {SpaError} `data`, bad input, if what is there is not of the trajectory schema.
 */
export async function* recoverStream(path: string): AsyncGenerator<Episode, void, undefined> {
  if (await isFile(`${path}s`)) yield* readStream(`${path}s`);
  else if (await isFile(path)) yield* readEpisodes(path);
}

/**
 * Writes a copy of a trajectory file with each episode changed, e.g. with progress and rewards filled in.
 * @param change Called in file order; may take its time.
 */
export async function withColumns(
  path: string,
  out: string,
  change: (episode: Episode) => Episode | Promise<Episode>,
  options: Omit<WriterOptions, 'fresh'> = {},
): Promise<TrajectoryFacts> {
  const writer = await openTrajectoryWriter(out, { ...options, fresh: true });
  try {
    for await (const episode of readEpisodes(path)) writer.append(await change(episode));
    return await writer.close();
  } finally {
    await writer[Symbol.asyncDispose]();
  }
}

function createRecorder(sink: Sink, flushRows: number) {
  let rows = 0;
  let episodes = 0;
  let pendingRows = 0;
  let pendingBytes = 0;
  const dictionaries = new Map<ColumnName, Set<string>>(
    columnNames.filter((name) => columnKinds[name] === 'dictionary').map((name) => [name, new Set<string>()]),
  );
  const flush = (): void => {
    sink.flush();
    pendingRows = 0;
    pendingBytes = 0;
  };
  const append = (episode: Episode): void => {
    const added = rowsOf(episode);
    added.forEach(checkRow);
    for (const row of added) {
      sink.push(row);
      for (const [name, values] of dictionaries) values.add(row[name] as string); // dictionary columns are texts
      pendingBytes += bytesOf(row);
    }
    rows += added.length;
    episodes += 1;
    pendingRows += added.length;
    if (pendingRows >= flushRows || pendingBytes >= batchTextBytes) flush();
  };
  return { append, flush, dictionaries, counts: () => ({ rows, episodes }) };
}

/** At least the bytes a row's texts and lists take. */
function bytesOf(row: TrajectoryRow): number {
  return row.observation.length + row.thought.length + row.action.length + row.text.length + row.tokenIds.length * 8;
}

async function publish(
  path: string,
  metadata: Metadata,
  recorder: ReturnType<typeof createRecorder>,
): Promise<TrajectoryFacts> {
  const { rows, episodes } = recorder.counts();
  const temporary = temporaryPath(path);
  const sink = openSink(temporary, { format: 'file', metadata, dictionaries: recorder.dictionaries });
  try {
    const file = createRecorder(sink, fileBatchRows);
    for await (const episode of readStream(`${path}s`)) file.append(episode);
    const facts = sink.close();
    const written = await countRows(temporary);
    if (written !== rows) {
      throw new SpaError('data', `Cannot close trajectories "${path}": ${written} rows in the file, expected ${rows}`);
    }
    await rename(temporary, path);
    await rm(`${path}s`);
    return { rows, episodes, ...facts };
  } catch (error) {
    sink.abandon();
    await rm(temporary, { force: true });
    throw error;
  }
}
