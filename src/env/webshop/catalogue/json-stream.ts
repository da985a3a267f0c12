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

/** Where a splitter is. */
interface SplitState {
  rest: Buffer;
  /** Bytes dropped so far. */
  before: number;
  /** Next byte of `rest` to look at. */
  at: number;
  /** Where the item began; -1 between items. */
  start: number;
  /** Brackets open inside the item. */
  depth: number;
  inText: boolean;
  frame: 'unknown' | 'open' | 'none' | 'closed';
}

function createSplitter(shape: JsonItemsOptions['shape']): Splitter {
  const state: SplitState = {
    ...{ rest: Buffer.alloc(0), before: 0, at: 0 },
    ...{ start: -1, depth: 0, inText: false, frame: 'unknown' },
  };
  const opening = shape === 'members' ? 0x7b : 0x5b;
  return {
    push: (chunk) => {
      append(state, chunk);
      const items: string[] = [];
      while (state.at < state.rest.length) {
        if (state.start < 0) skipBetween(state, opening);
        else if (state.inText) state.inText = !skipText(state);
        else if (endsItem(state)) {
          items.push(state.rest.toString('utf8', state.start, state.at));
          state.start = -1;
        }
      }
      return items;
    },
    end: () => {
      const { rest, start, depth, inText, frame } = state;
      return {
        rest: start >= 0 && depth === 0 && !inText && frame === 'none' ? rest.toString('utf8', start) : '',
        open: frame === 'open' || frame === 'unknown' || depth > 0 || inText || (frame === 'closed' && start >= 0),
      };
    },
    position: () => state.before + state.at,
  };
}

/** Adds a chunk and drops what lies before the item. */
function append(state: SplitState, chunk: Buffer): void {
  const { rest } = state;
  const keep = state.start >= 0 ? state.start : state.at;
  state.before += keep;
  state.rest = rest.length > keep ? Buffer.concat([rest.subarray(keep), chunk]) : chunk;
  state.at -= keep;
  if (state.start >= 0) state.start = 0;
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d;

/** Moves past the byte at hand, between items, or starts an item at it. @param opening The bracket that may frame all items. */
function skipBetween(state: SplitState, opening: number): void {
  const byte = state.rest[state.at]!; // the caller has looked whether there is one
  if (isSpace(byte) || byte === comma) state.at += 1;
  else if (state.frame === 'unknown') {
    state.frame = byte === opening ? 'open' : 'none';
    if (state.frame === 'open') state.at += 1;
  } else if (isClosing(byte) && state.frame === 'open') {
    state.frame = 'closed';
    state.at += 1;
  } else state.start = state.at;
}

/** Moves past the text that `at` is in. @returns False if it goes on in the next chunk. */
function skipText(state: SplitState): boolean {
  const { rest } = state;
  for (;;) {
    const end = rest.indexOf(quote, state.at);
    if (end < 0) {
      state.at = rest.length;
      return false;
    }
    let escapes = 0;
    while (end - 1 - escapes >= 0 && rest[end - 1 - escapes] === backslash) escapes += 1;
    state.at = end + 1;
    if (escapes % 2 === 0) return true;
  }
}

/** Moves past the bytes of an item outside its texts. @returns True if the item ends at `at`; false at a text or the end of the chunk. */
function endsItem(state: SplitState): boolean {
  const { rest } = state;
  while (state.at < rest.length) {
    const byte = rest[state.at]!; // inside
    if (state.depth === 0 && (byte === comma || isClosing(byte))) return true;
    state.at += 1;
    if (byte === quote) {
      state.inText = true;
      return false;
    }
    if (isOpening(byte)) state.depth += 1;
    else if (isClosing(byte)) {
      state.depth -= 1;
      if (state.depth === 0 && state.frame === 'none') return true;
    }
  }
  return false;
}
