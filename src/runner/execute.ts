/**
 * Executes a plan: independent nodes at once within a budget of cores, each result looked up, verified, computed and published
 * under its lock. A failure stops what depends on it and nothing else.
 */
import { mkdir } from 'node:fs/promises';
import { boundary, messageOf, SpaError } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { NodeStatus, RunEvent } from './event.ts';
import { explainMiss, explanationText } from './explain.ts';
import { inputKeysOf, keysOf } from './key.ts';
import { acquireLock } from './lock.ts';
import type { Plan, StageNode, StageProgress, StageResult } from './stage.ts';
import {
  discard,
  listStored,
  lockFolder,
  lookup,
  partialFolder,
  publish,
  quarantine,
  resultFolder,
  type StoredStage,
} from './store.ts';

/** What an executor is asked to do: run one stage in a folder. */
export interface StageTask {
  /** Its `resources.threads` are the cores it was given. */
  readonly node: StageNode;
  readonly folder: string;
  /** Role -> folder of a verified input. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  progress(update: StageProgress): void;
  metrics(step: number, values: Readonly<Record<string, number>>): void;
  /** Called with the id of the process that does the work, if it is another one. */
  onProcess(pid: number): Promise<void>;
}

/** Runs one stage somewhere: in this process, in a child, on a cluster. */
export type Executor = (task: StageTask) => Promise<StageResult>;

/** How a plan is executed. */
export interface ExecuteOptions {
  /** Folder of the store. */
  readonly store: string;
  readonly executor: Executor;
  /** Cores to share among the stages that run at once. */
  readonly cores: number;
  readonly signal: AbortSignal;
  /** Ids of the nodes to compute even if their result is there. */
  readonly force?: ReadonlySet<string>;
  readonly emit: (event: RunEvent) => void;
}

/** How one node ended. */
export interface NodeOutcome {
  readonly status: NodeStatus;
  readonly key: string;
  /** Present if the status is `run` or `cached`. */
  readonly folder?: string;
  readonly summary?: JsonObject;
  readonly seconds: number;
  /** Present if the status is `failed` or `interrupted`. */
  readonly error?: unknown;
}

/**
 * Executes a sorted plan and returns how each node ended. Never rejects for the failure of a stage.
 * @throws {SpaError} If the store itself cannot be used.
 */
export async function executePlan(plan: Plan, options: ExecuteOptions): Promise<Map<string, NodeOutcome>> {
  const keys = keysOf(plan);
  const outcomes = new Map<string, NodeOutcome>();
  const waiting = new Set(plan.nodes);
  const running = new Map<string, { readonly done: Promise<void>; threads: number }>();
  const stored = storedOnce(options.store);
  await boundary('store', `Cannot open store "${options.store}"`, () => mkdir(options.store, { recursive: true }));
  while (waiting.size > 0 || running.size > 0) {
    for (const node of waiting) if (skipIfHopeless(node, outcomes, keys, options)) waiting.delete(node);
    const ready = [...waiting].filter((node) => Object.values(node.inputs).every((id) => outcomes.has(id)));
    let free = options.cores - [...running.values()].reduce((sum, { threads }) => sum + threads, 0);
    for (const [index, node] of ready.entries()) {
      const threads = grant(node, { free, waiting: ready.length - index, cores: options.cores });
      if (threads === undefined) continue;
      free -= threads;
      waiting.delete(node);
      const lane = { threads, done: Promise.resolve() };
      running.set(node.id, lane);
      lane.done = executeNode(node, { ...options, keys, outcomes, threads, stored }).then((outcome) => {
        outcomes.set(node.id, outcome);
        running.delete(node.id);
      });
    }
    if (running.size > 0) await Promise.race([...running.values()].map(({ done }) => done));
  }
  return outcomes;
}

/** Returns the cores a ready node gets now, or undefined if it has to wait. `threads` 0: an equal share of what is free. */
function grant(node: StageNode, share: { free: number; waiting: number; cores: number }): number | undefined {
  const asked = typeof node.resources.threads === 'number' ? node.resources.threads : 0;
  if (share.free < 1) return undefined;
  if (asked === 0) return Math.max(1, Math.floor(share.free / share.waiting));
  const threads = Math.min(asked, share.cores);
  return threads <= share.free ? threads : undefined;
}

type Outcomes = Map<string, NodeOutcome>;

