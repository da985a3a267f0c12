/** What a tracker does when its server does not do its part. */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Env } from '../../src/track/mlflow-connection.ts';
import { openTracker } from '../../src/track/open-tracker.ts';
import type { Tracker } from '../../src/track/tracker.ts';
import { type Fault, startFakeServer } from './fake-server.ts';

let server: Awaited<ReturnType<typeof startFakeServer>>;
let outboxFolder: string;
beforeEach(async () => {
  server = await startFakeServer();
  outboxFolder = mkdtempSync(join(tmpdir(), 'spa-outbox-'));
});
afterEach(async () => {
  await server.stop();
  rmSync(outboxFolder, { recursive: true, force: true });
});

async function open(
  options: { uri?: string; env?: Env; closeTimeoutMs?: number; closeTotalMs?: number } = {},
): Promise<Tracker> {
  return await openTracker(options.uri ?? server.uri, {
    outboxFolder,
    env: { ...server.place.env, ...options.env },
    closeTimeoutMs: options.closeTimeoutMs ?? 20_000,
    ...(options.closeTotalMs === undefined ? {} : { closeTotalMs: options.closeTotalMs }),
    now: () => 1_790_000_000_000,
  });
}

function play(tracker: Tracker): void {
  const run = tracker.run('exp', { name: 'run', identity: 'run' });
  run.params({ seed: '1' });
  run.metrics([{ key: 'loss', value: 0.5, step: 3, timestampMs: 1_780_000_000_000 }]);
  run.finish('FINISHED');
}

/** Seven runs of three records and at least three requests each. */
function playMany(tracker: Tracker): void {
  for (let n = 0; n < 7; n++) {
    const run = tracker.run('exp', { name: `run ${n}`, identity: `run ${n}` });
    run.metrics([{ key: 'loss', value: n, step: 0, timestampMs: 1_780_000_000_000 }]);
    run.finish('FINISHED');
  }
}

const whole = { name: 'run', status: 'FINISHED', params: { seed: '1' } };
const loss = [{ value: 0.5, step: 3, timestampMs: 1_780_000_000_000 }];

async function expectOneWholeRun(): Promise<void> {
  const runs = await server.place.read('exp');
  expect(runs).toHaveLength(1);
  expect(runs![0]).toMatchObject({ ...whole, metrics: { loss } });
}

