/** Files written and read in order through a buffer, synchronously: fast for the many small pieces of an index. */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { type Cursor, getVarint } from '../search/postings.ts';

/** A file being written from its beginning. */
export interface FileWriter {
  /** Bytes written so far. */
  readonly size: number;
  write(bytes: Uint8Array): void;
  /** Flushes to disk and closes; it is closed even if the disk refuses. */
  close(): void;
  /** Closes without flushing, for a file that will be removed. Does nothing to a closed one. */
  abandon(): void;
}

const bufferBytes = 1 << 20;

/** Opens a new file. @throws {Error} If it exists. */
export function openWriter(path: string): FileWriter {
  const descriptor = openSync(path, 'wx');
  const buffer = Buffer.allocUnsafe(bufferBytes);
  let filled = 0;
  let size = 0;
  let isOpen = true;
  const abandon = (): void => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  const put = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
  };
  const flush = (): void => {
    put(buffer.subarray(0, filled));
    filled = 0;
  };
  return {
    get size() {
      return size;
    },
    write: (bytes) => {
      size += bytes.length;
      if (filled + bytes.length > bufferBytes) flush();
      if (bytes.length > bufferBytes) put(bytes);
      else {
        buffer.set(bytes, filled);
        filled += bytes.length;
      }
    },
    close: () => {
      try {
        flush();
        fsyncSync(descriptor);
      } finally {
        abandon();
      }
    },
    abandon,
  };
}

/** Writes a whole small file. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const writer = openWriter(path);
  try {
    writer.write(bytes);
    writer.close();
  } finally {
    writer.abandon();
  }
}

/** Reads `length` bytes at `position`. @throws {Error} If the file ends before. */
export function readAt(descriptor: number, position: number, length: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(new ArrayBuffer(length)); // not from the pool, so that a view may start anywhere
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, length - done, position + done);
    if (count === 0) throw new Error(`the file ends at byte ${position + done}`);
    done += count;
  }
  return bytes;
}

/** A file read in order from its beginning. */
export interface FileReader {
  /** True if nothing is left. */
  readonly ended: boolean;
  varint(): number;
  bytes(length: number): Uint8Array;
  close(): void;
}

/** Opens a file for reading in order. */
export function openReader(path: string): FileReader {
  const descriptor = openSync(path, 'r');
  const buffer: Cursor = { bytes: new Uint8Array(bufferBytes / 4), at: 0 };
  let filled = 0;
  /** Makes `count` bytes available, fewer at the end of the file. */
  const fill = (count: number): void => {
    const left = filled - buffer.at;
    if (left >= count) return;
    const larger = count > buffer.bytes.length ? new Uint8Array(count) : buffer.bytes;
    larger.set(buffer.bytes.subarray(buffer.at, filled));
    buffer.bytes = larger;
    buffer.at = 0;
    filled = left;
    while (filled < larger.length) {
      const read = readSync(descriptor, larger, filled, larger.length - filled, null);
      if (read === 0) return;
      filled += read;
    }
  };
  return {
    get ended() {
      fill(1);
      return buffer.at >= filled;
    },
    varint: () => {
      fill(5);
      return getVarint(buffer);
    },
    bytes: (length) => {
      fill(length);
      buffer.at += length;
      return buffer.bytes.subarray(buffer.at - length, buffer.at);
    },
    close: () => closeSync(descriptor),
  };
}
