/**
 * Unpacks a zip archive of somebody else's: every name and size is checked before the first byte is written, nothing leaves the folder,
 * each file is checked against its CRC-32 and renamed into place when whole. Files that are there already and equal are left alone,
 * so that an interrupted unpacking goes on. The format is yauzl's work (Zip64, streaming).
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip, createGzip } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { messageOf, SpaError } from './error.ts';
import { temporaryPath } from './file.ts';

/** What to unpack, where, and how much of it is believed. */
export interface Unzip {
  readonly archive: string;
  readonly folder: string;
  /** Path of an entry below the folder, or undefined to leave it out; default: all, as named. */
  readonly place?: (name: string) => string | undefined;
  /** Compress these files on the way; `.gz` is appended to their path. */
  readonly gzip?: (path: string) => boolean;
  /** Limits against archives made to fill the disk. */
  readonly maxFiles: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
  /** Told after every file. */
  readonly report?: (progress: { readonly files: number; readonly totalFiles: number }) => void;
}

/** A file that was unpacked. */
export interface UnzippedFile {
  /** Below the folder, with `/`. */
  readonly path: string;
  /** Size on disk. */
  readonly sizeBytes: number;
  /** CRC-32 of what the archive holds, as 8 hex digits. */
  readonly crc32: string;
}

interface Target {
  readonly entry: Entry;
  readonly path: string;
  readonly isGzip: boolean;
}

/**
 * Unpacks an archive. Returns its files in the archive's order.
 * @throws {SpaError} "Cannot unpack …" if it is damaged, not a zip, or holds what it must not. @throws The signal's reason.
 */
export async function unzip(options: Unzip): Promise<UnzippedFile[]> {
  try {
    const zip = await openPromise(options.archive, { lazyEntries: true, autoClose: false });
    try {
      const targets = await listTargets(zip, options);
      const files: UnzippedFile[] = [];
      for (const target of targets) {
        options.signal?.throwIfAborted();
        files.push(await unpack(zip, target, options.folder));
        options.report?.({ files: files.length, totalFiles: targets.length });
      }
      return files;
    } finally {
      zip.close();
    }
  } catch (error) {
    if (error instanceof SpaError || options.signal?.aborted) throw error;
    throw refused(options.archive, { is: messageOf(error), expected: expectedBy(error) }, error);
  }
}

/** Errors of the system name their call; others are about what the archive holds. */
const expectedBy = (error: unknown): string =>
  error instanceof Error && 'syscall' in error ? 'to read it and to write beside it' : 'a whole zip archive';

const refused = (
  archive: string,
  what: { readonly is: string; readonly expected: string },
  cause?: unknown,
): SpaError =>
  new SpaError('data', `Cannot unpack "${archive}": ${what.is}, expected ${what.expected}`, {
    cause,
    hint: 'Remove the archive and run the same command again to fetch it anew.',
  });

async function listTargets(zip: ZipFile, options: Unzip): Promise<Target[]> {
  const { archive, place = (name) => name, gzip = () => false } = options;
  const targets = new Map<string, Target>();
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName; // yauzl has refused "..", "\\" and absolute names
    if (name.endsWith('/')) continue;
    const placed = place(name);
    if (placed === undefined) continue;
    const isGzip = gzip(placed);
    const path = isGzip ? `${placed}.gz` : placed;
    checkEntry(entry, path, options);
    if (targets.has(path)) throw refused(archive, { is: `it holds "${name}" twice`, expected: 'each file once' });
    bytes += entry.uncompressedSize;
    const { maxBytes, maxFiles } = options;
    if (bytes > maxBytes)
      throw refused(archive, { is: 'it unpacks to more than is believed', expected: `at most ${maxBytes} bytes` });
    if (targets.size >= maxFiles)
      throw refused(archive, { is: 'it holds more files than are believed', expected: `at most ${maxFiles}` });
    targets.set(path, { entry, path, isGzip });
  }
  if (targets.size === 0) throw refused(archive, { is: 'it holds no wanted file', expected: 'some' });
  return [...targets.values()];
}

/** Refuses what no archive of data holds. */
function checkEntry(entry: Entry, path: string, { archive, folder }: Unzip): void {
  const is = `it holds "${entry.fileName}"`;
  if (!resolve(folder, path).startsWith(resolve(folder) + sep) || path.includes('\0'))
    throw refused(archive, { is, expected: `only files inside ${folder}` });
  const type = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (type !== 0 && type !== 0o100000) throw refused(archive, { is, expected: 'only ordinary files' });
  if (entry.isEncrypted()) throw refused(archive, { is: `${is}, which is encrypted`, expected: 'readable files' });
}

async function unpack(zip: ZipFile, { entry, path, isGzip }: Target, folder: string): Promise<UnzippedFile> {
  const file = join(folder, path);
  const sum = entry.crc32.toString(16).padStart(8, '0');
  if (!(await isThere(file, entry, isGzip))) {
    await mkdir(dirname(file), { recursive: true });
    const temporary = temporaryPath(file);
    try {
      const check = checksum();
      const source = await zip.openReadStreamPromise(entry);
      const steps = isGzip ? [createGzip({ level: 6 })] : [];
      await pipeline([source, check.stream, ...steps, createWriteStream(temporary)]);
      if (check.value() !== entry.crc32) throw new Error(`"${entry.fileName}" is damaged (its CRC-32 differs)`);
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
  return { path, sizeBytes: (await stat(file)).size, crc32: sum };
}

async function isThere(file: string, entry: Entry, isGzip: boolean): Promise<boolean> {
  const known = await stat(file).catch(() => undefined);
  if (!known?.isFile() || (!isGzip && known.size !== entry.uncompressedSize)) return false;
  const check = checksum();
  const source: Readable = createReadStream(file);
  try {
    await pipeline([source, ...(isGzip ? [createGunzip()] : []), check.stream.resume()]);
  } catch {
    return false; // a torn .gz is written anew
  }
  return check.value() === entry.crc32;
}

/** A stream that lets everything through and sums it up. */
function checksum(): { readonly stream: Transform; readonly value: () => number } {
  let sum = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
  });
  return { stream, value: () => sum };
}
