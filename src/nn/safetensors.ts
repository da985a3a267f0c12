/**
 * The safetensors file format: 8 bytes of header length (little endian), a JSON header, raw numbers.
 * Source: https://huggingface.co/docs/safetensors, format section.
 */
import { readFile } from 'node:fs/promises';
import { badInput } from '../base/error.ts';
import { writeFileAtomic } from '../base/file.ts';
import { type Shape, sizeOf } from '../base/shape.ts';

/** A tensor in memory. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** An opened file. */
export interface SafetensorsFile {
  /** Path, for messages. */
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of all tensors, in file order. */
  names(): readonly string[];
  /** Returns a tensor widened to float32. @throws {SpaError} Bad input, if it is absent or of another type than F32, F16 or BF16. */
  read(name: string): { readonly shape: Shape; readonly data: Float32Array };
}

const elementBytes: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Writes tensors as F32, in the order given, atomically. @param metadata Texts for the header's `__metadata__`. */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  let end = 0;
  for (const { name, shape, data } of tensors) {
    if (data.length !== sizeOf(shape))
      throw new RangeError(`Internal: tensor "${name}" has ${data.length} numbers for shape [${shape}]`);
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const bytes = Buffer.alloc(start + end, 0x20); // the header is padded with spaces, as the format asks
  bytes.writeBigUInt64LE(BigInt(start - 8), 0);
  text.copy(bytes, 8);
  let at = start;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  await writeFileAtomic(path, bytes);
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
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause; // node:fs rejects with errno errors
    return options.optional ? undefined : refuse('the file does not exist, expected a safetensors file', cause);
  }
  const { header, start } = parseHeader(bytes, refuse);
  const { __metadata__: metadata, ...entries } = header;
  for (const [name, entry] of Object.entries(entries))
    checkEntry(name, entry as HeaderEntry, { available: bytes.length - start, refuse });
  return {
    path,
    metadata: (metadata ?? {}) as Record<string, string>, // the format allows texts alone
    names: () => Object.keys(entries),
    read: (name) => {
      const entry = entries[name] as HeaderEntry | undefined;
      if (entry === undefined) return refuse(`tensor "${name}" is missing, expected it in the file`);
      if (elementBytes[entry.dtype] === undefined) {
        return refuse(
          `tensor "${name}" has type ${entry.dtype}, expected one of ${Object.keys(elementBytes).join(', ')}`,
        );
      }
      const [from, to] = entry.data_offsets;
      return { shape: entry.shape, data: widen(bytes.subarray(start + from, start + to), entry.dtype) };
    },
  };
}

type Refuse = (what: string, cause?: unknown) => never;

function parseHeader(
  bytes: Buffer,
  refuse: Refuse,
): { readonly header: Record<string, unknown>; readonly start: number } {
  if (bytes.length < 8) return refuse(`the file has ${bytes.length} bytes, expected at least 8`);
  const length = bytes.readBigUInt64LE(0);
  if (length > BigInt(bytes.length - 8)) {
    return refuse(
      `the file has ${bytes.length} bytes, expected a header of ${length} bytes behind the first 8 (truncated, or no safetensors file)`,
    );
  }
  const start = 8 + Number(length);
  try {
    const header: unknown = JSON.parse(bytes.toString('utf8', 8, start));
    if (typeof header === 'object' && header !== null) return { header: header as Record<string, unknown>, start };
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

/** Widens little-endian numbers to float32. The bytes are copied, since tensors in a file need not be aligned. */
function widen(bytes: Buffer, dtype: string): Float32Array {
  const copy = new Uint8Array(bytes).buffer;
  if (dtype === 'F32') return new Float32Array(copy);
  const halves = new Uint16Array(copy);
  const bits = new Uint32Array(halves.length);
  if (dtype === 'BF16') for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  else for (let i = 0; i < halves.length; i++) bits[i] = halfToFloatBits(halves[i]!);
  return new Float32Array(bits.buffer);
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
