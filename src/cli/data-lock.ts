/**
 * `data.lock.json` beside the data: what was fetched, from where, and its SHA-256, so that a later pull checks against it even where no
 * checksum is published; and `<archive>.files`, the list of what an archive unpacked to.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../base/error.ts';
import { readTextIfPresent, writeFileAtomic, writeJson } from '../base/file.ts';
import { mapLimit } from '../base/limit.ts';
import type { UnzippedFile } from '../base/unzip.ts';

/** What is known of a file that was pulled. */
export interface LockedFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Where it came from; "by hand" if it was there already. */
  readonly address: string;
  /** `recorded`: its SHA-256 is the one recorded for this address. `first use`: it was trusted when it first came. */
  readonly checked: 'recorded' | 'first use';
  /** When it was pulled, ISO 8601. */
  readonly at: string;
}

/** The lock of a data folder, by file. */
export type DataLock = Readonly<Record<string, LockedFile>>;

const LOCK = 'data.lock.json';

/** Reads the lock of a folder; empty if there is none. @throws {SpaError} Bad input: it is damaged. */
export async function readLock(folder: string): Promise<DataLock> {
  const path = join(folder, LOCK);
  const text = await readTextIfPresent(path);
  if (text === undefined) return {};
  try {
    const { files } = JSON.parse(text) as { readonly files?: unknown }; // checked below
    if (typeof files !== 'object' || files === null) throw new SyntaxError('it has no "files"');
    for (const [name, file] of Object.entries(files)) {
      if (typeof (file as LockedFile | null)?.sha256 !== 'string') throw new SyntaxError(`"${name}" has no sha256`);
    }
    return files as DataLock;
  } catch (error) {
    throw badInput('data', `Cannot read "${path}": ${messageOf(error)}, expected the record of a pull`, {
      cause: error,
      hint: 'Remove it to trust the next pull anew.',
    });
  }
}

/** Adds a file to the lock of a folder. */
export async function addToLock(folder: string, name: string, file: LockedFile): Promise<void> {
  const files = { ...(await readLock(folder)), [name]: file };
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeJson(join(folder, LOCK), { version: 1, files: sorted });
}

const listPath = (folder: string, archive: string): string => join(folder, `${archive}.files`);

/** Writes what an archive unpacked to: one line `<bytes> <crc32> <path>` per file. */
export async function writeUnpacked(folder: string, archive: string, files: readonly UnzippedFile[]): Promise<void> {
  const lines = files.map(({ sizeBytes, crc32, path }) => `${sizeBytes} ${crc32} ${path}\n`);
  await writeFileAtomic(listPath(folder, archive), lines.join(''));
}

/** Forgets what an archive unpacked to, before it is unpacked anew: until the list is written again, it counts as not unpacked. */
export async function forgetUnpacked(folder: string, archive: string): Promise<void> {
  await rm(listPath(folder, archive), { force: true });
}

/** Counts what an archive unpacked to, and which of it is missing or of another size now; undefined if it was never unpacked. */
export async function checkUnpacked(
  folder: string,
  archive: string,
  into: string,
): Promise<{ readonly files: number; readonly missing: readonly string[] } | undefined> {
  const text = await readTextIfPresent(listPath(folder, archive));
  if (text === undefined) return undefined;
  const rows = text.split('\n').flatMap((line) => {
    const [, bytes, path] = /^(\d+) [0-9a-f]{8} (.+)$/.exec(line) ?? [];
    return bytes === undefined || path === undefined ? [] : [{ bytes: Number(bytes), path }];
  });
  const sizes = await mapLimit(rows, 16, ({ path }) =>
    stat(join(folder, into, path)).then(
      ({ size }) => size,
      () => -1,
    ),
  );
  return { files: rows.length, missing: rows.filter(({ bytes }, i) => sizes[i] !== bytes).map(({ path }) => path) };
}
