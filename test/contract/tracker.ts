/** What every tracker owes its callers; run on each fulfilment. A harness opens trackers on one place and reads back what is there. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Env } from '../../src/track/mlflow-connection.ts';
import { openTracker } from '../../src/track/open-tracker.ts';

/** One run as it is kept. */
export interface KeptRun {
  readonly experiment: string;
  readonly name: string;
  readonly status: 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED';
  /** Name of the run it is nested in. */
  readonly parent: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Points in order of step; infinities as the place can hold them. */
  readonly metrics: Readonly<Record<string, readonly { value: number; step: number; timestampMs: number }[]>>;
  /** Path -> text. */
  readonly artifacts: Readonly<Record<string, string>>;
}

/** A place to track to. */
export interface TrackerPlace {
  readonly uri: string;
  readonly env: Env;
  /** Reads the runs of an experiment, in order of their names; undefined where nothing is kept. */
  read(experiment: string): Promise<readonly KeptRun[] | undefined>;
}

let folder: string;
let counter = 0;

/** Runs the suite on a place. `place` is called once the suite's hooks have made it. */
export function testTracker(name: string, place: () => TrackerPlace): void {
  describe(`a tracker: ${name}`, () => {
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'spa-track-'));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));
    testKeeping(place);
    testContinuing(place);
  });
}

const freshExperiment = (): string => `contract é ${process.pid} ${counter++}`;

async function open(place: TrackerPlace, outbox = 'outbox') {
  return await openTracker(place.uri, { outboxFolder: join(folder, outbox), env: place.env, closeTimeoutMs: 60_000 });
}

function testKeeping(place: () => TrackerPlace): void {
  it('keeps params, tags, metrics by step, artifacts and nested runs', async () => {
    const experiment = freshExperiment();
    const tracker = await open(place());
    const plot = join(folder, 'plot.svg');
    writeFileSync(plot, '<svg>é</svg>');
    const sweep = tracker.run(experiment, { name: 'a sweep', identity: 'sweep-1', tags: { kind: 'sweep' } });
    const trial = sweep.child({ name: 'b trial', identity: 'trial-1' });
    trial.params({ 'model/layers': '4', lr: '1e-5', empty: 'no' });
    trial.metrics(
      [0, 1, 2].map((step) => ({
        key: 'train/loss',
        value: 1 / (step + 1),
        step,
        timestampMs: 1_790_000_000_000 + step,
      })),
    );
    trial.metrics([{ key: 'nan', value: Number.NaN, step: 0, timestampMs: 1_790_000_000_000 }]);
    trial.artifact('plots/a plot.svg', plot);
    trial.tags({ note: 'line 1\nline 2: # "x"' });
    trial.finish('FINISHED');
    sweep.finish('FAILED');
    expect(await tracker.close()).toEqual({ waiting: 0 });

    const runs = await place().read(experiment);
    if (runs === undefined) return;
    expect(runs.map(({ name, status, parent }) => ({ name, status, parent }))).toEqual([
      { name: 'a sweep', status: 'FAILED', parent: undefined },
      { name: 'b trial', status: 'FINISHED', parent: 'a sweep' },
    ]);
    const [kept, keptTrial] = runs;
    expect(kept!.tags).toMatchObject({ kind: 'sweep', 'spa.identity': sweep.id, 'mlflow.source.name': 'spa' });
    expect(keptTrial!.tags).toMatchObject({ note: 'line 1\nline 2: # "x"' });
    expect(keptTrial!.params).toEqual({ 'model/layers': '4', lr: '1e-5', empty: 'no' });
    expect(keptTrial!.metrics).toEqual({
      'train/loss': [0, 1, 2].map((step) => ({ value: 1 / (step + 1), step, timestampMs: 1_790_000_000_000 + step })),
      nan: [{ value: Number.NaN, step: 0, timestampMs: 1_790_000_000_000 }],
    });
    expect(keptTrial!.artifacts).toEqual({ 'plots/a plot.svg': '<svg>é</svg>' });
  });

  it('keeps thousands of points, hundreds of params and tags, and the full text of long values', async () => {
    const experiment = freshExperiment();
    const tracker = await open(place());
    const run = tracker.run(experiment, { name: 'big', identity: 'big' });
    const many = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 230 }, (_, i) => [`${prefix}${i}`, `${i}`]));
    const points = Array.from({ length: 2500 }, (_, step) => ({
      key: 'm',
      value: step / 2,
      step,
      timestampMs: 1e12 + step,
    }));
    const long = '🍎'.repeat(4000);
    run.params({ ...many('p'), long });
    run.tags(many('t'));
    run.metrics(points);
    run.finish('FINISHED');
    expect(await tracker.close()).toEqual({ waiting: 0 });

    const [kept] = (await place().read(experiment)) ?? [];
    if (kept === undefined) return;
    expect(Object.keys(kept.params)).toHaveLength(231);
    expect(kept.params).toMatchObject(many('p'));
    expect(kept.params.long).toBe('🍎'.repeat(3000));
    expect(kept.artifacts).toEqual({ 'params/long.txt': long });
    expect(kept.tags).toMatchObject(many('t'));
    expect(kept.metrics.m).toEqual(points.map(({ key: _, ...point }) => point));
  });

  it('makes names that MLflow refuses acceptable, and keeps them below their folder', async () => {
    const experiment = freshExperiment();
    const tracker = await open(place());
    const run = tracker.run(experiment, { name: 'names', identity: 'names' });
    run.params({ 'a:b[0]': '1', '../up': '2', '/abs//x/': '3', '': '4' });
    run.metrics([{ key: 'acc@1', value: 1, step: 0, timestampMs: 1e12 }]);
    expect(await tracker.close()).toEqual({ waiting: 0 });
    const [kept] = (await place().read(experiment)) ?? [];
    if (kept === undefined) return;
    expect(kept.params).toEqual({ a_b_0_: '1', '__/up': '2', 'abs/x': '3', _: '4' });
    expect(Object.keys(kept.metrics)).toEqual(['acc_1']);
    expect(kept.status).toBe('RUNNING');
  });
}

