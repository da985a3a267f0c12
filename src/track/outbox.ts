/**
 * Records on their way: each is appended to a file of this process first and acknowledged there once it is delivered. Files that other
 * processes left behind are taken over, under a lock, and delivered before one's own; a file is removed when nothing of it waits.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from './lock.ts';
import { decodeRecord, encodeRecord, type RunRecord, type TrackRecord } from './record.ts';

/** A record that waits. */
export interface Waiting {
  readonly record: TrackRecord;
  /** Number of the record in its file, from 0. */
  readonly sequence: number;
  readonly file: OutboxFile;
}

interface OutboxFile {
  readonly path: string;
  readonly unlock: () => void;
}

/** An open outbox. */
export interface Outbox {
  /** Runs opened in records that were delivered before, by earlier processes. */
  readonly known: readonly RunRecord[];
  /** Appends a record to the file and to what waits. */
  append(record: TrackRecord): void;
  /** The records that wait, oldest first, at most `limit`. */
  peek(limit: number): readonly Waiting[];
  /** Notes that the first `count` waiting records are done with. */
  acknowledge(count: number): void;
  waiting(): number;
  /** Lets the files go, removing those of which nothing waits. */
  close(): void;
}

/**
 * Opens the outbox in a folder.
 * @throws {Error} If the folder cannot be made or written to.
 */
export function openOutbox(folder: string): Outbox {
  mkdirSync(folder, { recursive: true });
  const left = readdirSync(folder).filter((name) => /\.jsonl(\.lock)?$/.test(name));
  const names = [...new Set(left.map((name) => name.replace(/\.lock$/, '')))].sort();
  const adopted = names.flatMap((name) => adopt(join(folder, name)));
  const known = adopted.flatMap(({ delivered }) => delivered.filter((record) => record.type === 'run'));
  let queue: Waiting[] = adopted.flatMap(({ waiting }) => waiting);
  const own = ownFile(folder);
  const files = [...adopted.map(({ file }) => file), own];
  let sequence = 0;
  const note = (file: OutboxFile, line: string): void => appendFileSync(file.path, `${line}\n`);
  return {
    known,
    append: (record) => {
      note(own, encodeRecord(record));
      queue.push({ record, sequence, file: own });
      sequence += 1;
    },
    peek: (limit) => queue.slice(0, limit),
    acknowledge: (count) => {
      const done = queue.slice(0, count);
      const last = new Map(done.map(({ file, sequence: number }) => [file, number]));
      for (const [file, number] of last) note(file, JSON.stringify({ delivered: number }));
      queue = queue.slice(count);
    },
    waiting: () => queue.length,
    close: () => {
      const needed = new Set(queue.map((waiting) => waiting.file));
      for (const file of files) {
        if (!needed.has(file)) rmSync(file.path, { force: true });
        file.unlock();
      }
    },
  };
}

function ownFile(folder: string): OutboxFile {
  for (let attempt = 0; ; attempt++) {
    const path = join(folder, `${Date.now()}-${process.pid}-${attempt}.jsonl`);
    const unlock = takeLock(path);
    if (unlock !== undefined) return { path, unlock };
  }
}

interface Left {
  readonly file: OutboxFile;
  readonly delivered: readonly TrackRecord[];
  readonly waiting: readonly Waiting[];
}

function adopt(path: string): Left[] {
  const unlock = takeLock(path);
  if (unlock === undefined) return []; // its process is alive and delivers it
  const file = { path, unlock };
  const text = readIfPresent(path);
  if (text === undefined) {
    unlock(); // its process ended well just now, or died before its first record
    return [];
  }
  if (!text.endsWith('\n')) appendFileSync(path, '\n'); // ends a line cut off by a kill, so that the next one stands alone
  const { records, delivered } = readOutbox(text);
  const waiting = records.map((record, sequence) => ({ record, sequence, file })).slice(delivered + 1);
  return [{ file, delivered: records.slice(0, delivered + 1), waiting }];
}

function readIfPresent(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined; // nobody else removes it: its lock is ours
}

/** Reads an outbox file; a line cut off by a kill counts as never written. */
function readOutbox(text: string): { readonly records: readonly TrackRecord[]; readonly delivered: number } {
  const records: TrackRecord[] = [];
  let delivered = -1;
  for (const line of text.split('\n')) {
    const entry = parseLine(line);
    if (entry === undefined) continue;
    if ('delivered' in entry) delivered = entry.delivered;
    else records.push(entry);
  }
  return { records, delivered };
}

function parseLine(line: string): TrackRecord | { readonly delivered: number } | undefined {
  if (line === '') return undefined;
  try {
    return decodeRecord(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