describe('a faulty server', () => {
  it.each<[string, Fault[]]>([
    ['answers 500 and then works', [500, 503]],
    ['asks for patience (429)', [429, 429]],
    ['breaks connections', ['reset', 'reset']],
    ['loses its answers, also the one to a create', Array.from({ length: 10 }, () => 'answer lost')],
  ])('that %s gets everything once', async (_, faults) => {
    server.faults.push(...faults);
    const tracker = await open();
    play(tracker);
    expect(await tracker.close()).toEqual({ waiting: 0 });
    await expectOneWholeRun();
  });

  it('that cannot be reached costs nothing: records wait, and the next start delivers them with their own times', async () => {
    const { port } = new URL(server.uri);
    await server.stop();
    const tracker = await open();
    play(tracker);
    const start = performance.now();
    const closed = await tracker.close();
    expect(closed).toMatchObject({ waiting: 4, reason: expect.stringContaining('ECONNREFUSED') });
    expect(performance.now() - start).toBeLessThan(10_000);

    server = await startFakeServer();
    expect(new URL(server.uri).port).not.toBe(port);
    const next = await open();
    expect(await next.close()).toEqual({ waiting: 0 });
    await expectOneWholeRun();
  });

  it('that hangs is left after the time limit, and nothing is lost', async () => {
    server.faults.push('hang');
    const tracker = await open({ closeTimeoutMs: 300 });
    play(tracker);
    const start = performance.now();
    expect(await tracker.close()).toMatchObject({ waiting: 4 });
    expect(performance.now() - start).toBeLessThan(3000);
    expect(await (await open()).close()).toEqual({ waiting: 0 });
    await expectOneWholeRun();
  });

  it('that is slow gets everything, as long as it keeps answering', async () => {
    server.slowness.ms = 60;
    const tracker = await open({ closeTimeoutMs: 1000 });
    playMany(tracker);
    const start = performance.now();
    expect(await tracker.close()).toEqual({ waiting: 0 });
    expect(performance.now() - start).toBeGreaterThan(1000); // 30 requests, 60 ms each
    expect(await server.place.read('exp')).toHaveLength(7);
  });

  it('that is too slow for the whole time limit gets more with every start', async () => {
    server.slowness.ms = 100;
    const tracker = await open({ closeTotalMs: 1500 });
    playMany(tracker);
    let { waiting } = await tracker.close();
    for (let start = 0; waiting > 0; start++) {
      expect(start).toBeLessThan(20);
      const next = await (await open({ closeTotalMs: 1500 })).close();
      expect(next.waiting).toBeLessThan(waiting);
      waiting = next.waiting;
    }
    expect(await server.place.read('exp')).toHaveLength(7);
  });

  it('that makes a run is not told that the run is running', async () => {
    const tracker = await open();
    play(tracker);
    await tracker.close();
    const paths = server.requests.map(({ path }) => path.replace('/api/2.0/mlflow/', ''));
    expect(paths).toEqual([
      'experiments/get-by-name',
      'experiments/create',
      'runs/search',
      'runs/create',
      'runs/log-batch',
      'runs/update',
    ]);
  });

  it('that answers late is given up after MLFLOW_HTTP_REQUEST_TIMEOUT and asked again', async () => {
    server.faults.push('hang');
    const tracker = await open({ env: { MLFLOW_HTTP_REQUEST_TIMEOUT: '2' } }); // a busy machine must not look late
    play(tracker);
    expect(await tracker.close()).toEqual({ waiting: 0 });
    await expectOneWholeRun();
  });

  it('that refuses (400) is not asked again', async () => {
    const tracker = await open();
    const run = tracker.run('exp', { name: 'run', identity: 'run' });
    await settled();
    const before = server.requests.length;
    server.faults.push(400);
    run.metrics([{ key: 'loss', value: 1, step: 0, timestampMs: 1 }]);
    const closed = await tracker.close();
    expect(closed.waiting).toBe(0);
    expect(closed.reason).toMatch(
      /^loss: Cannot POST ".*runs\/log-batch": 400 fault 400, expected an answer of MLflow$/,
    );
    expect(server.requests.length).toBe(before + 1);
  });

  it('that does not let us in (401) keeps everything waiting', async () => {
    server.faults.push(...Array.from({ length: 20 }, () => 401));
    const tracker = await open({ closeTimeoutMs: 500 });
    play(tracker);
    expect(await tracker.close()).toMatchObject({ waiting: 4, reason: expect.stringContaining('401') });
  });

  it('that refuses every value is not asked a thousand times', async () => {
    const tracker = await open();
    const run = tracker.run('exp', { name: 'run', identity: 'run' });
    await settled();
    server.faults.push(...Array.from({ length: 1000 }, () => 400));
    run.metrics(Array.from({ length: 1000 }, (_, step) => ({ key: 'm', value: 1, step, timestampMs: 1 })));
    const before = server.requests.length;
    await tracker.close();
    expect(server.requests.length - before).toBeLessThan(50);
  });

  it('that is not MLflow is said to be so', async () => {
    const tracker = await open({ uri: `${server.uri}/elsewhere`, closeTimeoutMs: 500 });
    play(tracker);
    expect((await tracker.close()).reason).toContain('404 /elsewhere/api/2.0/mlflow/experiments/get-by-name');
  });

  it('that keeps artifacts where only it can reach them gets the rest', async () => {
    await server.stop();
    server = await startFakeServer('s3://bucket');
    const file = join(outboxFolder, 'a.txt');
    writeFileSync(file, 'a');
    const tracker = await open();
    tracker.run('exp', { name: 'run', identity: 'run' }).artifact('a.txt', file);
    const closed = await tracker.close();
    expect(closed).toMatchObject({ waiting: 0, reason: expect.stringContaining('artifact "a.txt": the server keeps') });
  });

  it('of this machine with a local artifact folder gets its files copied', async () => {
    await server.stop();
    server = await startFakeServer(`file://${outboxFolder}/artifacts`);
    const file = join(outboxFolder, 'a.txt');
    writeFileSync(file, 'text');
    const tracker = await open();
    tracker.run('exp', { name: 'run', identity: 'run' }).artifact('deep/a.txt', file);
    expect(await tracker.close()).toEqual({ waiting: 0 });
    const run = [...server.runs.values()][0]!;
    expect(readFileSync(join(outboxFolder, 'artifacts/1', run.id, 'artifacts/deep/a.txt'), 'utf8')).toBe('text');
  });
});

