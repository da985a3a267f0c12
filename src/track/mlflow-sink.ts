/**
 * Delivers records to an MLflow server. The server gives runs ids of its own; a run is found again by its tag `spa.identity`, so a
 * create whose answer was lost does not make a second run. Points that are already there are stored once by the server.
 */
import { stat } from 'node:fs/promises';
import { messageOf } from '../base/error.ts';
import { placeArtifact } from './artifact.ts';
import { type Batch, type MlflowClient, MlflowError, type MlflowRun, mayPass, type Pair } from './mlflow-client.ts';
import { encodeMetric, identityTag, type RunRecord, type Sink, type TrackRecord } from './record.ts';

const limits = { metrics: 1000, params: 100, tags: 100, total: 1000, bytes: 900_000 } as const;

type Entry = { [K in keyof Batch]: { readonly kind: K; readonly value: Batch[K][number] } }[keyof Batch];

/** Creates the sink of a server. */
export function createMlflowSink(client: MlflowClient): Sink {
  const records = new Map<string, RunRecord>();
  const experiments = new Map<string, Promise<string>>();
  const runs = new Map<string, Promise<MlflowRun>>();
  const states: States = new Map();
  const experimentOf = (name: string): Promise<string> => once(experiments, name, () => ensureExperiment(client, name));
  const runOf = (record: RunRecord): Promise<MlflowRun> =>
    once(runs, record.run, async () => {
      const parent = records.get(record.parent ?? '');
      const nesting = parent === undefined ? undefined : (await runOf(parent)).info.run_id;
      return await ensureRun(client, await experimentOf(record.experiment), record, nesting);
    });
  return {
    know: (record) => {
      records.set(record.run, record);
    },
    deliver: async (group) => {
      for (const record of group) if (record.type === 'run') records.set(record.run, record);
      const [first] = group;
      if (first === undefined) return [];
      const opened = records.get(first.run);
      if (opened === undefined) return [`run "${first.run}": no record opens it`]; // its line was lost with a disk
      return await deliverGroup({ client, run: await runOf(opened), states }, group);
    },
  };
}

/** Keeps the result of a success; a failure is forgotten, so that the next delivery tries again. */
async function once<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const made = cache.get(key) ?? make();
  cache.set(key, made);
  try {
    return await made;
  } catch (error) {
    cache.delete(key);
    throw error;
  }
}

async function ensureExperiment(client: MlflowClient, name: string): Promise<string> {
  const found = await client.findExperiment(name);
  if (found?.lifecycle_stage === 'deleted') {
    throw new MlflowError(
      `Cannot log to experiment "${name}": it is deleted on "${client.uri}", expected an active one`,
    );
  }
  if (found !== undefined) return found.experiment_id;
  try {
    return await client.createExperiment(name);
  } catch (error) {
    const raced = error instanceof MlflowError && error.code === 'RESOURCE_ALREADY_EXISTS';
    const other = raced ? await client.findExperiment(name) : undefined;
    if (other === undefined) throw error;
    return other.experiment_id;
  }
}

async function ensureRun(
  client: MlflowClient,
  experiment: string,
  record: RunRecord,
  parent: string | undefined,
): Promise<MlflowRun> {
  const [found] = await client.searchRuns(experiment, `tags."${identityTag}" = '${record.run}'`);
  if (found !== undefined) return found;
  const nesting = parent === undefined ? {} : { 'mlflow.parentRunId': parent };
  const tags = pairsOf({ ...record.tags, 'mlflow.runName': record.name, [identityTag]: record.run, ...nesting });
  return await client.createRun({ experiment, name: record.name, startMs: record.atMs, tags });
}

/** Server's run id -> the state that this process has set. */
type States = Map<string, MlflowRun['info']['status']>;

interface Target {
  readonly client: MlflowClient;
  /** As it was found or made. */
  readonly run: MlflowRun;
  readonly states: States;
}

async function deliverGroup(target: Target, group: readonly TrackRecord[]): Promise<readonly string[]> {
  const { client, run } = target;
  const refused: string[] = [];
  let entries: Entry[] = [];
  const flush = async (): Promise<void> => {
    for (const part of split(entries)) refused.push(...(await logEntries(client, run.info.run_id, part)));
    entries = [];
  };
  for (const record of group) {
    if (record.type === 'params' || record.type === 'tags') {
      for (const value of pairsOf(record.values)) entries.push({ kind: record.type, value });
    } else if (record.type === 'metrics') {
      for (const metric of record.values) entries.push(metricEntry(metric));
    } else {
      await flush();
      refused.push(...(await act(target, record)));
    }
  }
  await flush();
  return refused;
}

function metricEntry(metric: Parameters<typeof encodeMetric>[0]): Entry {
  const { timestampMs, ...rest } = encodeMetric(metric);
  return { kind: 'metrics', value: { ...rest, timestamp: Math.round(timestampMs) } };
}

