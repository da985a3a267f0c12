/** Pulls the published files of one world: looks what is there, fetches what is not, checks, unpacks, writes it down. */
import { mkdir, rm, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Downloaded, download } from '../base/download.ts';
import type { Fetch } from '../base/download-answer.ts';
import { messageOf, SpaError } from '../base/error.ts';
import { hashFile } from '../base/hash.ts';
import { unzip } from '../base/unzip.ts';
import { addToLock, checkUnpacked, forgetUnpacked, type LockedFile, readLock, writeUnpacked } from './data-lock.ts';
import { type Artefact, spareBytes } from './data-source.ts';
import { driveForm } from './google-drive.ts';
import { bytesText } from './table.ts';
import { type Screen, showTransfer } from './transfer.ts';

/** How to pull. */
export interface PullOptions {
  /** Absolute data folder. */
  readonly folder: string;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  readonly screen: Screen;
  /** True: believe bytes that are not the recorded ones and write down what they are. */
  readonly trust: boolean;
}

/** What became of a file. */
export interface Pulled {
  readonly artefact: Artefact;
  readonly did: 'fetched' | 'there';
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly checked: LockedFile['checked'];
  /** Files an archive unpacked to. */
  readonly files?: number;
}

/** Pulls one file. @throws {SpaError} If it cannot be fetched, checked, unpacked or written. */
export async function pullArtefact(artefact: Artefact, options: PullOptions): Promise<Pulled> {
  const { folder } = options;
  const { file, archive } = artefact;
  const path = join(folder, file);
  const locked = (await readLock(folder))[file];
  if (archive !== undefined && locked !== undefined) {
    const unpacked = await checkUnpacked(folder, file, archive.folder ?? '.');
    if (unpacked !== undefined && unpacked.missing.length === 0 && isWanted(artefact, locked, options)) {
      return { artefact, did: 'there', ...locked, files: unpacked.files };
    }
  }
  const known = await stat(path).catch(() => undefined);
  const arrived = known?.isFile() ? await adopt(artefact, path, { ...options, locked }) : undefined;
  const got = arrived ?? (await fetchArtefact(artefact, path, { ...options, locked }));
  const checked = got.sha256 === artefact.sha256 ? 'recorded' : 'first use';
  const lock = { sha256: got.sha256, sizeBytes: got.sizeBytes, address: got.address, checked } as const;
  if (archive !== undefined) await forgetUnpacked(folder, file);
  if (locked?.sha256 !== got.sha256 || locked.checked !== checked || archive !== undefined) {
    await addToLock(folder, file, { ...lock, at: new Date().toISOString() });
  }
  let files: number | undefined;
  if (archive !== undefined) {
    files = await unpackArtefact(artefact, path, options);
    if (lock.address !== byHand) await rm(path);
  }
  return {
    artefact,
    did: arrived === undefined ? 'fetched' : 'there',
    ...lock,
    ...(files === undefined ? {} : { files }),
  };
}

/** Stands for the address of a file that was there already; an archive of ours is removed when it is unpacked, such a one is not. */
const byHand = 'by hand';

type Context = PullOptions & { readonly locked: LockedFile | undefined };

/** The hash a file must have: the recorded one, else that of the first use, else any. */
function expectedHash({ sha256 }: Artefact, { trust, locked }: Pick<Context, 'trust' | 'locked'>): string | null {
  return trust ? null : (sha256 ?? locked?.sha256 ?? null);
}

const isWanted = (artefact: Artefact, locked: LockedFile, { trust }: PullOptions): boolean =>
  trust || artefact.sha256 === null || artefact.sha256 === locked.sha256;

/** Checks a file that is there already, from an earlier pull or by hand. */
async function adopt(artefact: Artefact, path: string, context: Context): Promise<Downloaded> {
  const sha256 = await hashFile(path);
  const { size } = await stat(path);
  const expected = expectedHash(artefact, context);
  if (expected !== null && expected !== sha256) {
    throw new SpaError('data', `Cannot use "${path}": its SHA-256 is ${sha256}, expected ${expected}`, {
      hint: 'Remove it and run the same command again to fetch it, or add --trust to use it as it is.',
    });
  }
  return { sha256, sizeBytes: size, address: context.locked?.address ?? byHand };
}

async function fetchArtefact(artefact: Artefact, path: string, context: Context): Promise<Downloaded> {
  await checkSpace(artefact, path, context.folder);
  const { fetch, signal, trust } = context;
  const transfer = showTransfer(artefact.file, 'bytes', context.screen);
  try {
    return await download(
      {
        name: artefact.file,
        addresses: artefact.addresses,
        path,
        sizeBytes: trust ? null : artefact.sizeBytes,
        sha256: expectedHash(artefact, context),
      },
      {
        fetch,
        signal,
        followPage: driveForm,
        report: ({ receivedBytes, totalBytes }) => transfer.progress(receivedBytes, totalBytes),
        retrying: (why, pauseMs) => transfer.say(`${artefact.file}: ${why}; next try in ${pauseMs / 1000} s`),
      },
    );
  } finally {
    transfer.end();
  }
}

async function unpackArtefact(artefact: Artefact, path: string, options: PullOptions): Promise<number> {
  const { archive, file } = artefact;
  if (archive === undefined) return 0;
  const transfer = showTransfer(`unpacking ${file}`, 'files', options.screen);
  try {
    const files = await unzip({
      archive: path,
      folder: resolve(options.folder, archive.folder ?? '.'),
      ...(archive.place === undefined ? {} : { place: archive.place }),
      ...(archive.gzip === undefined ? {} : { gzip: archive.gzip }),
      maxFiles: archive.maxFiles,
      maxBytes: archive.maxBytes,
      signal: options.signal,
      report: ({ files: done, totalFiles }) => transfer.progress(done, totalFiles),
    });
    await writeUnpacked(options.folder, file, files);
    return files.length;
  } finally {
    transfer.end();
  }
}

/** Refuses before a long download what would not fit in the end. */
async function checkSpace(artefact: Artefact, path: string, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new SpaError('data', `Cannot make folder "${folder}": ${messageOf(error)}, expected a place to write to`, {
      cause: error,
      hint: 'Name another one with --to.',
    });
  }
  const part = await stat(`${path}.part`).catch(() => undefined);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const archived = artefact.archive === undefined ? 0 : (artefact.sizeBytes ?? 0);
  const needed = artefact.diskBytes + archived + spareBytes - (part?.size ?? 0);
  if (free < needed) {
    throw new SpaError(
      'data',
      `Cannot download "${artefact.file}": ${bytesText(free)} are free in ${folder}, expected about ${bytesText(needed)}`,
      { hint: 'Make room, or name a folder on another disk with --to.' },
    );
  }
}
