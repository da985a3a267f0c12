/**
 * The dictionary of an index on disk. Sorted terms lie in blocks of 64: shared bytes with the term before, length and bytes of the rest,
 * length of its postings. Memory holds the first term of every block and where the block and its postings begin.
 */
import { byUnits } from '../search/collect.ts';
import { createSink, getVarint, putVarint, reserve } from '../search/postings.ts';
import { type FileWriter, readAt } from './byte-file.ts';

const termsPerBlock = 64;

/** Where blocks begin; lists of equal length. */
export interface TermBlocks {
  /** First term of each block, ascending by UTF-16 units. */
  readonly terms: readonly string[];
  /** Byte of the dictionary at which it begins. */
  readonly places: readonly number[];
  /** Byte of the postings at which those of its first term begin. */
  readonly postings: readonly number[];
}

/** A dictionary being written. */
export interface TermWriter {
  /** Adds the next term. @param postings Where its postings begin and how many bytes they are. */
  add(term: string, postings: { readonly offset: number; readonly length: number }): void;
  /** Ends the last block and returns where all are. */
  finish(): TermBlocks;
}

/** Starts a dictionary. The caller closes the file. */
export function createTermWriter(file: FileWriter): TermWriter {
  const terms: string[] = [];
  const places: number[] = [];
  const postings: number[] = [];
  const sink = createSink();
  let inBlock = 0;
  let before: Uint8Array = new Uint8Array(0);
  const flush = (): void => {
    file.write(sink.bytes.subarray(0, sink.length));
    sink.length = 0;
  };
  return {
    add: (term, { offset, length }) => {
      if (inBlock % termsPerBlock === 0) {
        flush();
        terms.push(term);
        places.push(file.size);
        postings.push(offset);
        before = new Uint8Array(0);
      }
      inBlock += 1;
      const bytes = Buffer.from(term, 'utf8');
      let shared = 0;
      while (shared < before.length && shared < bytes.length && before[shared] === bytes[shared]) shared += 1;
      reserve(sink, 15 + bytes.length);
      putVarint(sink, shared);
      putVarint(sink, bytes.length - shared);
      sink.bytes.set(bytes.subarray(shared), sink.length);
      sink.length += bytes.length - shared;
      putVarint(sink, length);
      before = bytes;
    },
    finish: () => {
      flush();
      return { terms, places: [...places, file.size], postings };
    },
  };
}

/** Finds a term. @returns Where its postings begin and how many bytes they are, or undefined. */
export function findTerm(
  descriptor: number,
  blocks: TermBlocks,
  term: string,
): { readonly offset: number; readonly length: number } | undefined {
  let low = 0;
  let high = blocks.terms.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byUnits(blocks.terms[middle]!, term) <= 0) low = middle + 1;
    else high = middle;
  }
  const block = low - 1;
  if (block < 0) return undefined;
  const place = blocks.places[block]!; // places has one entry more than terms
  const bytes = readAt(descriptor, place, blocks.places[block + 1]! - place);
  return scanBlock(bytes, Buffer.from(term, 'utf8'), blocks.postings[block]!);
}

function scanBlock(
  bytes: Buffer,
  wanted: Buffer,
  postings: number,
): { readonly offset: number; readonly length: number } | undefined {
  const cursor = { bytes, at: 0 };
  let offset = postings;
  let term = Buffer.alloc(0);
  while (cursor.at < bytes.length) {
    const shared = getVarint(cursor);
    const rest = getVarint(cursor);
    term = Buffer.concat([term.subarray(0, shared), bytes.subarray(cursor.at, cursor.at + rest)]);
    cursor.at += rest;
    const length = getVarint(cursor);
    if (term.equals(wanted)) return { offset, length };
    offset += length;
  }
  return undefined;
}