type Act = Extract<TrackRecord, { type: 'run' | 'artifact' | 'finish' }>;

/** Delivers a record that is a request of its own. */
async function act(target: Target, record: Act): Promise<readonly string[]> {
  return await orRefused(async () => {
    switch (record.type) {
      case 'run':
        return await setState(target, { status: 'RUNNING' }); // it may have been finished before
      case 'finish':
        return await setState(target, { status: record.status, endMs: record.atMs });
      case 'artifact':
        return await upload(target.client, target.run, record);
      default:
        return record satisfies never;
    }
  });
}

/** Sets a run's state; a run that is running, as every new one, need not be told so. */
async function setState({ client, run, states }: Target, state: Parameters<MlflowClient['updateRun']>[1]) {
  const { run_id: id, status: first } = run.info;
  if (state.status === 'RUNNING' && (states.get(id) ?? first) === 'RUNNING') return;
  await client.updateRun(id, state);
  states.set(id, state.status);
}

async function upload(
  client: MlflowClient,
  run: MlflowRun,
  { path, file }: { readonly path: string; readonly file: string },
): Promise<undefined | string> {
  if ((await stat(file).catch(() => undefined))?.isFile() !== true)
    return `artifact "${path}": "${file}" is no file any more`;
  const root = run.info.artifact_uri;
  if (root.startsWith('mlflow-artifacts:')) {
    const below = root.replace(/^mlflow-artifacts:(\/\/[^/]*)?\/*/, '');
    await client.putArtifact(`${below}/${path}`, file);
    return undefined;
  }
  const isLocal = /^(file:|\/|\.)/.test(root) && /^(localhost|127\.|\[::1\])/.test(new URL(client.uri).hostname);
  if (!isLocal) return `artifact "${path}": the server keeps artifacts at "${root}", which only it can reach`;
  await placeArtifact(root, path, file);
  return undefined;
}

/**
 * Logs entries that fit one batch; if the server refuses them, finds the ones it refuses by halving.
 * @param budget Refusals still looked for one by one; a server that refuses everything is not asked a thousand times.
 */
async function logEntries(
  client: MlflowClient,
  run: string,
  entries: readonly Entry[],
  budget = { left: 20 },
): Promise<readonly string[]> {
  const refused = await orRefused(() => client.logBatch(run, batchOf(entries)));
  if (refused.length === 0) return refused;
  budget.left -= 1;
  const names = entries.slice(0, 3).map((entry) => entry.value.key);
  const what = `${names.join(', ')}${entries.length > 3 ? ` and ${entries.length - 3} more` : ''}`;
  if (entries.length === 1 || budget.left < 0) return [`${what}: ${refused[0]}`];
  const middle = Math.ceil(entries.length / 2);
  const left = await logEntries(client, run, entries.slice(0, middle), budget);
  return [...left, ...(await logEntries(client, run, entries.slice(middle), budget))];
}

/** Returns the words of a refusal that another try would not change; anything else is thrown. */
async function orRefused(work: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    const said = await work();
    return typeof said === 'string' ? [said] : [];
  } catch (error) {
    const isFinal = error instanceof MlflowError && !mayPass(error) && error.status !== 401 && error.status !== 403;
    if (!isFinal) throw error;
    return [messageOf(error)];
  }
}

function batchOf(entries: readonly Entry[]): Batch {
  return {
    metrics: entries.flatMap((entry) => (entry.kind === 'metrics' ? [entry.value] : [])),
    params: entries.flatMap((entry) => (entry.kind === 'params' ? [entry.value] : [])),
    tags: entries.flatMap((entry) => (entry.kind === 'tags' ? [entry.value] : [])),
  };
}

/** Cuts entries into batches within MLflow's limits, keeping their order; a batch that names a param twice would be refused. */
function split(entries: readonly Entry[]): Entry[][] {
  const batches: Entry[][] = [];
  let count = emptyCount();
  for (const entry of entries) {
    const bytes = Buffer.byteLength(JSON.stringify(entry.value)) + 1;
    const name = entry.kind === 'metrics' ? undefined : `${entry.kind} ${entry.value.key}`;
    const isFull =
      count[entry.kind] === limits[entry.kind] ||
      count.total === limits.total ||
      count.bytes + bytes > limits.bytes ||
      (name !== undefined && count.names.has(name));
    if (isFull || batches.length === 0) {
      batches.push([]);
      count = emptyCount();
    }
    batches[batches.length - 1]!.push(entry);
    count[entry.kind] += 1;
    count.total += 1;
    count.bytes += bytes;
    if (name !== undefined) count.names.add(name);
  }
  return batches;
}

function emptyCount() {
  return { metrics: 0, params: 0, tags: 0, total: 0, bytes: 0, names: new Set<string>() };
}

function pairsOf(values: Readonly<Record<string, string>>): Pair[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}
