/** Files that are either whole or absent: write beside, flush, rename. */
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalJson } from './json.ts';

let counter = 0;

/** Returns a fresh sibling name for a file that is being written. */
export function temporaryPath(path: string): string {
  counter += 1;
  return `${path}.${process.pid}.${counter}.tmp`;
}

/** Writes a file so that readers see the old or the new content and never a part; makes its folder if needed. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writePiecesAtomic(path, [typeof data === 'string' ? Buffer.from(data) : data]);
}

/** As {@link writeFileAtomic}, piece by piece: for content that need not be in memory at once. */
export async function writePiecesAtomic(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryPath(path);
  try {
    const handle = await open(temporary, 'w');
    try {
      for (const piece of pieces) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Writes a value as indented JSON, atomically. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  canonicalJson(value); // refuses what JSON would silently turn into null
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Reads a text file, or returns undefined if it does not exist. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // node:fs rejects with errno errors
    throw error;
  }
}

/** Makes a folder step by step: `recursive: true` never returns where the system answers ENOENT to mkdir itself, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => undefined)) !== undefined) return; // a file there is refused when it is written into
  if (dirname(folder) !== folder) await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error; // another process was faster
  });
}

/** Fails early if a folder cannot be made or written to, by writing and removing a small file. */
export async function assertWritable(folder: string): Promise<void> {
  await makeFolder(folder);
  const probe = temporaryPath(join(folder, '.probe'));
  await writeFile(probe, '');
  await rm(probe);
}
