/**
 * Lists of postings (document, term frequency), packed. One list: number of postings; the highest tf / norm in it (float32), which bounds
 * its scores; from 129 postings on, for every block of 128 its last document and where it ends; then the postings as variable-length
 * integers: the distance to the document before, doubled, odd if a frequency other than 1 follows. Integers are little-endian.
 */

/** Postings between two entries of a list's table of blocks. */
export const blockSize = 128;

/** A growing byte array. */
export interface ByteSink {
  /** What has been written so far is `bytes.subarray(0, length)`. */
  bytes: Uint8Array;
  length: number;
}

/** Makes an empty sink. */
export function createSink(capacity = 1 << 16): ByteSink {
  return { bytes: new Uint8Array(capacity), length: 0 };
}

/** Makes room for `count` more bytes. */
export function reserve(sink: ByteSink, count: number): void {
  if (sink.length + count <= sink.bytes.length) return;
  const larger = new Uint8Array(Math.max(2 * sink.bytes.length, sink.length + count));
  larger.set(sink.bytes.subarray(0, sink.length));
  sink.bytes = larger;
}

/** Appends a variable-length integer below 2^32; the caller has reserved five bytes. */
export function putVarint(sink: ByteSink, value: number): void {
  let rest = value;
  while (rest > 127) {
    sink.bytes[sink.length++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  sink.bytes[sink.length++] = rest;
}

/** A place in bytes that are read from there on. */
export interface Cursor {
  bytes: Uint8Array;
  at: number;
}

/** Reads a variable-length integer below 2^32 and moves past it. Small enough to be inlined into the loops of a search. */
export function getVarint(cursor: Cursor): number {
  const { bytes } = cursor;
  let byte = bytes[cursor.at++]!;
  let value = byte & 127;
  for (let shift = 7; byte > 127; shift += 7) {
    byte = bytes[cursor.at++]!;
    value |= (byte & 127) << shift;
  }
  return value >>> 0;
}

/** Postings of one term, unpacked; entries from `length` on are not used. */
export interface PostingBuffer {
  /** Documents, ascending. */
  documents: Uint32Array;
  /** Times the term occurs in each. */
  frequencies: Uint32Array;
  length: number;
}

/** Makes an empty buffer. */
export function createPostings(capacity = 1024): PostingBuffer {
  return { documents: new Uint32Array(capacity), frequencies: new Uint32Array(capacity), length: 0 };
}

/** Appends one posting. */
export function pushPosting(buffer: PostingBuffer, document: number, frequency: number): void {
  if (buffer.length === buffer.documents.length) {
    const grow = (old: Uint32Array): Uint32Array => {
      const larger = new Uint32Array(2 * old.length);
      larger.set(old);
      return larger;
    };
    buffer.documents = grow(buffer.documents);
    buffer.frequencies = grow(buffer.frequencies);
  }
  buffer.documents[buffer.length] = document;
  buffer.frequencies[buffer.length++] = frequency;
}

/** Appends the packed form of a list. @param norms 1 / norm of every document's length, by length byte. */
export function packPostings(
  sink: ByteSink,
  list: PostingBuffer,
  norms: { readonly lengths: Uint8Array; readonly inverse: Float32Array },
): void {
  const count = list.length;
  const blocks = count > blockSize ? Math.ceil(count / blockSize) : 0;
  reserve(sink, 9 + 8 * blocks + 10 * count);
  putVarint(sink, count);
  let highest = 0;
  for (let i = 0; i < count; i++) {
    const ratio = Math.fround(list.frequencies[i]! * norms.inverse[norms.lengths[list.documents[i]!]!]!);
    if (ratio > highest) highest = ratio;
  }
  const view = new DataView(sink.bytes.buffer, sink.bytes.byteOffset);
  view.setFloat32(sink.length, highest, true);
  const table = sink.length + 4;
  const data = table + 8 * blocks;
  sink.length = data;
  let before = 0;
  for (let i = 0; i < count; i++) {
    const document = list.documents[i]!;
    const frequency = list.frequencies[i]!;
    putVarint(sink, ((document - before) * 2 + (frequency === 1 ? 0 : 1)) >>> 0);
    if (frequency !== 1) putVarint(sink, frequency);
    before = document;
    if (blocks > 0 && (i % blockSize === blockSize - 1 || i === count - 1)) {
      const entry = table + 8 * Math.floor(i / blockSize);
      view.setUint32(entry, document, true);
      view.setUint32(entry + 4, sink.length - data, true);
    }
  }
}

/** A packed list, its head read. */
export interface PackedList {
  readonly bytes: Uint8Array;
  /** Number of postings, i.e. documents with the term. */
  readonly count: number;
  /** Highest tf / norm of its postings. */
  readonly highest: number;
  /** Where the table of blocks begins, and how many there are (0: one without a table). */
  readonly table: number;
  readonly blocks: number;
  /** Where the postings begin. */
  readonly data: number;
}

/** Reads the head of the list that begins at `offset`. */
export function openList(bytes: Uint8Array, offset: number): PackedList {
  const cursor = { bytes, at: offset };
  const count = getVarint(cursor);
  const { at } = cursor;
  const blocks = count > blockSize ? Math.ceil(count / blockSize) : 0;
  const highest = new DataView(bytes.buffer, bytes.byteOffset).getFloat32(at, true);
  return { bytes, count, highest, table: at + 4, blocks, data: at + 4 + 8 * blocks };
}

/** Reads a little-endian unsigned 32-bit number. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
