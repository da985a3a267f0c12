/**
 * A lock between processes: a folder, because `mkdir` is atomic on every file system, NFS included. It holds the owners' process
 * ids, its host and, as modification time, a heartbeat. A lock is stale when its owners are dead (same host) or its heart has
 * stopped; then one process, under a guard, moves it away and it is taken anew.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTextIfPresent } from '../base/file.ts';

/** How often an owner says that it lives, and how long its silence means death. Milliseconds. */
const HEARTBEAT_MS = 5_000;
const SILENCE_MS = 120_000;
/** How long a lock may be without an owner's name: the moment between making the folder and writing the file. */
const NAMELESS_MS = 10_000;

interface Owner {
  readonly token: string;
  readonly host: string;
  readonly pids: readonly number[];
}

/** A lock that is held. */
export interface Lock extends AsyncDisposable {
  /** Adds a process that works under the lock: it stays held while that process lives, even if this one is killed. */
  addProcess(pid: number): Promise<void>;
}

/** How a lock is waited for. */
export interface LockOptions {
  readonly signal: AbortSignal;
  /** Called once if another process holds it, with its process id. */
  readonly onWait?: (pid: number | undefined) => void;
  /** Pause between two tries. Default 200 ms. */
  readonly pollMs?: number;
}

/** Takes the lock `folder`, waiting for its owner if it has a living one. @throws The signal's reason if aborted. */
export async function acquireLock(folder: string, options: LockOptions): Promise<Lock> {
  await mkdir(dirname(folder), { recursive: true });
  let waited = false;
  for (;;) {
    options.signal.throwIfAborted();
    if (await tryMake(folder)) return holdLock(folder);
    const owner = await ownerOf(folder);
    if (await isStale(folder, owner)) {
      await breakLock(folder);
      if (await tryMake(folder)) return holdLock(folder);
    }
    if (!waited) options.onWait?.(owner?.pids[0]);
    waited = true;
    // An abort rejects with its own error; the loop throws the signal's reason instead.
    await sleep(options.pollMs ?? 200, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

async function tryMake(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false; // node:fs rejects with errno errors
    throw error;
  }
}

async function holdLock(folder: string): Promise<Lock> {
  const token = randomUUID();
  const pids = [process.pid];
  const write = () =>
    writeFile(join(folder, 'owner.json'), JSON.stringify({ token, host: hostname(), pids } satisfies Owner));
  await write();
  const beat = setInterval(() => {
    const now = new Date();
    utimes(folder, now, now).catch(() => clearInterval(beat)); // taken over: the publisher finds out by the result being there
  }, HEARTBEAT_MS);
  beat.unref();
  return {
    addProcess: async (pid) => {
      pids.push(pid);
      await write();
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(beat);
      if ((await ownerOf(folder))?.token === token) await removeWhole(folder);
    },
  };
}

async function ownerOf(folder: string): Promise<Owner | undefined> {
  const text = await readTextIfPresent(join(folder, 'owner.json'));
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Owner); // written by holdLock
  } catch {
    return undefined; // half written: nameless for now
  }
}

async function isStale(folder: string, owner: Owner | undefined): Promise<boolean> {
  const silentMs = await stat(folder).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0, // gone: the next try takes it
  );
  if (owner === undefined) return silentMs > NAMELESS_MS;
  if (owner.host === hostname()) return !owner.pids.some(isAlive);
  return silentMs > SILENCE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // alive, of another user
  }
}

/**
 * Moves a stale lock away. Of all who see it stale only one may: without the guard, a slow one would move away the lock that a quick
 * one has just taken. Under the guard nothing changes a stale lock, because its owners are dead.
 */
async function breakLock(folder: string): Promise<void> {
  const guard = `${folder}.guard`;
  if (!(await tryMake(guard))) {
    const { mtimeMs } = await stat(guard).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > NAMELESS_MS) await rm(guard, { recursive: true, force: true }); // its maker was killed
    return;
  }
  try {
    if (await isStale(folder, await ownerOf(folder))) await removeWhole(folder);
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}

/** Removes a lock in one step: others must not find it half removed. */
async function removeWhole(folder: string): Promise<void> {
  const aside = `${folder}.gone-${randomUUID()}`;
  await rename(folder, aside);
  await rm(aside, { recursive: true, force: true });
}
