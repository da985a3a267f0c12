/** Turns calls of the tracker's contract into records within MLflow's limits; knows nothing of where they go. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hashJson, sha256 } from '../base/hash.ts';
import { maxParamLength, maxTagLength, sanitizeName, truncate } from './name.ts';
import type { TrackRecord } from './record.ts';
import type { RunOptions, TrackedRun } from './tracker.ts';

/** What a recorder is given. */
export interface RecorderOptions {
  readonly write: (record: TrackRecord) => void;
  /** Folder for the full text of values that are too long; they are kept as artifacts. */
  readonly textFolder: string;
  /** Tags of every run, e.g. who started it. */
  readonly tags: Readonly<Record<string, string>>;
  readonly now: () => number;
}

/** Returns the id of a run: the same experiment and identity give the same 32 hexadecimal digits. */
export function runIdOf(experiment: string, identity: string): string {
  return hashJson(['run', experiment, identity]).slice(0, 32);
}

/** Opens a run, nested in `parent` if that is given. */
export function recordRun(
  experiment: string,
  options: RunOptions,
  recorder: RecorderOptions & { readonly parent?: string },
): TrackedRun {
  const { write, now } = recorder;
  const run = runIdOf(experiment, options.identity);
  const values = (type: 'params' | 'tags', given: Readonly<Record<string, string>>, limit: number): void => {
    const entries = Object.entries(given).map(([key, value]) => [sanitizeName(key), value] as const);
    if (entries.length === 0) return;
    write({ type, run, values: Object.fromEntries(entries.map(([key, value]) => [key, truncate(value, limit)])) });
    for (const [key, value] of entries) {
      if (value.length > limit)
        write({ type: 'artifact', run, path: `${type}/${key}.txt`, file: keep(recorder, value) });
    }
  };
  write({
    type: 'run',
    run,
    experiment: truncate(experiment, 500),
    name: truncate(options.name, 250),
    parent: recorder.parent ?? null,
    tags: recorder.tags,
    atMs: Math.round(now()),
  });
  if (options.tags !== undefined) values('tags', options.tags, maxTagLength);
  return {
    id: run,
    params: (given) => values('params', given, maxParamLength),
    tags: (given) => values('tags', given, maxTagLength),
    metrics: (given) => {
      if (given.length === 0) return;
      write({ type: 'metrics', run, values: given.map((metric) => ({ ...metric, key: sanitizeName(metric.key) })) });
    },
    artifact: (path, file) => write({ type: 'artifact', run, path: sanitizeName(path), file: resolve(file) }),
    child: (child) => recordRun(experiment, child, { ...recorder, parent: run }),
    finish: (status) => write({ type: 'finish', run, status, atMs: Math.round(now()) }),
  };
}

/** Keeps a text as a file named after its content. */
function keep(recorder: RecorderOptions, text: string): string {
  mkdirSync(recorder.textFolder, { recursive: true });
  const file = resolve(join(recorder.textFolder, `${sha256(text).slice(0, 16)}.txt`));
  writeFileSync(file, text);
  return file;
}
