/**
 * Delivers records into MLflow's file store, a tree of small files that `mlflow ui` shows and `mlflow migrate-filestore` imports.
 * A run's folder is named by its id, so the same run is continued; a metric line that is already there is not written again, as an SQL
 * store keeps a (key, value, timestamp, step) once. Source: mlflow/mlflow, mlflow/store/tracking/file_store.py; read back by 3.17.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse, stringify } from 'yaml';
import { badInput, messageOf } from '../base/error.ts';
import { temporaryPath } from '../base/file.ts';
import { sha256 } from '../base/hash.ts';
import { placeArtifact } from './artifact.ts';
import { identityTag, type RunRecord, type Sink, type TrackRecord } from './record.ts';
import type { Metric } from './tracker.ts';

/** MLflow's numbers for a run's state. */
const statusNumber = { RUNNING: 1, FINISHED: 3, FAILED: 4, KILLED: 5 } as const;

type Meta = Readonly<Record<string, string | number | null | readonly string[]>>;

/** Creates the sink of a file store. @param root The folder that MLflow calls `mlruns`. */
export function createFileStore(root: string): Sink {
  const folders = new Map<string, string>();
  const records = new Map<string, RunRecord>();
  const linesOf = new Map<string, Set<string>>();
  const folderOf = (record: RunRecord): string => {
    const folder = folders.get(record.run) ?? ensureRun(root, record);
    folders.set(record.run, folder);
    return folder;
  };
  return {
    know: (record) => {
      records.set(record.run, record);
    },
    deliver: async (group) => {
      const refused: string[] = [];
      for (const record of group) {
        if (record.type === 'run') records.set(record.run, record);
        const opened = records.get(record.run);
        if (opened === undefined)
          refused.push(`run "${record.run}": no record opens it`); // its line was lost with a disk
        else refused.push(...(await write(folderOf(opened), record, linesOf)));
      }
      return refused;
    },
  };
}

async function write(
  folder: string,
  record: TrackRecord,
  linesOf: Map<string, Set<string>>,
): Promise<readonly string[]> {
  switch (record.type) {
    case 'run':
      setStatus(folder, { status: statusNumber.RUNNING, end_time: null });
      return [];
    case 'finish':
      setStatus(folder, { status: statusNumber[record.status], end_time: record.atMs });
      return [];
    case 'tags':
      return putAll(join(folder, 'tags'), record.values, { mayChange: true });
    case 'params':
      return putAll(join(folder, 'params'), record.values, { mayChange: false });
    case 'metrics':
      return record.values.flatMap((metric) => appendMetric(folder, metric, linesOf));
    case 'artifact':
      return await copyArtifact(folder, record);
    default:
      return record satisfies never;
  }
}

async function copyArtifact(
  folder: string,
  { path, file }: { readonly path: string; readonly file: string },
): Promise<readonly string[]> {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    return [`artifact "${path}": "${file}" is no file any more`];
  }
  await placeArtifact(join(folder, 'artifacts'), path, file);
  return [];
}

function putAll(
  folder: string,
  values: Readonly<Record<string, string>>,
  { mayChange }: { readonly mayChange: boolean },
): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = join(folder, key);
    return orRefused(`"${key}"`, () => {
      const old = mayChange || !existsSync(path) ? value : readFileSync(path, 'utf8');
      if (old !== value) throw badInput('track', `Cannot change param "${key}": it is "${old}", expected "${value}"`);
      writeWhole(path, value, { beside: dirname(folder) });
    });
  });
}

function appendMetric(folder: string, metric: Metric, linesOf: Map<string, Set<string>>): string[] {
  const path = join(folder, 'metrics', metric.key);
  const line = `${Math.round(metric.timestampMs)} ${numberText(metric.value)} ${metric.step}`;
  return orRefused(`metric "${metric.key}"`, () => {
    const lines = linesOf.get(path) ?? readLines(path);
    linesOf.set(path, lines);
    if (lines.has(line)) return;
    // A metric file without a line would make MLflow's search of the whole experiment fail, so the first line arrives with the file.
    if (lines.size === 0) writeWhole(path, `${line}\n`, { beside: folder });
    else appendFileSync(path, `${line}\n`);
    lines.add(line);
  });
}

