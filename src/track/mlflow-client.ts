/**
 * MLflow's REST interface, the part a tracker needs, on `fetch`. Faults that may pass (no connection, 429, 5xx) are tried again with
 * growing pauses; other refusals are not. Source: mlflow.org/docs/latest/rest-api.html; limits tried on servers 3.10 and 3.17.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SpaError } from '../base/error.ts';
import type { MlflowConnection } from './mlflow-connection.ts';
import type { encodeMetric } from './record.ts';
import type { RunStatus } from './tracker.ts';

/** A failed request. `status` is absent if no answer came; `code` is MLflow's, e.g. `RESOURCE_DOES_NOT_EXIST`. */
export class MlflowError extends SpaError {
  readonly status: number | undefined;
  readonly code: string | undefined;

  constructor(message: string, answer: { status?: number; code?: string; cause?: unknown } = {}) {
    super('track', message, { cause: answer.cause });
    this.status = answer.status;
    this.code = answer.code;
  }
}

/** A key and its value, MLflow's form of params and tags. */
export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** A metric as MLflow takes it: not finite values as texts. */
export type WireMetric = Omit<ReturnType<typeof encodeMetric>, 'timestampMs'> & { readonly timestamp: number };

/** An experiment as the server tells it. */
export interface MlflowExperiment {
  readonly experiment_id: string;
  readonly name: string;
  readonly lifecycle_stage: 'active' | 'deleted';
}

/** A run as the server tells it. */
export interface MlflowRun {
  readonly info: {
    readonly run_id: string;
    readonly run_name: string;
    readonly status: RunStatus | 'RUNNING' | 'SCHEDULED';
    readonly artifact_uri: string;
  };
  readonly data: {
    readonly metrics?: readonly (Pair | { readonly key: string; readonly value: number; readonly step: number })[];
    readonly params?: readonly Pair[];
    readonly tags?: readonly Pair[];
  };
}

/** What one `log-batch` holds: at most 1000 metrics, 100 params, 100 tags, 1000 in all, 1e6 bytes. */
export interface Batch {
  readonly metrics: readonly WireMetric[];
  readonly params: readonly Pair[];
  readonly tags: readonly Pair[];
}

/** How a client waits. */
export interface Patience {
  /** Ends every request and pause. */
  readonly signal: AbortSignal;
  /** Once aborted, pauses shrink to a tenth of a second: there is no more time to be polite. */
  readonly hurry: AbortSignal;
  /** Called with every request that has done its work. */
  readonly answered?: () => void;
}

/** A client of one server. Every call rejects with {@link MlflowError}. */
export interface MlflowClient {
  readonly uri: string;
  /** Returns the experiment of a name, or undefined if the server has none. */
  findExperiment(name: string): Promise<MlflowExperiment | undefined>;
  /** Creates an experiment and returns its id. */
  createExperiment(name: string): Promise<string>;
  searchExperiments(filter: string): Promise<readonly MlflowExperiment[]>;
  createRun(run: { experiment: string; name: string; startMs: number; tags: readonly Pair[] }): Promise<MlflowRun>;
  updateRun(run: string, change: { status: RunStatus | 'RUNNING'; endMs?: number }): Promise<void>;
  getRun(run: string): Promise<MlflowRun>;
  /** Returns the active runs that fit a filter, oldest first, at most 1000. */
  searchRuns(experiment: string, filter: string): Promise<readonly MlflowRun[]>;
  logBatch(run: string, batch: Batch): Promise<void>;
  /** Uploads a file through the server, to a path of its artifact proxy. */
  putArtifact(path: string, file: string): Promise<void>;
}

