/** Puts a file into an artifact folder of this machine. */
import { constants, copyFile, mkdir, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryPath } from '../base/file.ts';

/**
 * Copies a file to `path` below an artifact folder, as a reflink where the disk can, and whole or not at all.
 * @param root A path or a `file:` URL.
 */
export async function placeArtifact(root: string, path: string, file: string): Promise<void> {
  const target = join(root.startsWith('file:') ? fileURLToPath(root) : resolve(root), path);
  await mkdir(dirname(target), { recursive: true });
  const temporary = temporaryPath(target);
  await copyFile(file, temporary, constants.COPYFILE_FICLONE);
  await rename(temporary, target);
}