/** Reads the whole lines of a metric file; a last line that was cut off by a kill is removed. */
function readLines(path: string): Set<string> {
  if (!existsSync(path)) return new Set();
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) writeFileSync(path, whole);
  return new Set(whole.split('\n').filter((line) => line !== ''));
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? 'inf' : '-inf';
}

/** A key that is both a file and a folder (`a` and `a/b`) cannot be kept; that is for good. A full disk is not. */
function orRefused(what: string, work: () => void): string[] {
  try {
    work();
    return [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // node:fs throws errno errors; others have no code
    const isFinal = code === undefined || ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ENOTEMPTY'].includes(code);
    if (!isFinal) throw error;
    return [`${what}: ${messageOf(error)}`];
  }
}

/** Writes a file so that it is whole or absent. The part is made in a folder that MLflow does not list. */
function writeWhole(path: string, text: string, { beside }: { readonly beside: string }): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = temporaryPath(join(beside, '.part'));
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function writeMeta(folder: string, meta: Meta): void {
  mkdirSync(folder, { recursive: true });
  // MLflow reads YAML 1.1, where plain `no` or `1e5` would not stay a text.
  const text = stringify(meta, { defaultStringType: 'QUOTE_SINGLE', defaultKeyType: 'PLAIN', lineWidth: 0 });
  writeWhole(join(folder, 'meta.yaml'), text, { beside: folder });
}

function readMeta(folder: string): Meta {
  return parse(readFileSync(join(folder, 'meta.yaml'), 'utf8')) as Meta; // the tree is MLflow's or ours
}

function setStatus(folder: string, change: { readonly status: number; readonly end_time: number | null }): void {
  writeMeta(folder, { ...readMeta(folder), ...change });
}

function ensureRun(root: string, record: RunRecord): string {
  const experiment = ensureExperiment(root, record.experiment, record.atMs);
  const folder = join(root, experiment, record.run);
  for (const part of ['metrics', 'params', 'tags', 'artifacts']) mkdirSync(join(folder, part), { recursive: true });
  const nesting = record.parent === null ? {} : { 'mlflow.parentRunId': record.parent };
  const tags = { ...record.tags, 'mlflow.runName': record.name, [identityTag]: record.run, ...nesting };
  putAll(join(folder, 'tags'), tags, { mayChange: true });
  if (existsSync(join(folder, 'meta.yaml'))) return folder;
  writeMeta(folder, {
    artifact_uri: pathToFileURL(join(folder, 'artifacts')).href,
    deleted_time: null,
    end_time: null,
    entry_point_name: '',
    experiment_id: experiment,
    lifecycle_stage: 'active',
    run_id: record.run,
    run_name: record.name,
    run_uuid: record.run,
    source_name: '',
    source_type: 4,
    source_version: '',
    start_time: record.atMs,
    status: statusNumber.RUNNING,
    tags: [],
    user_id: record.tags['mlflow.user'] ?? '',
  });
  return folder;
}

/** Returns the id of the experiment of a name, made if it is not there: 18 digits of the name's digest, so rivals agree. */
function ensureExperiment(root: string, name: string, atMs: number): string {
  if (!existsSync(join(root, '0', 'meta.yaml'))) writeExperiment(root, { id: '0', name: 'Default', atMs });
  const known = experimentsOf(root).find((experiment) => experiment.name === name);
  if (known !== undefined) return known.id;
  const taken = (id: bigint): boolean => existsSync(join(root, `${id}`)) || existsSync(join(root, '.trash', `${id}`));
  let id = 10n ** 17n + (BigInt(`0x${sha256(name).slice(0, 16)}`) % (9n * 10n ** 17n));
  while (taken(id)) id += 1n;
  writeExperiment(root, { id: `${id}`, name, atMs });
  return `${id}`;
}

interface Experiment {
  /** Digits; too many for a number. */
  readonly id: string;
  readonly name: string;
}

function experimentsOf(root: string): Experiment[] {
  const ids = readdirSync(root).filter((id) => /^\d+$/.test(id) && existsSync(join(root, id, 'meta.yaml')));
  return ids.map((id) => ({ id, name: String(readMeta(join(root, id)).name) }));
}

function writeExperiment(root: string, { id, name, atMs }: Experiment & { readonly atMs: number }): void {
  const folder = join(root, id);
  writeMeta(folder, {
    artifact_location: pathToFileURL(folder).href,
    creation_time: atMs,
    experiment_id: id,
    last_update_time: atMs,
    lifecycle_stage: 'active',
    name,
  });
}
