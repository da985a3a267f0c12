/**
 * The safetensors file format: 8 bytes of header length (little endian), a JSON header, raw numbers.
 * Source: https://huggingface.co/docs/safetensors, format section.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { badInput } from '../base/error.ts';
import { writePiecesAtomic } from '../base/file.ts';
import { type Shape, sizeOf } from '../base/shape.ts';

/** A tensor in memory. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** An opened file: its header is in memory, its numbers are read when asked for, so that memory holds them once. */
export interface SafetensorsFile {
  /** Path, for messages. */
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of all tensors, in file order. */
  names(): readonly string[];
  /** Returns a tensor's shape. @throws {SpaError} Bad input, if it is absent or of another type than F32, F16 or BF16. */
  shapeOf(name: string): Shape;
  /** Returns a tensor widened to float32. @throws {SpaError} As `shapeOf`, or if the file has become shorter. */
  read(name: string): { readonly shape: Shape; readonly data: Float32Array };
  /** Fills `target`, which has as many elements as the tensor, with the tensor widened to float32. @throws {SpaError} As `read`. */
  readInto(name: string, target: Float32Array): void;
}

const elementBytes: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/** A tensor to write; its numbers are made when their turn comes, so that not all need be in memory. */
export interface WrittenTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array | (() => Float32Array);
}

/** How numbers are written: as they are, or rounded to the nearest bfloat16, ties to even. */
export type WrittenType = 'float32' | 'bfloat16';

/** Bytes of one number of a type. */
export const bytesOf: Readonly<Record<WrittenType, number>> = { float32: 4, bfloat16: 2 };

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Writes tensors in the order given, atomically. @param options.metadata Texts for the header's `__metadata__`. */
export async function writeSafetensors(
  path: string,
  tensors: readonly WrittenTensor[],
  options: { readonly metadata?: Readonly<Record<string, string>>; readonly dtype?: WrittenType } = {},
): Promise<void> {
  const { metadata = {}, dtype = 'float32' } = options;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  let end = 0;
  for (const { name, shape } of tensors) {
    const start = end;
    end += sizeOf(shape) * bytesOf[dtype];
    header[name] = { dtype: dtype === 'float32' ? 'F32' : 'BF16', shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, 0x20); // padded with spaces, as the format asks
  head.writeBigUInt64LE(BigInt(head.length - 8), 0);
  text.copy(head, 8);
  await writePiecesAtomic(path, pieces(head, tensors, dtype));
}

function* pieces(head: Uint8Array, tensors: readonly WrittenTensor[], dtype: WrittenType): Generator<Uint8Array> {
  yield head;
  for (const { name, shape, data } of tensors) {
    const numbers = typeof data === 'function' ? data() : data;
    if (numbers.length !== sizeOf(shape))
      throw new RangeError(`Internal: tensor "${name}" has ${numbers.length} numbers for shape [${shape}]`);
    const written = dtype === 'float32' ? numbers : narrow(numbers);
    yield new Uint8Array(written.buffer, written.byteOffset, written.byteLength);
  }
}

/** Rounds float32 to the nearest bfloat16, ties to even; a NaN stays one. */
function narrow(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const x = bits[i]!;
    const isNotNumber = (x & 0x7fffffff) > 0x7f800000;
    halves[i] = isNotNumber ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16; // below 2^53, so nothing is lost
  }
  return halves;
}

/**
 * Opens a file; checks its header and its length.
 * @returns Undefined if the file does not exist and `optional` is set.
 * @throws {SpaError} Bad input, if the file is absent, truncated or not a safetensors file.
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile>;
export async function readSafetensors(
  path: string,
  options: { readonly optional: true },
): Promise<SafetensorsFile | undefined>;
export async function readSafetensors(
  path: string,
  options: { readonly optional?: boolean } = {},
): Promise<SafetensorsFile | undefined> {
  const refuse = (what: string, cause?: unknown): never => {
    throw badInput('model', `Cannot read weights "${path}": ${what}`, cause === undefined ? {} : { cause });
  };
  const header = await readHeader(path, refuse).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause; // node:fs rejects with errno errors
    return options.optional ? undefined : refuse('the file does not exist, expected a safetensors file', cause);
  });
  if (header === undefined) return undefined;
  const { __metadata__: metadata, ...entries } = header.fields;
  for (const [name, entry] of Object.entries(entries))
    checkEntry(name, entry as HeaderEntry, { available: header.sizeBytes - header.start, refuse });
  const find = (name: string): HeaderEntry => {
    const entry = entries[name] as HeaderEntry | undefined;
    if (entry === undefined) return refuse(`tensor "${name}" is missing, expected it in the file`);
    if (elementBytes[entry.dtype] !== undefined) return entry;
    return refuse(`tensor "${name}" has type ${entry.dtype}, expected one of ${Object.keys(elementBytes).join(', ')}`);
  };
  const readInto = (name: string, target: Float32Array): void => {
    const entry = find(name);
    if (target.length !== sizeOf(entry.shape))
      throw new RangeError(`Internal: ${target.length} places for tensor "${name}" of shape [${entry.shape}]`);
    const missing = fill(target, entry, { path, start: header.start });
    if (missing > 0) refuse(`it lacks the last ${missing} bytes of tensor "${name}", expected the file not to change`);
  };
  return {
    path,
    metadata: (metadata ?? {}) as Record<string, string>, // the format allows texts alone
    names: () => Object.keys(entries),
    shapeOf: (name) => find(name).shape,
    readInto,
    read: (name) => {
      const { shape } = find(name);
      const data = new Float32Array(sizeOf(shape));
      readInto(name, data);
      return { shape, data };
    },
  };
}

type Refuse = (what: string, cause?: unknown) => never;

interface Header {
  readonly fields: Record<string, unknown>;
  /** First byte of the numbers. */
  readonly start: number;
  readonly sizeBytes: number;
}

