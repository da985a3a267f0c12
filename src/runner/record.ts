/**
 * The record of a run: `<runs>/<experiment>/<run id>/` with `run.json` (what was asked, how it ended), `events.jsonl` (the truth about
 * metrics and progress, one event per line, written as it happens) and the result tables.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, SpaError } from '../base/error.ts';
import { readTextIfPresent, writeFileAtomic, writeJson } from '../base/file.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { nearest } from '../base/suggest.ts';
import type { NodeStatus, RunEvent } from './event.ts';

/** One node of a recorded run. */
export interface RecordedNode {
  readonly id: string;
  readonly stage: string;
  readonly key: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly params: JsonObject;
  /** Absent until it has ended. */
  readonly status?: NodeStatus;
  readonly seconds?: number;
  readonly note?: string;
  readonly summary?: JsonObject;
}

/** How a run is going or has ended. A run that was killed stays `running`; its process id tells. */
export type RecordedStatus = 'running' | 'finished' | 'failed' | 'interrupted';

/** `run.json`. */
export interface RunRecord {
  readonly format: 1;
  readonly id: string;
  readonly experiment: string;
  readonly manifestFile: string;
  readonly manifest: Json;
  readonly nodes: readonly RecordedNode[];
  readonly status: RecordedStatus;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string;
  /** What ended it, if that was no stage, e.g. a store that cannot be read. */
  readonly error?: string;
  readonly pid: number;
  readonly command: readonly string[];
  readonly gitCommit?: string;
  readonly machine: JsonObject;
  readonly versions: JsonObject;
}

/** An open run folder. */
export interface OpenRecord {
  readonly folder: string;
  /** Appends one event, with the time, and does not return before the system has it. */
  event(event: RunEvent): void;
  /** Writes `run.json` anew with some members changed. */
  update(change: Partial<RunRecord>): Promise<void>;
  /** Writes a file of results. */
  file(name: string, text: string): Promise<void>;
  /** Writes what is left and closes. Safe to call twice. */
  close(): void;
}

/** Returns a run id that sorts by time, e.g. `20261122-174455-3f1c`. */
export function newRunId(now: Date, unique: string): string {
  const digits = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${digits}-${unique.slice(0, 4)}`;
}

/** Makes the folder of a run and its first record. */
export async function openRecord(runs: string, first: RunRecord): Promise<OpenRecord> {
  const folder = join(runs, first.experiment, first.id);
  await mkdir(folder, { recursive: true });
  let record = first;
  await writeJson(join(folder, 'run.json'), record);
  let log: number | undefined = openSync(join(folder, 'events.jsonl'), 'a');
  return {
    folder,
    event: (event) => {
      if (log !== undefined)
        writeSync(log, `${JSON.stringify({ time: new Date().toISOString(), ...readable(event) })}\n`);
    },
    update: async (change) => {
      record = { ...record, ...change };
      await writeJson(join(folder, 'run.json'), record);
    },
    file: (name, text) => writeFileAtomic(join(folder, name), text),
    close: () => {
      if (log !== undefined) closeSync(log);
      log = undefined;
    },
  };
}

/** JSON has no NaN and no infinity; as texts they survive. */
export function readable(event: RunEvent): object {
  if (event.type !== 'metrics') return event;
  const values = Object.entries(event.values).map(([name, value]) => [
    name,
    Number.isFinite(value) ? value : String(value),
  ]);
  return { ...event, values: Object.fromEntries(values) };
}

/** Reads the records of all runs, oldest first; with the folder of each. */
export async function listRuns(runs: string): Promise<{ folder: string; record: RunRecord }[]> {
  const found: { folder: string; record: RunRecord }[] = [];
  for (const experiment of await foldersOf(runs)) {
    for (const id of await foldersOf(join(runs, experiment))) {
      const folder = join(runs, experiment, id);
      const text = await readTextIfPresent(join(folder, 'run.json'));
      if (text !== undefined) found.push({ folder, record: JSON.parse(text) as RunRecord }); // written by openRecord
    }
  }
  return found.sort((a, b) => (a.record.startedAt < b.record.startedAt ? -1 : 1));
}

const reserved: ReadonlySet<string> = new Set(['store', 'mlruns']);

/** Names with a dot, the store and the tracker's files are no experiments. */
async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new SpaError('store', `Cannot read folder "${folder}": ${error.message}`, { cause: error });
  });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !reserved.has(entry.name))
    .map((entry) => entry.name)
    .sort();
}

/**
 * Finds a run by its id, by the unique beginning of its id, by `last`, or by an experiment's name (its last run).
 * @throws {SpaError} Bad input: no run or more than one has that name.
 */
export async function findRun(runs: string, name: string): Promise<{ folder: string; record: RunRecord }> {
  const all = await listRuns(runs);
  if (name === 'last' && all.length > 0) return all.at(-1)!; // not empty
  const named = all.filter(({ record }) => record.experiment === name);
  if (named.length > 0) return named.at(-1)!; // not empty
  const found = all.filter(({ record }) => record.id === name || record.id.startsWith(name));
  if (found.length === 1) return found[0]!; // one
  const is = found.length === 0 ? 'no run has that id' : `${found.length} runs begin like that`;
  const near = nearest(name, [...new Set(all.flatMap(({ record }) => [record.id, record.experiment]))]);
  throw badInput('store', `Cannot find run "${name}": ${is}, expected a run id, an experiment or "last"`, {
    hint: near === undefined ? '`spa ls` lists the runs' : `Did you mean "${near}"?`,
  });
}

/** Reads the events of a run, oldest first; a last line cut by a kill is left out. */
export async function readEvents(folder: string): Promise<(RunEvent & { readonly time: string })[]> {
  const lines = (await readFile(join(folder, 'events.jsonl'), 'utf8')).split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as RunEvent & { time: string }); // written by openRecord
}
