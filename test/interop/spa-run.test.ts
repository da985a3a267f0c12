/** The whole command against a real MLflow server: what a run leaves there, and what happens when the server dies under it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMlflowServer, type MlflowServer } from './mlflow-server.ts';

const command = fileURLToPath(new URL('../../src/cli/spa.mjs', import.meta.url));
const manifest = fileURLToPath(new URL('../e2e/fixtures/tiny.json', import.meta.url));
const stages = ['demonstrate', 'sft', 'evaluate:sft', 'explore', 'estimate', 'attribute', 'optimise', 'evaluate'];

let folder: string;
let server: MlflowServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-mlflow-run-'));
  await copyFile(manifest, join(folder, 'tiny.json'));
  server = await createMlflowServer(folder);
  await server.start();
});
afterAll(async () => {
  await server.kill();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `spa run tiny.json`; `onOutput` sees everything printed so far. */
function spaRun(
  words: readonly string[],
  onOutput: (out: string, child: ChildProcess) => void = () => {},
): Promise<Ended> {
  const env = { ...process.env, MLFLOW_TRACKING_URI: server.uri, NO_COLOR: '1' };
  const child = spawn(process.execPath, [command, 'run', 'tiny.json', ...words], { cwd: folder, env });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
    onOutput(out, child);
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

interface ServedRun {
  readonly info: { readonly run_id: string; readonly status: string };
  readonly data: {
    readonly tags: readonly { readonly key: string; readonly value: string }[];
    readonly params?: readonly { readonly key: string; readonly value: string }[];
    readonly metrics?: readonly { readonly key: string; readonly value: number }[];
  };
}

async function api<T>(path: string, body: unknown): Promise<T> {
  const response = await fetch(`${server.uri}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

/** The runs of one `spa run`, the parent under the name `run`, the stages under theirs. */
async function servedRuns(runId: string): Promise<Map<string, ServedRun>> {
  const { experiments } = await api<{ experiments: { experiment_id: string; name: string }[] }>('experiments/search', {
    max_results: 100,
  });
  const id = experiments.find(({ name }) => name === 'tiny')?.experiment_id;
  const filter = `tags."spa.run" = '${runId}'`;
  const { runs } = await api<{ runs?: ServedRun[] }>('runs/search', { experiment_ids: [id], filter, max_results: 100 });
  const tag = (run: ServedRun, key: string) => run.data.tags.find((candidate) => candidate.key === key)?.value;
  return new Map(
    (runs ?? []).map((run) => [
      tag(run, 'spa.stage') === undefined ? 'run' : tag(run, 'spa.node')!.split('/')[0]!,
      run,
    ]),
  );
}

const runIdOf = ({ out }: Ended): string => /run (\d{8}-\d{6}-\w+) in/.exec(out)![1]!;

describe('spa run with a real MLflow server', () => {
  it('leaves a parent run with one nested run per stage, with parameters, step-wise metrics and artifacts', async () => {
    const ended = await spaRun([]);
    expect(ended).toMatchObject({ code: 0 });
    const runs = await servedRuns(runIdOf(ended));
    expect([...runs.keys()].sort()).toEqual(['run', ...stages].sort());
    const parent = runs.get('run')!;
    for (const stage of stages) {
      const run = runs.get(stage)!;
      expect(run.info.status).toBe('FINISHED');
      expect(run.data.tags).toContainEqual({ key: 'mlflow.parentRunId', value: parent.info.run_id });
    }
    expect(parent.data.params).toContainEqual({ key: 'ppo.learningRate', value: '0.001' });
    const sft = runs.get('sft')!.info.run_id;
    const history = await fetch(
      `${server.uri}/api/2.0/mlflow/metrics/get-history?run_id=${sft}&metric_key=sft/loss&max_results=1000`,
    ).then((response) => response.json() as Promise<{ metrics: { step: number; value: number }[] }>);
    expect(history.metrics.length).toBeGreaterThan(1);
    expect(history.metrics.at(-1)!.value).toBeLessThan(history.metrics[0]!.value);
    const artifact = await fetch(`${server.uri}/get-artifact?run_id=${parent.info.run_id}&path=result.txt`);
    expect(await artifact.text()).toContain('success [95 %]');
  });

  it('ends well when the server is killed under it, and the next run delivers what waited', async () => {
    let killing: Promise<void> | undefined;
    const ended = await spaRun(['--set', 'sft.learningRate=0.009', '--json'], (out) => {
      if (killing === undefined && out.includes('"node":"sft/seed=1"')) killing = server.kill();
    });
    await killing;
    expect(ended.code).toBe(0);
    expect(ended.err).toMatch(/\d+ records wait for/);
    const run = (JSON.parse(ended.out.trim().split('\n').at(-1)!) as { run: string }).run;
    await server.start();
    const next = await spaRun(['--set', 'sft.learningRate=0.009']);
    expect(next).toMatchObject({ code: 0, err: '' });
    expect(next.out.match(/^cached /gm)).toHaveLength(stages.length);
    const runs = await servedRuns(run);
    expect([...runs.keys()].sort()).toEqual(['run', ...stages].sort());
    for (const served of runs.values()) expect(served.info.status).toBe('FINISHED');
  });
});