/** Creates a client. */
export function createMlflowClient(connection: MlflowConnection, patience: Patience): MlflowClient {
  const call = <T>(request: Request): Promise<T> => send<T>(connection, patience, request);
  const post = <T>(path: string, body: object, once = false): Promise<T> =>
    call({ path: `/api/2.0/mlflow/${path}`, method: 'POST', once, body: () => ({ body: JSON.stringify(body) }) });
  const get = <T>(path: string, query: Record<string, string>): Promise<T> =>
    call({ path: `/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`, method: 'GET', body: () => ({}) });
  return {
    uri: connection.uri,
    findExperiment: async (name) => {
      try {
        const query = { experiment_name: name };
        return (await get<{ experiment: MlflowExperiment }>('experiments/get-by-name', query)).experiment;
      } catch (error) {
        if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') return undefined;
        throw error;
      }
    },
    createExperiment: async (name) =>
      (await post<{ experiment_id: string }>('experiments/create', { name }, true)).experiment_id,
    searchExperiments: async (filter) => {
      const body = { filter, max_results: 1000 };
      return (await post<{ experiments?: MlflowExperiment[] }>('experiments/search', body)).experiments ?? [];
    },
    createRun: async ({ experiment, name, startMs, tags }) => {
      const body = { experiment_id: experiment, run_name: name, start_time: startMs, tags };
      return (await post<{ run: MlflowRun }>('runs/create', body, true)).run;
    },
    updateRun: async (run, { status, endMs }) => {
      await post('runs/update', { run_id: run, status, ...(endMs === undefined ? {} : { end_time: endMs }) });
    },
    getRun: async (run) => (await get<{ run: MlflowRun }>('runs/get', { run_id: run })).run,
    searchRuns: async (experiment, filter) => {
      const body = {
        experiment_ids: [experiment],
        filter,
        max_results: 1000,
        order_by: ['attributes.start_time ASC'],
      };
      return (await post<{ runs?: MlflowRun[] }>('runs/search', body)).runs ?? [];
    },
    logBatch: async (run, batch) => {
      await post('runs/log-batch', { run_id: run, ...batch });
    },
    putArtifact: async (path, file) => {
      const { size } = await stat(file);
      const to = path.split('/').map(encodeURIComponent).join('/');
      await call({
        path: `/api/2.0/mlflow-artifacts/artifacts/${to}`,
        method: 'PUT',
        sizeBytes: size,
        body: () => ({ body: Readable.toWeb(createReadStream(file)) as ReadableStream, duplex: 'half' }), // one type, two names
        headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      });
    },
  };
}

interface Request {
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Makes the body anew for each try: a stream can be read once. */
  readonly body: () => { body?: string | ReadableStream; duplex?: 'half' };
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the body; a large one gets more time, one second per 250 kB. */
  readonly sizeBytes?: number;
  /** True if a repeated request could do the work twice. */
  readonly once?: boolean;
}

async function send<T>(connection: MlflowConnection, patience: Patience, request: Request): Promise<T> {
  let earlier: MlflowError | undefined;
  for (let retry = 0; ; retry++) {
    try {
      return await attempt<T>(connection, patience, request);
    } catch (error) {
      if (!(error instanceof MlflowError) || !mayPass(error)) throw error;
      if (patience.signal.aborted && earlier !== undefined) throw earlier; // it says more than "time was up"
      earlier = error;
      if (request.once === true || retry >= connection.maxRetries || patience.signal.aborted) throw error;
      await pause(Math.min(30_000, connection.backoffMs * 2 ** retry), patience);
    }
  }
}

/** Tells whether a fault may pass by itself: no answer, too many requests, or the server's own trouble. */
export function mayPass({ status }: MlflowError): boolean {
  return status === undefined || status === 408 || status === 429 || (status >= 500 && status !== 501);
}

/** Waits, but no longer than the tracker has time; returns early and never rejects. */
export async function pause(ms: number, { signal, hurry }: Patience): Promise<void> {
  const quiet = (promise: Promise<void>): Promise<void> => promise.catch(() => undefined); // an abort only ends the wait
  if (!hurry.aborted) await quiet(sleep(ms, undefined, { signal: AbortSignal.any([signal, hurry]), ref: false }));
  if (hurry.aborted) await quiet(sleep(Math.min(ms, 100), undefined, { signal }));
}

async function attempt<T>(connection: MlflowConnection, { signal, answered }: Patience, request: Request): Promise<T> {
  const { uri, authorization, timeoutMs } = connection;
  const context = `Cannot ${request.method} "${uri}${request.path.split('?')[0]}"`;
  const headers = { 'content-type': 'application/json', ...request.headers };
  const limitMs = Math.ceil(timeoutMs + (request.sizeBytes ?? 0) / 250);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${uri}${request.path}`, {
      method: request.method,
      headers: authorization === undefined ? headers : { ...headers, authorization },
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
      ...request.body(),
    } as RequestInit); // `duplex` is not in every version of the type
    text = await response.text();
  } catch (error) {
    const reason = signal.aborted ? 'no answer until time was up' : reasonOf(error);
    throw new MlflowError(`${context}: ${reason}, expected an answer`, { cause: error });
  }
  const answer = parse(text);
  if (response.ok && answer !== undefined) {
    answered?.();
    return answer as T; // the caller names the answer of the endpoint it calls
  }
  const { error_code: code, message } = (answer ?? {}) as { error_code?: string; message?: string };
  const said = (message ?? (text.slice(0, 200) || response.statusText)).split('\n')[0];
  throw new MlflowError(`${context}: ${response.status} ${said}, expected an answer of MLflow`, {
    status: response.status,
    ...(code === undefined ? {} : { code }),
  });
}

/** fetch hides what happened in the cause of its error. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return messageOf(error);
}

function parse(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not MLflow's: the caller reports it
  }
}