describe('the outbox', () => {
  async function leaveWaiting(): Promise<string> {
    const tracker = await open({ uri: 'http://127.0.0.1:9', closeTimeoutMs: 100 }); // the discard port: nobody listens
    play(tracker);
    await tracker.close();
    return join(outboxFolder, readdirSync(outboxFolder).find((name) => name.endsWith('.jsonl'))!);
  }

  it('tolerates a last line that was cut off', async () => {
    appendFileSync(await leaveWaiting(), '{"type":"metrics","run":"x","val');
    const silent = await open({ uri: 'http://127.0.0.1:9', closeTimeoutMs: 100 }); // takes it over and cannot deliver it either
    expect(await silent.close()).toMatchObject({ waiting: 4 });
    expect(await (await open()).close()).toEqual({ waiting: 0 });
    await expectOneWholeRun();
  });

  it('drops a record whose run was never opened instead of waiting for ever', async () => {
    const file = await leaveWaiting();
    const [, ...rest] = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, rest.join('\n'));
    const closed = await (await open()).close();
    expect(closed).toMatchObject({
      waiting: 0,
      reason: expect.stringMatching(/^run "[0-9a-f]{32}": no record opens it$/),
    });
  });

  it('delivers what an earlier process left before what is new, into the same run', async () => {
    await leaveWaiting();
    const tracker = await open();
    const run = tracker.run('exp', { name: 'run', identity: 'run' });
    run.metrics([{ key: 'loss', value: 0.25, step: 4, timestampMs: 1_780_000_000_001 }]);
    run.finish('KILLED');
    expect(await tracker.close()).toEqual({ waiting: 0 });
    const runs = await server.place.read('exp');
    expect(runs).toHaveLength(1);
    expect(runs![0]).toMatchObject({ status: 'KILLED' });
    expect(runs![0]!.metrics.loss!.map((point) => point.step)).toEqual([3, 4]);
  });

  it('knows the parent of a child whose opening was delivered by an earlier process', async () => {
    const first = await open();
    const parent = first.run('exp', { name: 'a', identity: 'a' });
    await settled();
    server.faults.push(...Array.from({ length: 200 }, () => 503));
    parent.child({ name: 'b', identity: 'b' });
    expect((await first.close()).waiting).toBe(1);
    server.faults.length = 0;
    expect(await (await open()).close()).toEqual({ waiting: 0 });
    const runs = await server.place.read('exp');
    expect(runs!.map((run) => [run.name, run.parent])).toEqual([
      ['a', undefined],
      ['b', 'a'],
    ]);
  });

  it('of a living process is left alone', async () => {
    const first = await open({ uri: 'http://127.0.0.1:9', closeTimeoutMs: 100 });
    play(first);
    const second = await open();
    expect(await second.close()).toEqual({ waiting: 0 });
    expect(server.requests).toEqual([]);
    expect(await first.close()).toMatchObject({ waiting: 4 });
  });

  it('of a dead process is taken over, its lock included', async () => {
    const file = await leaveWaiting();
    mkdirSync(`${file}.lock`);
    writeFileSync(join(`${file}.lock`, 'owner.json'), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    expect(await (await open()).close()).toEqual({ waiting: 0 });
    await expectOneWholeRun();
    expect(readdirSync(outboxFolder)).toEqual([]);
  });
});

/** Waits until the server has seen a request and answered the ones before: its queue is empty for a few turns. */
async function settled(): Promise<void> {
  for (let quiet = 0, seen = -1; quiet < 20; quiet++) {
    if (server.requests.length !== seen || seen === 0) quiet = 0;
    seen = server.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
