/** The tracker against the real MLflow: its server, and its own reader of our file store. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMlflowClient } from '../../src/track/mlflow-client.ts';
import { readConnection } from '../../src/track/mlflow-connection.ts';
import { openTracker } from '../../src/track/open-tracker.ts';
import { type KeptRun, testTracker } from '../contract/tracker.ts';
import { createMlflowServer, type MlflowServer } from './mlflow-server.ts';
import { programOf, runPython } from './python.ts';

let folder: string;
let server: MlflowServer;
const env = { HOME: tmpdir(), MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0.1' };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spa-mlflow-'));
  server = await createMlflowServer(folder);
  await server.start();
});
afterAll(async () => {
  await server.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Reads with MLflow's own Python client. */
async function readWithMlflow(uri: string, experiment: string): Promise<KeptRun[]> {
  const runs = await runPython<KeptRun[]>('read_file_store.py', [uri, experiment]);
  return runs.map((run) => ({
    ...run,
    parent: run.parent ?? undefined,
    metrics: Object.fromEntries(
      Object.entries(run.metrics).map(([key, points]) => [
        key,
        points.map((point) => ({ ...point, value: Number(point.value) })),
      ]),
    ),
  }));
}

testTracker('real MLflow server', () => ({
  uri: server.uri,
  env,
  read: (experiment) => readWithMlflow(server.uri, experiment),
}));

const fileStore = (): string => pathToFileURL(join(folder, 'mlruns')).href;
testTracker('file store read by the real MLflow', () => ({
  uri: fileStore(),
  env,
  read: (experiment) => readWithMlflow(fileStore(), experiment),
}));

describe('a real MLflow server', () => {
  const open = (closeTimeoutMs = 60_000) =>
    openTracker(server.uri, { outboxFolder: join(folder, 'outbox'), env, closeTimeoutMs });
  const points = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({
      key: 'loss',
      value: from + i,
      step: from + i,
      timestampMs: 1e12 + from + i,
    }));

  it('that is killed in the middle of a run stops nothing, and gets the rest at the next start', async () => {
    const tracker = await open(2000);
    const sweep = tracker.run('outage', { name: 'sweep', identity: 'sweep' });
    const trial = sweep.child({ name: 'trial', identity: 'trial' });
    trial.metrics(points(0, 1500));
    await untilPoints('outage', 1500);
    await server.kill();
    trial.metrics(points(1500, 3000));
    const late = sweep.child({ name: 'trial 2', identity: 'trial 2' });
    late.params({ seed: '2' });
    late.finish('FINISHED');
    trial.finish('FINISHED');
    sweep.finish('FINISHED');
    const start = performance.now();
    const closed = await tracker.close();
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(closed.waiting).toBe(6);
    expect(closed.reason).toContain('ECONNREFUSED');

    await server.start();
    expect(await (await open()).close()).toEqual({ waiting: 0 });
    const runs = await readWithMlflow(server.uri, 'outage');
    expect(runs.map(({ name, parent, status }) => [name, parent, status])).toEqual([
      ['sweep', undefined, 'FINISHED'],
      ['trial', 'sweep', 'FINISHED'],
      ['trial 2', 'sweep', 'FINISHED'],
    ]);
    expect(runs[1]!.metrics.loss).toEqual(points(0, 3000).map(({ key: _, ...point }) => point));
  });

  it('gives back the bytes of an artifact of 20 MB', async () => {
    const bytes = randomBytes(20e6);
    const file = join(folder, 'big.bin');
    writeFileSync(file, bytes);
    const tracker = await open();
    tracker.run('artifacts', { name: 'run', identity: 'run' }).artifact('model/big file.bin', file);
    expect(await tracker.close()).toEqual({ waiting: 0 });
    const client = clientOf();
    const experiment = await client.findExperiment('artifacts');
    const [run] = await client.searchRuns(experiment!.experiment_id, '');
    const query = new URLSearchParams({ run_id: run!.info.run_id, path: 'model/big file.bin' });
    const answer = await fetch(`${server.uri}/get-artifact?${query}`);
    const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
    expect(digest(new Uint8Array(await answer.arrayBuffer()))).toBe(digest(bytes));
  });

  it('imports a file store by its own migration', async () => {
    const root = join(folder, 'to-migrate');
    const tracker = await openTracker(`file:${root}`, { outboxFolder: join(folder, 'outbox-2'), env });
    const run = tracker.run('moved', { name: 'run', identity: 'run' });
    run.params({ lr: '1e-5' });
    run.metrics([{ key: 'nan', value: Number.NaN, step: 0, timestampMs: 1 }, ...points(0, 3)]);
    run.finish('FINISHED');
    await tracker.close();
    const database = `sqlite:///${join(folder, 'migrated.db')}`;
    const migration = ['migrate-filestore', '--source', root, '--target', database];
    execFileSync(programOf('mlflow'), migration, {
      env: { ...process.env, MLFLOW_ALLOW_FILE_STORE: 'true' },
      stdio: 'pipe',
    });
    const [moved] = await readWithMlflow(database, 'moved');
    expect(moved).toMatchObject({ name: 'run', status: 'FINISHED', params: { lr: '1e-5' } });
    expect(moved!.metrics).toEqual({
      nan: [{ value: Number.NaN, step: 0, timestampMs: 1 }],
      loss: points(0, 3).map(({ key: _, ...point }) => point),
    });
  });

  function clientOf() {
    const never = new AbortController().signal;
    return createMlflowClient(readConnection(server.uri, env), { signal: never, hurry: never });
  }

  async function untilPoints(name: string, count: number): Promise<void> {
    const client = clientOf();
    for (;;) {
      const experiment = await client.findExperiment(name);
      const runs = experiment === undefined ? [] : await client.searchRuns(experiment.experiment_id, '');
      const steps = runs
        .flatMap((run) => run.data.metrics ?? [])
        .map((metric) => Number('step' in metric ? metric.step : 0));
      if (Math.max(-1, ...steps) === count - 1) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});
