/**
 * Reads a large JSON file item by item: the elements of one array, the members of one object, or one value per line. Plain or gzip,
 * told apart by their first bytes. Memory holds one item and one chunk, so the file may be larger than any string can be.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { badInput, messageOf, SpaError } from '../../../base/error.ts';

/** Options of {@link readJsonItems}. */
export interface JsonItemsOptions {
  /** `list`: an array, or values one after another. `members`: one object; each item is then an object with one member. */
  readonly shape: 'list' | 'members';
  /** What the file is, for messages, e.g. `WebShop products`. */
  readonly what: string;
  /** Told after every chunk: bytes of the file read so far. */
  readonly onBytes?: (done: number) => void;
  /** Fed with the bytes of the file as they lie on disk. */
  readonly hash?: Hash;
}

/** Makes the SHA-256 that {@link readJsonItems} can feed. */
export function createFileHash(): Hash {
  return createHash('sha256');
}

const chunkBytes = 1 << 20;
const remedy = 'The file is damaged or was not fetched to its end: fetch it again.';

/**
 * Yields the items of a file, parsed.
 * @throws {SpaError} If the file is missing, ends too early or is not JSON (bad input); the message says at which item and byte.
 */
export async function* readJsonItems(path: string, options: JsonItemsOptions): AsyncGenerator<unknown, void, void> {
  const split = createSplitter(options.shape);
  let items = 0;
  const fail = (what: string, cause?: unknown): SpaError =>
    badInput('environment', `Cannot read ${options.what} "${path}": ${what}, expected JSON`, { hint: remedy, cause });
  const parse = (text: string): unknown => {
    try {
      items += 1;
      return JSON.parse(options.shape === 'members' ? `{${text}}` : text);
    } catch (error) {
      throw fail(`item ${items} (before byte ${split.position()}) is broken: ${messageOf(error)}`, error);
    }
  };
  try {
    for await (const chunk of readChunks(path, options)) {
      for (const text of split.push(chunk)) yield parse(text);
    }
  } catch (error) {
    if (error instanceof SpaError) throw error;
    throw fail(`it breaks off after ${items} items: ${messageOf(error)}`, error);
  }
  const { rest, open } = split.end();
  if (rest !== '') yield parse(rest);
  if (open) throw fail(`it breaks off after ${items} items (byte ${split.position()})`);
}

async function* readChunks(path: string, options: JsonItemsOptions): AsyncGenerator<Buffer, void, void> {
  const gzip = isGzip(path, options.what);
  const chunks = measure(createReadStream(path, { highWaterMark: chunkBytes }), options);
  if (!gzip) yield* chunks;
  else yield* pipeline(chunks, createGunzip({ chunkSize: chunkBytes }), () => {}) as AsyncIterable<Buffer>; // no encoding is set
}

async function* measure(file: AsyncIterable<Buffer>, options: JsonItemsOptions): AsyncGenerator<Buffer, void, void> {
  let done = 0;
  for await (const chunk of file) {
    options.hash?.update(chunk);
    done += chunk.length;
    yield chunk;
    options.onBytes?.(done);
  }
}

function isGzip(path: string, what: string): boolean {
  let descriptor: number;
  try {
    if (!statSync(path).isFile()) throw new TypeError('it is not a file');
    descriptor = openSync(path, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'; // node:fs throws errno errors
    const is = missing ? 'it does not exist' : messageOf(error);
    throw badInput('environment', `Cannot read ${what} "${path}": ${is}, expected a file`, {
      hint: 'Name the file where it lies, or fetch it first.',
      cause: error,
    });
  }
  try {
    const head = Buffer.alloc(2);
    return readSync(descriptor, head, 0, 2, 0) === 2 && head[0] === 0x1f && head[1] === 0x8b;
  } finally {
    closeSync(descriptor);
  }
}

/** Cuts a stream of bytes into the texts of items. */
interface Splitter {
  push(chunk: Buffer): string[];
  /** What is left at the end of the file, and whether something that was opened never ended. */
  end(): { readonly rest: string; readonly open: boolean };
  /** Bytes looked at so far. */
  position(): number;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;

function createSplitter(shape: JsonItemsOptions['shape']): Splitter {
  let rest: Buffer = Buffer.alloc(0);
  let before = 0; // bytes dropped so far
  let at = 0; // next byte of `rest` to look at
  let start = -1; // where the item began
  let depth = 0; // brackets open inside the item
  let inText = false;
  let frame: 'unknown' | 'open' | 'none' | 'closed' = 'unknown';

  const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
  const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
  const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d;

  /** Moves past the text that `at` is in. @returns False if it goes on in the next chunk. */
  const skipText = (): boolean => {
    for (;;) {
      const end = rest.indexOf(quote, at);
      if (end < 0) {
        at = rest.length;
        return false;
      }
      let escapes = 0;
      while (end - 1 - escapes >= 0 && rest[end - 1 - escapes] === backslash) escapes += 1;
      at = end + 1;
      if (escapes % 2 === 0) return true;
    }
  };

  const push = (chunk: Buffer): string[] => {
    const keep = start >= 0 ? start : at;
    before += keep;
    rest = rest.length > keep ? Buffer.concat([rest.subarray(keep), chunk]) : chunk;
    at -= keep;
    if (start >= 0) start = 0;
    const items: string[] = [];
    const finish = (end: number): void => {
      items.push(rest.toString('utf8', start, end));
      start = -1;
    };
    while (at < rest.length) {
      if (inText) {
        if (!skipText()) break;
        inText = false;
        continue;
      }
      const byte = rest[at]!;
      if (start < 0) {
        if (isSpace(byte) || byte === comma) at += 1;
        else if (frame === 'unknown') {
          frame = byte === (shape === 'members' ? 0x7b : 0x5b) ? 'open' : 'none';
          if (frame === 'open') at += 1;
        } else if (isClosing(byte) && frame === 'open') {
          frame = 'closed';
          at += 1;
        } else start = at;
        continue;
      }
      if (byte === quote) inText = true;
      else if (isOpening(byte)) depth += 1;
      else if (depth === 0 && (byte === comma || isClosing(byte))) {
        finish(at);
        continue;
      } else if (isClosing(byte)) {
        depth -= 1;
        if (depth === 0 && frame === 'none') finish(at + 1);
      }
      at += 1;
    }
    return items;
  };
  return {
    push,
    end: () => ({
      rest: start >= 0 && depth === 0 && !inText && frame === 'none' ? rest.toString('utf8', start) : '',
      open: frame === 'open' || frame === 'unknown' || depth > 0 || inText || (frame === 'closed' && start >= 0),
    }),
    position: () => before + at,
  };
}