/** Settles a node that can never run: an input failed, or the run is being interrupted. */
function skipIfHopeless(
  node: StageNode,
  outcomes: Outcomes,
  keys: ReadonlyMap<string, string>,
  options: ExecuteOptions,
) {
  const bad = Object.values(node.inputs).find((id) => {
    const status = outcomes.get(id)?.status;
    return status !== undefined && status !== 'run' && status !== 'cached';
  });
  if (bad === undefined && !options.signal.aborted) return false;
  const key = keys.get(node.id)!; // keysOf covers the plan
  outcomes.set(node.id, { status: 'skipped', key, seconds: 0 });
  const note = options.signal.aborted ? 'interrupted before it began' : `needs ${bad}`;
  options.emit({ type: 'finished', node: node.id, status: 'skipped', key, seconds: 0, note });
  return true;
}

interface NodeOptions extends ExecuteOptions {
  readonly keys: ReadonlyMap<string, string>;
  readonly outcomes: Outcomes;
  readonly threads: number;
  readonly stored: () => Promise<StoredStage[]>;
}

/** Settles one node, whatever happens. */
async function executeNode(node: StageNode, options: NodeOptions): Promise<NodeOutcome> {
  const key = options.keys.get(node.id)!; // keysOf covers the plan
  const begin = performance.now();
  const seconds = (): number => (performance.now() - begin) / 1000;
  try {
    const { status, folder, stored, note } = await obtain(node, key, options);
    const { summary } = stored;
    options.emit({ type: 'finished', node: node.id, status, key, seconds: seconds(), note, folder, summary });
    return { status, key, folder, summary, seconds: seconds() };
  } catch (error) {
    const status = options.signal.aborted ? 'interrupted' : 'failed';
    const hint = error instanceof SpaError && error.hint !== undefined ? { hint: error.hint } : {};
    options.emit({ type: 'finished', node: node.id, status, key, seconds: seconds(), note: messageOf(error), ...hint });
    return { status, key, seconds: seconds(), error };
  }
}

interface Obtained {
  readonly status: 'run' | 'cached';
  readonly folder: string;
  readonly stored: StoredStage;
  readonly note: string;
}

/** Finds the result of a node, or computes it under its lock. */
async function obtain(node: StageNode, key: string, options: NodeOptions): Promise<Obtained> {
  const { store, signal, emit } = options;
  const identity = { stage: node.stage, key };
  const forced = options.force?.has(node.id) ?? false;
  if (!forced) {
    const found = await lookup(store, identity);
    if (found.status === 'hit') return { ...found, status: 'cached', note: '' };
  }
  await using lock = await acquireLock(lockFolder(store, identity), {
    signal,
    onWait: (pid) => emit({ type: 'waiting', node: node.id, pid }),
  });
  let why = forced ? 'forced' : '';
  if (forced) await discard(store, identity);
  else {
    const found = await lookup(store, identity);
    if (found.status === 'hit') return { ...found, status: 'cached', note: 'made by another process' };
    if (found.status === 'bad') {
      const folder = await quarantine(store, identity, found.problems);
      emit({ type: 'quarantined', node: node.id, folder, problems: found.problems });
      why = `damaged: ${found.problems[0]}`;
    }
  }
  why ||= explanationText(explainMiss(node, inputKeysOf(node, options.keys), await options.stored()));
  const stored = await compute(node, key, why, { ...options, onProcess: lock.addProcess });
  return { status: 'run', folder: resultFolder(store, identity), stored, note: why };
}

type ComputeOptions = NodeOptions & Pick<StageTask, 'onProcess'>;

async function compute(node: StageNode, key: string, why: string, options: ComputeOptions): Promise<StoredStage> {
  const { store, signal, emit, outcomes, threads, onProcess } = options;
  const folder = partialFolder(store, { stage: node.stage, key });
  await mkdir(folder, { recursive: true });
  emit({ type: 'started', node: node.id, key, threads, why });
  const begin = performance.now();
  const inputs = Object.entries(node.inputs);
  const { summary } = await options.executor({
    node: { ...node, resources: { ...node.resources, threads } },
    folder,
    inputs: Object.fromEntries(inputs.map(([role, id]) => [role, outcomes.get(id)!.folder!])), // a ready node's inputs are done
    signal,
    onProcess,
    progress: (update) => emit({ type: 'progress', node: node.id, ...update }),
    metrics: (step, values) => emit({ type: 'metrics', node: node.id, step, values }),
  });
  return publish(store, {
    key,
    stage: node.stage,
    version: node.version,
    node: node.id,
    params: node.params,
    inputs: Object.fromEntries(inputs.map(([role, id]) => [role, { node: id, key: options.keys.get(id)! }])),
    summary,
    seconds: (performance.now() - begin) / 1000,
    finishedAt: new Date().toISOString(),
  });
}

/** Reads the store's records once, when first asked: only a miss needs them. */
function storedOnce(store: string): () => Promise<StoredStage[]> {
  let all: Promise<StoredStage[]> | undefined;
  return () => {
    all ??= listStored(store).then((entries) => entries.map(({ stored }) => stored));
    return all;
  };
}