function testContinuing(place: () => TrackerPlace): void {
  it('continues the run of the same identity and keeps a repeated point once', async () => {
    const experiment = freshExperiment();
    const play = async (steps: readonly number[], status: 'KILLED' | 'FINISHED') => {
      const tracker = await open(place(), `outbox-${status}`);
      const run = tracker.run(experiment, { name: 'run', identity: 'same' });
      const child = run.child({ name: 'stage', identity: 'same/stage' });
      run.params({ seed: '1' });
      child.metrics(steps.map((step) => ({ key: 'loss', value: step, step, timestampMs: 1e12 + step })));
      child.finish(status);
      run.finish(status);
      expect(await tracker.close()).toEqual({ waiting: 0 });
      return run.id;
    };
    const first = await play([0, 1, 2], 'KILLED');
    const second = await play([2, 3], 'FINISHED');
    expect(second).toBe(first);
    expect(first).toMatch(/^[0-9a-f]{32}$/);

    const runs = await place().read(experiment);
    if (runs === undefined) return;
    expect(runs.map((run) => [run.name, run.status])).toEqual([
      ['run', 'FINISHED'],
      ['stage', 'FINISHED'],
    ]);
    expect(runs[1]!.metrics.loss!.map((point) => point.step)).toEqual([0, 1, 2, 3]);
  });

  it('says what is refused for good, and delivers the rest', async () => {
    const experiment = freshExperiment();
    const tracker = await open(place());
    const run = tracker.run(experiment, { name: 'refusal', identity: 'refusal' });
    run.params({ lr: '1' });
    run.params({ lr: '2', batch: '8' });
    run.artifact('gone.txt', join(folder, 'gone.txt'));
    run.metrics([{ key: 'm', value: 1, step: 0, timestampMs: 1e12 }]);
    run.finish('FINISHED');
    const closed = await tracker.close();
    expect(closed.waiting).toBe(0);
    const [kept] = (await place().read(experiment)) ?? [];
    if (kept === undefined) return;
    expect(closed.reason).toContain('lr');
    expect(closed.reason).toContain('artifact "gone.txt"');
    expect(kept.params).toEqual({ lr: '1', batch: '8' });
    expect(kept.metrics.m).toHaveLength(1);
    expect(kept.status).toBe('FINISHED');
  });

  it('leaves nothing in the outbox once all is delivered', async () => {
    const tracker = await open(place());
    tracker.run(freshExperiment(), { name: 'run', identity: 'x' }).finish('FINISHED');
    await tracker.close();
    const left = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => /\.(jsonl|lock|gate)/.test(name))).toEqual([]);
  });
}
