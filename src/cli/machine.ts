/** Where a run happened: kept in its record for blame, never in a key. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, hostname, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { JsonObject } from '../base/json.ts';

/** Describes this machine. */
export function describeMachine(): JsonObject {
  return {
    host: hostname(),
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** Returns the versions of spa and of Node. */
export async function describeVersions(): Promise<{ readonly spa: string; readonly node: string }> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return { spa: version, node: process.versions.node };
}

/** Returns the git commit of a folder, with `-dirty` if files have changed; undefined outside a repository or without git. */
export async function gitCommit(folder: string): Promise<string | undefined> {
  try {
    const options = ['describe', '--always', '--abbrev=40', '--exclude=*', '--dirty'];
    return (await promisify(execFile)('git', options, { cwd: folder, timeout: 5000 })).stdout.trim();
  } catch {
    return undefined; // no repository, no commit yet, or no git: a run needs none of them
  }
}
