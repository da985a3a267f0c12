/**
 * A lock for one file, held by one process: a folder beside it with the owner's name and a heartbeat. It works on network disks, where
 * advisory locks may not. A lock is stale once its owner is dead (same machine) or silent for ten minutes: long
 * computations block the heartbeat for a while.
 */
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

const heartbeatMs = 5_000;
const silentMs = 600_000;

/** Takes the lock of a file, or returns undefined if somebody else holds it. @returns A function that lets it go. */
export function takeLock(file: string): (() => void) | undefined {
  const folder = `${file}.lock`;
  if (!make(folder) && !(isStale(folder) && takeOver(folder))) return undefined;
  writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid: process.pid, host: hostname() }));
  const heartbeat = setInterval(() => touch(folder), heartbeatMs).unref();
  return () => {
    clearInterval(heartbeat);
    rmSync(folder, { recursive: true, force: true });
  };
}

function make(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false; // node:fs throws errno errors
    throw error;
  }
}

/** Replaces a stale lock. Only one of several rivals gets past the gate, and it looks again before it removes anything. */
function takeOver(folder: string): boolean {
  const gate = `${folder}.gate`;
  if (!make(gate)) {
    if (silenceMs(gate) > 12 * heartbeatMs) rmSync(gate, { recursive: true, force: true }); // its owner died inside; the next try gets in
    return false;
  }
  try {
    if (!isStale(folder)) return false;
    rmSync(folder, { recursive: true, force: true });
    return make(folder);
  } finally {
    rmSync(gate, { recursive: true, force: true });
  }
}

function isStale(folder: string): boolean {
  const silence = silenceMs(folder);
  if (silence > silentMs) return true;
  const owner = readOwner(folder);
  if (owner === undefined) return silence > heartbeatMs; // its owner is about to write its name, or died before it could
  return owner.host === hostname() && !isAlive(owner.pid);
}

function silenceMs(folder: string): number {
  const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: Number.NEGATIVE_INFINITY };
  return Date.now() - mtimeMs;
}

function readOwner(folder: string): { readonly pid: number; readonly host: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as { pid: number; host: string }; // written by takeLock
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it lives, and belongs to somebody else
  }
}

function touch(folder: string): void {
  const now = new Date();
  try {
    utimesSync(folder, now, now);
  } catch {
    // A lock that is gone cannot be kept alive, and a tracker never stops a run.
  }
}
