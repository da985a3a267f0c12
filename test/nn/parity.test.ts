/** The same training on ONNX Runtime and on pure JavaScript: same losses, same weights after 30 steps. */
import { describe, expect, it } from 'vitest';
import type { Objective } from '../../src/nn/batch.ts';
import { createTrainer, type Trainer, type TrainerOptions } from '../../src/nn/trainer.ts';
import { largestDifference, randomBatch, tinyModel } from './support.ts';

const steps = 30;

function optionsFor(objective: Objective, engine: 'onnx' | 'cpu'): TrainerOptions {
  return {
    engine,
    threads: 2,
    objective,
    // epsilon keeps g / |g| from amplifying the rounding of gradients near 0
    adam: { beta1: 0.9, beta2: 0.95, epsilon: 1e-5, weightDecay: 0.05 },
    clipNorm: 1,
    ppo: { clip: 0.2, valueClip: 0.2, valueCoefficient: 0.5, klCoefficient: 0.1, entropyCoefficient: 0.01 },
  };
}

/** Trains a model on two alternating batches and returns all that was reported. */
async function train(trainer: Trainer): Promise<Record<string, number>[]> {
  const shape = { B: 3, T: 32 };
  const batches = [randomBatch(shape, 1), randomBatch(shape, 2)];
  const reports: Record<string, number>[] = [];
  for (let step = 0; step < steps; step++) reports.push(await trainer.step([batches[step % 2]!], 1e-3));
  return reports;
}

describe.each(['language', 'progress', 'value', 'ppo'] as const)('objective %s', (objective) => {
  it(`trains ${steps} steps on onnx as on cpu, every report and weight within 1e-5`, async () => {
    const model = tinyModel(['value', 'progress'], { layers: 1, previousTokenEmbedding: true });
    await using native = createTrainer(model, optionsFor(objective, 'onnx'));
    await using reference = createTrainer(model, optionsFor(objective, 'cpu'));
    const [a, b] = [await train(native), await train(reference)];
    for (const [step, report] of a.entries()) {
      expect(Object.keys(report)).toEqual(Object.keys(b[step]!));
      expect(largestDifference(Object.values(report), Object.values(b[step]!)), `step ${step}`).toBeLessThanOrEqual(
        1e-5,
      );
    }
    expect(largestDifference(native.model.parameters, reference.model.parameters)).toBeLessThanOrEqual(1e-5);
    expect(largestDifference(native.model.parameters, model.parameters)).toBeGreaterThan(1e-3);
  });
});
