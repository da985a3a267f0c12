/**
 * Arrow's IPC writers with a synchronous sink: its own sinks keep everything in memory when the producer does not yield, and close
 * without a word when a schema differs. Each batch is one write to the file.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import * as arrow from 'apache-arrow';
import { SpaError } from '../base/error.ts';
import { type ArrowFormat, type Column, createColumns, createSchema } from './column.ts';
import type { ColumnName, TrajectoryRow } from './trajectory.ts';

/** What a closed file is. */
export interface FileFacts {
  readonly sizeBytes: number;
  /** SHA-256 of the file, 64 hex digits. */
  readonly sha256: string;
}

/** Options of {@link openSink}. */
export interface SinkOptions {
  readonly format: ArrowFormat;
  readonly metadata: Readonly<Record<string, string>>;
  /** Every value that a file's dictionary columns will be given; a stream has no dictionaries. */
  readonly dictionaries?: ReadonlyMap<ColumnName, Iterable<string>>;
}

/** An open Arrow file: rows are collected by `push` and written as one record batch by `flush`. */
export interface Sink {
  push(row: TrajectoryRow): void;
  /** Writes what was pushed as one record batch; nothing pushed, nothing written. */
  flush(): void;
  /** Flushes, ends the file, forces it to disk and closes it. */
  close(): FileFacts;
  /** Closes the file as it is, after a failure. */
  abandon(): void;
}

interface BytesOut {
  /** Takes bytes and returns how many. */
  write(chunk: ArrayBufferView): number;
}

class SyncStreamWriter extends arrow.RecordBatchStreamWriter {
  readonly #out: BytesOut;
  constructor(out: BytesOut) {
    super();
    this.#out = out;
  }
  protected override _write(chunk: ArrayBufferView): this {
    if (this._started) this._position += this.#out.write(chunk);
    return this;
  }
}

class SyncFileWriter extends arrow.RecordBatchFileWriter {
  readonly #out: BytesOut;
  constructor(out: BytesOut) {
    super();
    this.#out = out;
  }
  protected override _write(chunk: ArrayBufferView): this {
    if (this._started) this._position += this.#out.write(chunk);
    return this;
  }
}

/** Creates (or empties) an Arrow file of trajectories. */
export function openSink(path: string, options: SinkOptions): Sink {
  const file = openHashedFile(path);
  const schema = createSchema(options.format, options.metadata);
  const columns = createColumns(options.format, options.dictionaries);
  const writer = options.format === 'stream' ? new SyncStreamWriter(file) : new SyncFileWriter(file);
  let pending = 0;
  let batches = 0;
  const writeBatch = (): void => {
    const before = file.sizeBytes();
    writer.write(batchOf(schema, columns, pending));
    file.drain();
    if (file.sizeBytes() === before) throw new SpaError('data', `Internal: Arrow dropped a batch of "${path}"`);
    pending = 0;
    batches += 1;
  };
  return {
    push: (row) => {
      pushRow(columns, schema, row);
      pending += 1;
    },
    flush: () => {
      if (pending > 0) writeBatch();
    },
    close: () => {
      if (pending > 0 || batches === 0) writeBatch(); // an empty file still needs its schema
      writer.finish();
      return file.close();
    },
    abandon: () => file.abandon(),
  };
}

function pushRow(columns: readonly Column[], schema: arrow.Schema, row: TrajectoryRow): void {
  columns.forEach((column, index) => {
    column.push(row[schema.fields[index]!.name as ColumnName]); // the fields were made from the column names
  });
}

function batchOf(schema: arrow.Schema, columns: readonly Column[], length: number): arrow.RecordBatch {
  const children = columns.map((column) => column.take());
  const type = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(schema, arrow.makeData({ type, length, nullCount: 0, children }));
}

function openHashedFile(path: string) {
  const descriptor = openSync(path, 'w');
  const hash: Hash = createHash('sha256');
  let waiting: Uint8Array[] = [];
  let size = 0;
  let isOpen = true;
  const drain = (): void => {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    hash.update(bytes);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at);
    size += bytes.length;
  };
  const abandon = (): void => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return {
    write: (chunk: ArrayBufferView): number => {
      waiting.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      return chunk.byteLength;
    },
    drain,
    sizeBytes: (): number => size,
    close: (): FileFacts => {
      drain();
      fsyncSync(descriptor);
      abandon();
      return { sizeBytes: size, sha256: hash.digest('hex') };
    },
    abandon,
  };
}
