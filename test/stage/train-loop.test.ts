/** A loop that was stopped anywhere ends like one that was not. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import { createModel } from '../../src/nn/model.ts';
import { type Batch, createTrainer, type Trainer } from '../../src/nn/trainer.ts';
import type { StageContext } from '../../src/runner/stage.ts';
import { type TrainLoop, trainLoop } from '../../src/stage/train-loop.ts';

const shape = { vocabSize: 20, hiddenSize: 8, layers: 1, heads: 2, kvHeads: 1, headSize: 4, intermediateSize: 12 };
const model = createModel(
  { ...shape, maxLength: 32, ropeTheta: 10000, normEps: 1e-5, tieEmbeddings: true, previousTokenEmbedding: false },
  [],
  1,
);
const total = 40;

/** A batch that depends on the step alone. */
function batchAt(step: number): Batch {
  const rng = createRng(['batch', step]);
  const ids = (): Int32Array => Int32Array.from({ length: 16 }, () => rng.int(20));
  return { shape: { B: 2, T: 8 }, tokens: ids(), targets: ids(), weights: new Float32Array(16).fill(1) };
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-loop-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Trained {
  readonly parameters: Float32Array;
  readonly last: Readonly<Record<string, number>>;
  readonly steps: readonly number[];
  readonly logged: readonly number[];
}

/** Trains in the folder; `stopAt` aborts before that step, `checkpointSeconds` -1 saves after every step. */
async function train(options: { checkpointSeconds?: number; stopAt?: number }): Promise<Trained> {
  const controller = new AbortController();
  const steps: number[] = [];
  const logged: number[] = [];
  const context: StageContext = {
    node: { id: 'sft', stage: 'sft', version: 1, params: {}, resources: {}, inputs: {} },
    folder,
    inputs: {},
    signal: controller.signal,
    progress: () => {},
    metrics: (step) => void logged.push(step),
  };
  await using trainer: Trainer = createTrainer(model, {
    engine: 'onnx',
    threads: 1,
    objective: 'language',
    adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    clipNorm: 1,
  });
  const loop: TrainLoop = {
    context,
    trainer,
    name: 'test',
    schedule: { peak: 0.01, shape: 'cosine', floor: 0.1, warmup: 4, total },
    batchesAt: (step) => {
      steps.push(step);
      if (step + 1 === options.stopAt) controller.abort(new Error('stopped'));
      return [batchAt(step)];
    },
    ...(options.checkpointSeconds === undefined ? {} : { checkpointSeconds: options.checkpointSeconds }),
  };
  const last = await trainLoop(loop);
  return { parameters: trainer.model.parameters, last, steps, logged };
}

describe('trainLoop()', () => {
  it.each([1, 17, 38])('goes on from its checkpoint after step %d and ends with the same bits', async (stopAt) => {
    const whole = await train({});
    expect(whole.steps).toEqual(Array.from({ length: total }, (_, step) => step));
    await expect(train({ checkpointSeconds: -1, stopAt })).rejects.toThrow('stopped');
    expect(await readdir(folder)).toEqual(['.checkpoint-test']);
    const resumed = await train({ checkpointSeconds: -1 });
    expect(resumed.steps).toEqual(whole.steps.slice(stopAt));
    expect(resumed.parameters).toEqual(whole.parameters);
    expect(resumed.last).toEqual(whole.last); // also where the checkpoint lies among the last tenth, steps 36 to 39
  });

  it('begins anew without a checkpoint, and keeps those of other loops apart', async () => {
    await expect(train({ stopAt: 9 })).rejects.toThrow('stopped');
    expect(await readdir(folder)).toEqual([]);
    expect((await train({})).steps[0]).toBe(0);
  });

  it('reports every tenth step and the last, and the mean of the last tenth', async () => {
    const { logged, last } = await train({});
    expect(logged).toEqual([0, 10, 20, 30, 39]);
    expect(Object.keys(last)).toContain('crossEntropy');
    expect(last.loss).toBeGreaterThan(0);
  });
});