async function readHeader(path: string, refuse: Refuse): Promise<Header> {
  const handle = await open(path);
  try {
    const sizeBytes = (await handle.stat()).size;
    if (sizeBytes < 8) return refuse(`the file has ${sizeBytes} bytes, expected at least 8`);
    const length = Buffer.alloc(8);
    await handle.read(length, 0, 8, 0);
    const headerBytes = length.readBigUInt64LE(0);
    if (headerBytes > BigInt(sizeBytes - 8)) {
      return refuse(
        `the file has ${sizeBytes} bytes, expected a header of ${headerBytes} bytes behind the first 8 (truncated, or no safetensors file)`,
      );
    }
    const text = Buffer.alloc(Number(headerBytes));
    await handle.read(text, 0, text.length, 8);
    return { fields: parseHeader(text.toString('utf8'), refuse), start: 8 + text.length, sizeBytes };
  } finally {
    await handle.close();
  }
}

function parseHeader(text: string, refuse: Refuse): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(text);
    if (typeof header === 'object' && header !== null) return header as Record<string, unknown>;
  } catch (cause) {
    return refuse('the header is not JSON, expected a safetensors file', cause);
  }
  return refuse('the header is not an object, expected a safetensors file');
}

function checkEntry(
  name: string,
  entry: HeaderEntry,
  file: { readonly available: number; readonly refuse: Refuse },
): void {
  const [from, to] = entry.data_offsets ?? [];
  if (
    !Array.isArray(entry.shape) ||
    typeof entry.dtype !== 'string' ||
    !Number.isInteger(from) ||
    !Number.isInteger(to) ||
    from! < 0
  ) {
    file.refuse(`the header describes tensor "${name}" badly, expected dtype, shape and data_offsets`);
  }
  if (to! > file.available)
    file.refuse(`tensor "${name}" ends at byte ${to} of the data, expected at most ${file.available} (truncated file)`);
  const width = elementBytes[entry.dtype];
  const needed = width === undefined ? to! - from! : sizeOf(entry.shape) * width;
  if (to! - from! !== needed)
    file.refuse(
      `tensor "${name}" has ${to! - from!} bytes, expected ${needed} for shape [${entry.shape}] of ${entry.dtype}`,
    );
}

/** Bytes read at once: large enough for full speed, small beside any model. */
const CHUNK_BYTES = 1 << 22;

/** Reads a tensor's numbers into `target`, widening them on the way. @returns How many bytes the file lacks. */
function fill(
  target: Float32Array,
  entry: HeaderEntry,
  file: { readonly path: string; readonly start: number },
): number {
  const [from, to] = entry.data_offsets;
  const total = to - from;
  const isWide = entry.dtype === 'F32';
  const own = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  const chunk = isWide ? own : new Uint8Array(Math.min(total, CHUNK_BYTES));
  const descriptor = openSync(file.path, 'r');
  try {
    for (let done = 0; done < total; ) {
      const wanted = Math.min(total - done, CHUNK_BYTES);
      const at = isWide ? done : 0;
      const got = readFully(descriptor, chunk.subarray(at, at + wanted), file.start + from + done);
      if (got < wanted) return total - done - got;
      if (!isWide) widen(new Uint16Array(chunk.buffer, 0, got / 2), entry.dtype, target.subarray(done / 2));
      done += got;
    }
    return 0;
  } finally {
    closeSync(descriptor);
  }
}

function readFully(descriptor: number, target: Uint8Array, position: number): number {
  let got = 0;
  while (got < target.length) {
    const count = readSync(descriptor, target, got, target.length - got, position + got);
    if (count === 0) break;
    got += count;
  }
  return got;
}

/** Widens little-endian halves to float32, writing from the start of `target`. */
function widen(halves: Uint16Array, dtype: string, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, halves.length);
  if (dtype === 'BF16') for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  else for (let i = 0; i < halves.length; i++) bits[i] = halfToFloatBits(halves[i]!);
}

/** Returns the float32 bits of an IEEE 754 half. */
function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13); // infinity, NaN
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // subnormal: move the leading one to the implied place
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
