/**
 * The loop every learning stage runs: steps whose batches are a function of the step number, so that a run killed anywhere goes on
 * from its last checkpoint and ends with the same weights as one that was not.
 */
import { join } from 'node:path';
import { readTextIfPresent, writeFileAtomic } from '../base/file.ts';
import { learningRateAt, type Schedule } from '../nn/schedule.ts';
import type { Batch, Trainer } from '../nn/trainer.ts';
import { loadTrainerState, saveTrainerState } from '../nn/trainer-state.ts';
import type { StageContext } from '../runner/stage.ts';

/** What a loop needs. */
export interface TrainLoop {
  readonly context: StageContext;
  readonly trainer: Trainer;
  /** Name of the loop inside its stage; separates its checkpoint and its metrics. */
  readonly name: string;
  readonly schedule: Schedule;
  /** Batches of one step, a function of its number alone. */
  readonly batchesAt: (step: number) => readonly Batch[];
  /** Seconds between checkpoints. Default 20. */
  readonly checkpointSeconds?: number;
}

/** Trains for the steps of the schedule; returns the mean of each metric over the last tenth of them. */
export async function trainLoop(loop: TrainLoop): Promise<Readonly<Record<string, number>>> {
  const { context, trainer, name, schedule } = loop;
  const steps = schedule.total;
  const checkpoint = join(context.folder, `.checkpoint-${name}`);
  const saved = await loadTrainerState(checkpoint);
  if (saved !== undefined) trainer.restore(saved);
  const lastTenth = steps - Math.max(1, Math.ceil(steps / 10));
  const last = saved === undefined ? [] : await loadLast(checkpoint, saved.step);
  let savedAt = performance.now();
  for (let step = saved?.step ?? 0; step < steps; step++) {
    context.signal.throwIfAborted();
    const rate = learningRateAt(step, schedule);
    const metrics = await trainer.step(loop.batchesAt(step), rate);
    if (step >= lastTenth) last.push({ step, metrics });
    const isLast = step + 1 === steps;
    if (step % 10 === 0 || isLast) {
      context.metrics(step, prefixed(name, { ...metrics, learningRate: rate }));
      context.progress({
        done: step + 1,
        total: steps,
        unit: 'steps',
        note: `${name} loss ${(metrics.loss ?? Number.NaN).toFixed(3)}`,
      });
    }
    if (performance.now() - savedAt > 1000 * (loop.checkpointSeconds ?? 20) && !isLast) {
      await writeFileAtomic(join(checkpoint, lastFile), JSON.stringify(last)); // first: it may be ahead of the state, never behind
      await saveTrainerState(checkpoint, trainer.state());
      savedAt = performance.now();
    }
  }
  return meanOf(last.map(({ metrics }) => metrics));
}

/** What the steps of the last tenth reported, beside the trainer's state. */
const lastFile = 'last.json';

interface Reported {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Reads what the steps before `step` reported. */
async function loadLast(checkpoint: string, step: number): Promise<Reported[]> {
  const text = (await readTextIfPresent(join(checkpoint, lastFile))) ?? '[]';
  const rows = JSON.parse(text) as { step: number; metrics: Record<string, number | null> }[]; // written by the loop above
  return rows
    .filter((row) => row.step < step)
    .map((row) => ({
      step: row.step,
      metrics: Object.fromEntries(Object.entries(row.metrics).map(([name, value]) => [name, value ?? Number.NaN])), // JSON has no NaN
    }));
}

function prefixed(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}/${key}`, value]));
}

function meanOf(rows: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const row of rows)
    for (const [key, value] of Object.entries(row)) sums[key] = (sums[key] ?? 0) + value / rows.length;
  return sums;
}
