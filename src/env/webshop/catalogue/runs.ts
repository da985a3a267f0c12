/**
 * Sorts more postings than memory holds: full collectors are written as runs sorted by term, and at the end all runs are merged.
 * A run: for every term its length in bytes, its UTF-8 text, the number of postings and then those, as distance (doubled, odd if a
 * frequency other than 1 follows) in variable-length integers.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { byUnits, createCollector } from '../search/collect.ts';
import { createPostings, createSink, type PostingBuffer, pushPosting, putVarint, reserve } from '../search/postings.ts';
import { type FileReader, openReader, openWriter } from './byte-file.ts';

/** A full collector is written out at this many postings (12 bytes each) or terms (about 100 bytes each). */
const fullAt = { postings: 6_000_000, terms: 1_000_000 };

/** A sort in progress. */
export interface ExternalSort {
  /** Adds the terms of one document; documents come in ascending order. */
  add(document: number, terms: readonly string[]): void;
  /**
   * Calls `visit` for every term in order and removes the runs. The buffer is reused.
   */
  merge(visit: (term: string, list: PostingBuffer) => void): Promise<void>;
}

/** Options of {@link createExternalSort}. */
export interface ExternalSortOptions {
  /** An existing folder for the runs. */
  readonly folder: string;
  /** When to write a run; default: 6 million postings or 1 million terms. */
  readonly limits?: { readonly postings: number; readonly terms: number };
}

/** Starts a sort whose runs lie in a folder. */
export function createExternalSort(options: ExternalSortOptions): ExternalSort {
  const limits = options.limits ?? fullAt;
  const collector = createCollector();
  const runs: string[] = [];
  const spill = (): void => {
    if (collector.size === 0) return;
    const path = join(options.folder, `run-${runs.length}`);
    runs.push(path);
    const writer = openWriter(path);
    const sink = createSink();
    try {
      collector.drain((term, list) => {
        sink.length = 0;
        packRun(sink, term, list);
        writer.write(sink.bytes.subarray(0, sink.length));
      });
      writer.close();
    } finally {
      writer.abandon();
    }
  };
  return {
    add: (document, terms) => {
      collector.add(document, terms);
      if (collector.size >= limits.postings || collector.terms >= limits.terms) spill();
    },
    merge: async (visit) => {
      if (runs.length === 0) {
        collector.drain(visit);
        return;
      }
      spill();
      await mergeRuns(runs, visit);
      for (const path of runs) rmSync(path);
    },
  };
}

function packRun(sink: ReturnType<typeof createSink>, term: string, list: PostingBuffer): void {
  const name = Buffer.from(term, 'utf8');
  reserve(sink, 10 + name.length + 10 * list.length);
  putVarint(sink, name.length);
  sink.bytes.set(name, sink.length);
  sink.length += name.length;
  putVarint(sink, list.length);
  let before = 0;
  for (let i = 0; i < list.length; i++) {
    const frequency = list.frequencies[i]!;
    putVarint(sink, ((list.documents[i]! - before) * 2 + (frequency === 1 ? 0 : 1)) >>> 0);
    if (frequency !== 1) putVarint(sink, frequency);
    before = list.documents[i]!;
  }
}

type Visit = (term: string, list: PostingBuffer) => void;

/** Merges runs and closes them, also if `visit` throws. */
async function mergeRuns(paths: readonly string[], visit: Visit): Promise<void> {
  const heads: Head[] = [];
  try {
    for (const path of paths) {
      const head: Head = { reader: openReader(path), term: undefined };
      heads.push(head);
      head.term = nextTerm(head.reader);
    }
    await visitTerms(heads, visit);
  } finally {
    for (const { reader } of heads) reader.close();
  }
}

/** A run that is being merged and its next term; undefined at its end. */
interface Head {
  readonly reader: FileReader;
  term: string | undefined;
}

/**
 * Takes the least term of all runs, again and again; earlier runs hold lower documents, so lists of one term are put one after another.
 * Between terms others get their turn, so that a long merge can be interrupted.
 */
async function visitTerms(heads: readonly Head[], visit: Visit): Promise<void> {
  const list = createPostings();
  for (let terms = 1; ; terms++) {
    if (terms % 20_000 === 0) await setImmediate();
    let least: string | undefined;
    for (const { term } of heads) {
      if (term !== undefined && (least === undefined || byUnits(term, least) < 0)) least = term;
    }
    if (least === undefined) return;
    list.length = 0;
    for (const head of heads) {
      if (head.term !== least) continue;
      unpackRun(head.reader, list);
      head.term = nextTerm(head.reader);
    }
    visit(least, list);
  }
}

function nextTerm(reader: FileReader): string | undefined {
  return reader.ended ? undefined : Buffer.from(reader.bytes(reader.varint())).toString('utf8');
}

function unpackRun(reader: FileReader, list: PostingBuffer): void {
  const count = reader.varint();
  let document = 0;
  for (let i = 0; i < count; i++) {
    const head = reader.varint();
    document += head >>> 1;
    pushPosting(list, document, (head & 1) === 0 ? 1 : reader.varint());
  }
}
