/** A small MLflow server in this process, with faults on demand. It enforces the limits that the real one was seen to enforce. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeptRun, TrackerPlace } from '../contract/tracker.ts';

/** What happens to the next request: its turn is over after that. `hang` never answers. */
export type Fault = number | 'hang' | 'reset' | 'answer lost';

interface Run {
  readonly id: string;
  readonly experiment: string;
  name: string;
  status: KeptRun['status'];
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  readonly points: Map<string, { key: string; value: number; step: number; timestamp: number }>;
  readonly artifacts: Map<string, string>;
}

type Body = Record<string, never>;

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Starts a server on a free port. `artifactRoot` is where it says that artifacts are; `slowness.ms` delays its answers. */
export async function startFakeServer(artifactRoot = 'mlflow-artifacts:') {
  const experiments = new Map<string, string>();
  const runs = new Map<string, Run>();
  const faults: Fault[] = [];
  const slowness = { ms: 0 };
  const requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = [];
  const state = { experiments, runs, artifactRoot };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    requests.push({ path: url.pathname, headers: request.headers });
    const fault = faults.shift();
    if (fault === 'hang') return;
    if (fault === 'reset') return void request.socket.destroy();
    const text = await textOf(request);
    if (slowness.ms > 0) await new Promise((resolve) => setTimeout(resolve, slowness.ms));
    if (typeof fault === 'number') return answer(response, fault, { error_code: 'FAKE', message: `fault ${fault}` });
    try {
      const reply = handle(state, request.method ?? '', url, text);
      if (fault === 'answer lost') request.socket.destroy();
      else answer(response, 200, reply);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer(response, error.status, { error_code: error.code, message: error.message });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has a port
  const place: TrackerPlace = {
    uri,
    env: { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0.01', HOME: '/nonexistent' },
    read: async (experiment) => keptRuns(state, experiments.get(experiment)),
  };
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { uri, place, faults, slowness, requests, runs, stop };
}

interface State {
  readonly experiments: Map<string, string>;
  readonly runs: Map<string, Run>;
  readonly artifactRoot: string;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function handle(state: State, method: string, url: URL, text: string): unknown {
  const artifact = /^\/api\/2\.0\/mlflow-artifacts\/artifacts\/[^/]+\/([^/]+)\/artifacts\/(.+)$/.exec(url.pathname);
  if (artifact !== null && method === 'PUT') {
    runOf(state, artifact[1]!).artifacts.set(decodeURIComponent(artifact[2]!), text);
    return {};
  }
  if (text.length > 1e6) throw new Refusal(413, 'TOO_LARGE', 'too large');
  const body = (text === '' ? {} : JSON.parse(text)) as Body; // endpoints pick what they need
  switch (url.pathname.replace('/api/2.0/mlflow/', '')) {
    case 'experiments/get-by-name': {
      const name = url.searchParams.get('experiment_name') ?? '';
      const id = state.experiments.get(name);
      if (id === undefined) throw new Refusal(404, 'RESOURCE_DOES_NOT_EXIST', `no experiment ${name}`);
      return { experiment: { experiment_id: id, name, lifecycle_stage: 'active' } };
    }
    case 'experiments/create':
      if (state.experiments.has(body.name!)) throw new Refusal(400, 'RESOURCE_ALREADY_EXISTS', 'exists');
      state.experiments.set(body.name!, `${state.experiments.size + 1}`);
      return { experiment_id: state.experiments.get(body.name!) };
    case 'runs/create':
      return { run: told(state, createRun(state, body)) };
    case 'runs/search': {
      const wanted = /tags\."spa\.identity" = '(\w+)'/.exec(body.filter!)?.[1];
      const fits = (run: Run): boolean =>
        (body.experiment_ids as unknown as string[]).includes(run.experiment) &&
        run.tags.get('spa.identity') === wanted;
      return { runs: [...state.runs.values()].filter(fits).map((run) => told(state, run)) };
    }
    case 'runs/update':
      runOf(state, body.run_id!).status = body.status!;
      return {};
    case 'runs/log-batch':
      return logBatch(runOf(state, body.run_id!), body);
    default:
      throw new Refusal(404, 'ENDPOINT_NOT_FOUND', url.pathname);
  }
}

function runOf(state: State, id: string): Run {
  const run = state.runs.get(id);
  if (run === undefined) throw new Refusal(404, 'RESOURCE_DOES_NOT_EXIST', `no run ${id}`);
  return run;
}

function createRun(state: State, body: Body): Run {
  const id = `${state.runs.size}`.padStart(32, 'f');
  const tags = new Map(
    (body.tags as unknown as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
  );
  const empty = { params: new Map(), points: new Map(), artifacts: new Map() };
  const run: Run = { id, experiment: body.experiment_id!, name: body.run_name!, status: 'RUNNING', tags, ...empty };
  state.runs.set(id, run);
  return run;
}

function told({ artifactRoot }: State, run: Run) {
  const artifact_uri = `${artifactRoot}/${run.experiment}/${run.id}/artifacts`;
  return { info: { run_id: run.id, run_name: run.name, status: run.status, artifact_uri }, data: {} };
}

function logBatch(run: Run, body: Body): unknown {
  type Pairs = { key: string; value: string }[];
  const { metrics = [], params = [], tags = [] } = body as unknown as { metrics?: Pairs; params?: Pairs; tags?: Pairs };
  const bad = (message: string): Refusal => new Refusal(400, 'INVALID_PARAMETER_VALUE', message);
  const total = metrics.length + params.length + tags.length;
  if (metrics.length > 1000 || params.length > 100 || tags.length > 100 || total > 1000) throw bad('too many');
  for (const { key } of [...metrics, ...params, ...tags]) if (!/^[/\w.\- ]{1,250}$/.test(key)) throw bad(`name ${key}`);
  if (new Set(params.map(({ key }) => key)).size < params.length) throw bad('Duplicate parameter keys');
  for (const { key, value } of params) {
    if ((run.params.get(key) ?? value) !== value) throw bad('Changing param values is not allowed');
    if (value.length > 6000) throw bad('too long');
  }
  for (const { key, value } of params) run.params.set(key, value);
  for (const { key, value } of tags) run.tags.set(key, value);
  for (const metric of metrics as unknown as {
    key: string;
    value: number | string;
    step: number;
    timestamp: number;
  }[]) {
    if (metric.value === null) throw bad('Missing value');
    run.points.set(JSON.stringify(metric), { ...metric, value: Number(metric.value) });
  }
  return {};
}

function keptRuns(state: State, experiment: string | undefined): KeptRun[] {
  const own = [...state.runs.values()].filter((run) => run.experiment === experiment);
  own.sort((a, b) => (a.name < b.name ? -1 : 1));
  return own.map((run) => ({
    experiment: [...state.experiments].find(([, id]) => id === experiment)![0],
    name: run.name,
    status: run.status,
    parent: state.runs.get(run.tags.get('mlflow.parentRunId') ?? '')?.name,
    params: Object.fromEntries(run.params),
    tags: Object.fromEntries(run.tags),
    metrics: Object.fromEntries(
      [...new Set([...run.points.values()].map((point) => point.key))].map((key) => [
        key,
        [...run.points.values()]
          .filter((point) => point.key === key)
          .map(({ value, step, timestamp }) => ({ value, step, timestampMs: timestamp }))
          .sort((a, b) => a.step - b.step),
      ]),
    ),
    artifacts: Object.fromEntries(run.artifacts),
  }));
}
