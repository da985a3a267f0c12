/** The trainer: its gradients, its accounting over micro-batches, what it trains and how it resumes. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import type { Objective } from '../../src/nn/batch.ts';
import { layoutOf, viewOf } from '../../src/nn/layout.ts';
import { drawDropout } from '../../src/nn/lora.ts';
import type { Model } from '../../src/nn/model.ts';
import { createScorer } from '../../src/nn/scorer.ts';
import { createTrainer, type TrainerOptions } from '../../src/nn/trainer.ts';
import { largestDifference, randomBatch, tinyModel } from './support.ts';

const ppo = { clip: 0.2, valueClip: 0.2, valueCoefficient: 0.5, klCoefficient: 0.1, entropyCoefficient: 0.01 };

function options(objective: Objective, rest: Partial<TrainerOptions> = {}): TrainerOptions {
  return {
    engine: 'onnx',
    threads: 1,
    objective,
    adam: { beta1: 0.9, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.05 },
    clipNorm: 1,
    ppo,
    ...rest,
  };
}

/** First step of plain momentum without decay or clipping: the first moment is then 0.1 times the gradient. */
async function gradientOf(
  model: Model,
  objective: Objective,
  batch: ReturnType<typeof randomBatch>,
): Promise<Float32Array> {
  await using trainer = createTrainer(model, options(objective, { clipNorm: Number.POSITIVE_INFINITY }));
  await trainer.step([batch], 0);
  const { firstMoment } = trainer.state().parts.model!; // of what the objective trains, in the order of the layout
  const gradient = new Float32Array(model.parameters.length);
  let from = 0;
  for (const entry of layoutOf(model.config, model.heads).entries) {
    if (untrained[objective].test(entry.name)) continue;
    viewOf(gradient, entry).set(firstMoment.subarray(from, from + entry.size));
    from += entry.size;
  }
  expect(from).toBe(firstMoment.length);
  return gradient.map((moment) => moment / 0.1);
}

/** What an objective does not read. */
const untrained = {
  language: /(value|progress)_head/,
  progress: /value_head|^lm_head/,
  value: /progress_head|^lm_head/,
  ppo: /progress_head/,
};

describe('step()', () => {
  it.each(['language', 'progress', 'value', 'ppo'] as const)(
    'follows the slope of the loss: %s against finite differences',
    async (objective) => {
      const more = { language: { attentionBias: true }, ppo: { queryKeyNorm: true }, progress: {}, value: {} }[
        objective
      ];
      const config = { layers: 1, previousTokenEmbedding: true, tieEmbeddings: false, ...more };
      const model = tinyModel(['value', 'progress'], config);
      const batch = randomBatch({ B: 2, T: 64 }, 3);
      const gradient = await gradientOf(model, objective, batch);
      await using trainer = createTrainer(model, options(objective));
      let checked = 0;
      for (const entry of layoutOf(model.config, model.heads).entries) {
        // along the entry's own gradient the slope is its norm; the step is short because PPO's clipping has kinks
        const own = viewOf(gradient, entry);
        const norm = Math.hypot(...own);
        if (norm < 0.01) continue; // float32 cannot resolve its slope
        checked += 1;
        const lossAt = async (distance: number): Promise<number> => {
          trainer.model.parameters.set(model.parameters);
          viewOf(trainer.model.parameters, entry).forEach((value, i, view) => {
            view[i] = value + (distance * own[i]!) / norm;
          });
          return (await trainer.loss([batch])).loss!;
        };
        const slope = ((await lossAt(0.001)) - (await lossAt(-0.001))) / 0.002;
        expect(Math.abs(slope - norm) / norm, `${entry.name}: slope ${slope}, gradient ${norm}`).toBeLessThan(0.02);
      }
      expect(checked).toBeGreaterThanOrEqual(10);
    },
  );

  it('weighs micro-batches as one batch', async () => {
    const model = tinyModel(['value', 'progress']);
    const whole = randomBatch({ B: 4, T: 64 }, 4);
    const half = (from: number): typeof whole => {
      const rows = Object.entries(whole).map(([name, field]) => {
        if (name === 'shape') return [name, { B: 2, T: 64 }];
        const array = field as Float32Array;
        const perRow = array.length / 4;
        return [name, array.slice(from * perRow, (from + 2) * perRow)];
      });
      return Object.fromEntries(rows);
    };
    for (const objective of ['language', 'progress', 'value', 'ppo'] as const) {
      await using one = createTrainer(model, options(objective));
      await using two = createTrainer(model, options(objective));
      const [a, b] = [await one.step([whole], 1e-3), await two.step([half(0), half(2)], 1e-3)];
      expect(largestDifference(Object.values(a), Object.values(b))).toBeLessThan(2e-6);
      expect(largestDifference(one.model.parameters, two.model.parameters)).toBeLessThan(1e-5);
    }
  });

  it('leaves frozen parameters, and the model it was given, as they were', async () => {
    const model = tinyModel(['progress']);
    const before = model.parameters.slice();
    await using trainer = createTrainer(
      model,
      options('progress', { freeze: (name) => name.includes('k_proj') || name.includes('embed') }),
    );
    await trainer.step([randomBatch({ B: 2, T: 32 }, 5)], 1e-2);
    expect(model.parameters).toEqual(before);
    for (const entry of layoutOf(model.config, model.heads).entries) {
      const moved = largestDifference(viewOf(trainer.model.parameters, entry), viewOf(before, entry)) > 0;
      expect(moved, entry.name).toBe(!/k_proj|embed/.test(entry.name));
    }
  });

  it('does not let weight decay eat heads that the objective does not read', async () => {
    const model = tinyModel(['value', 'progress'], { tieEmbeddings: false });
    const trained = {
      language: /^(model|lm_head)/,
      progress: /^(model|progress)/,
      value: /^(model|value)/,
      ppo: /^(model|lm_head|value)/,
    };
    for (const [objective, names] of Object.entries(trained)) {
      await using trainer = createTrainer(model, options(objective as Objective)); // a key of the record above
      await trainer.step([randomBatch({ B: 2, T: 32 }, 5)], 1e-2);
      for (const entry of layoutOf(model.config, model.heads).entries) {
        const moved = largestDifference(viewOf(trainer.model.parameters, entry), viewOf(model.parameters, entry)) > 0;
        expect(moved, `${objective} ${entry.name}`).toBe(names.test(entry.name));
      }
    }
  });

  it('trains a separate critic without touching it by the policy, or the policy by it', async () => {
    const model = tinyModel([]);
    const critic = tinyModel(['value'], { layers: 1 }, 2);
    const batch = randomBatch({ B: 2, T: 32 }, 6);
    await using both = createTrainer(model, options('ppo', { critic }));
    await using alone = createTrainer(model, options('ppo'));
    const report = await both.step([batch], 1e-3);
    await alone.step([batch], 1e-3);
    expect(report.criticGradientNorm).toBeGreaterThan(0);
    expect(largestDifference(both.model.parameters, alone.model.parameters)).toBeLessThan(1e-7);
    expect(largestDifference(both.critic!.parameters, critic.parameters)).toBeGreaterThan(1e-5);
  });

  it('refuses a step that weighs nothing, and one whose loss is no number', async () => {
    await using trainer = createTrainer(tinyModel([]), options('ppo'));
    const batch = randomBatch({ B: 1, T: 32 }, 7);
    await expect(trainer.step([{ ...batch, weights: batch.weights.map(() => 0) }], 1)).rejects.toThrow(
      'Cannot take an optimiser step: the total of batch field "weights" is 0, expected a positive number',
    );
    const before = trainer.model.parameters.slice();
    await expect(trainer.step([{ ...batch, advantages: batch.advantages.map(() => Number.NaN) }], 1)).rejects.toThrow(
      'Cannot take optimiser step 1: loss NaN and gradient norm NaN, expected finite numbers',
    );
    expect(trainer.model.parameters).toEqual(before);
    const { advantages, ...incomplete } = batch;
    expect(advantages.length).toBe(32);
    await expect(trainer.step([incomplete], 1)).rejects.toThrow(
      'Cannot feed batch field "advantages": absent, expected 32 numbers',
    );
  });
});

describe('restore()', () => {
  it('continues bit by bit like a run that was never interrupted', async () => {
    const model = tinyModel(['progress'], {}, 3);
    const batches = [1, 2, 3, 4, 5, 6].map((seed) => randomBatch({ B: 4, T: 64 }, seed));
    await using straight = createTrainer(model, options('progress', { threads: 2 }));
    for (const batch of batches) await straight.step([batch], 1e-3);
    await using first = createTrainer(model, options('progress', { threads: 2 }));
    for (const batch of batches.slice(0, 3)) await first.step([batch], 1e-3);
    const state = first.state();
    await first.step([batches[0]!], 1e-3); // a state is a copy
    await using second = createTrainer(tinyModel(['progress'], {}, 9), options('progress', { threads: 2 }));
    second.restore(state);
    expect(second.stepCount).toBe(3);
    for (const batch of batches.slice(3)) await second.step([batch], 1e-3);
    expect(second.model.parameters).toEqual(straight.model.parameters);
    expect(second.state()).toEqual(straight.state());
  });

  it('refuses the state of another model', async () => {
    await using small = createTrainer(tinyModel([]), options('language'));
    await using large = createTrainer(tinyModel([], { tieEmbeddings: false }), options('language'));
    const found = small.model.parameters.length;
    expect(() => large.restore(small.state())).toThrow(
      `Cannot restore trainer: ${found} numbers of model values, expected ${large.model.parameters.length}`,
    );
  });
});

describe('LoRA', () => {
  const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj', 'down_proj'] };

  it('starts as the base model, trains adapters and heads alone, and merges into the same function', async () => {
    const model = tinyModel(['value']);
    const batch = randomBatch({ B: 2, T: 32 }, 8);
    await using trainer = createTrainer(model, options('ppo', { lora }));
    await using plain = createTrainer(model, options('ppo'));
    expect((await trainer.loss([batch])).loss).toBeCloseTo((await plain.loss([batch])).loss!, 6);
    for (let step = 0; step < 3; step++) await trainer.step([batch], 1e-2);
    for (const entry of layoutOf(model.config, model.heads).entries) {
      const moved = largestDifference(viewOf(trainer.model.parameters, entry), viewOf(model.parameters, entry)) > 0;
      expect(moved, entry.name).toBe(entry.name.startsWith('value_head'));
    }
    await using merged = createTrainer(trainer.mergedModel(), options('ppo'));
    const [a, b] = [await trainer.loss([batch]), await merged.loss([batch])];
    expect(largestDifference(Object.values(a), Object.values(b))).toBeLessThan(1e-5);
    expect(Math.abs(a.policyLoss! - (await plain.loss([batch])).policyLoss!)).toBeGreaterThan(1e-4);
  });

  it("hides a share of the adapters' inputs in training alone, the same ones when a step is repeated", async () => {
    const model = tinyModel(['value']);
    const batch = randomBatch({ B: 2, T: 32 }, 8);
    const make = (dropout: number) => createTrainer(model, options('ppo', { lora: { ...lora, dropout } }));
    const weightsAfter = async (trainer: ReturnType<typeof make>, steps: number) => {
      for (let step = 0; step < steps; step++) await trainer.step([batch], 1e-2);
      return trainer.adapters!.slice();
    };
    await using first = make(0.5);
    await using again = make(0.5);
    await using none = make(0);
    const state = await (async () => {
      await weightsAfter(first, 2);
      return first.state();
    })();
    const straight = await weightsAfter(first, 1);
    again.restore(state);
    expect(await weightsAfter(again, 1)).toEqual(straight);
    expect(largestDifference(await weightsAfter(none, 3), straight)).toBeGreaterThan(1e-3);
    const measured = (await first.loss([batch])).loss;
    expect((await first.loss([batch])).loss).toBe(measured); // nothing is drawn
    await using merged = createTrainer(first.mergedModel(), options('ppo'));
    expect((await merged.loss([batch])).loss).toBeCloseTo(measured!, 5);
  });

  it('draws dropout so that the mean input stays what it is', () => {
    const inputs = { 'dropout/x': { shape: [200, 100] } };
    const feed = drawDropout(inputs, 0.2, createRng('dropout'))['dropout/x']!;
    expect(new Set(feed)).toEqual(new Set([0, 1.25]));
    const mean = feed.reduce((sum, value) => sum + value, 0) / feed.length;
    expect(Math.abs(mean - 1)).toBeLessThan(0.015); // 4 standard errors: 4 * 1.25 * sqrt(0.2 * 0.8 / 20000)
  });

  it('refuses a module it cannot adapt', () => {
    expect(() =>
      createTrainer(tinyModel([]), options('language', { lora: { ...lora, targets: ['lm_head'] } })),
    ).toThrow(
      'Cannot adapt module "lm_head": not a matrix of a layer, expected one of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj',
    );
    expect(() => createTrainer(tinyModel([]), options('language', { lora: { ...lora, dropout: 1 } }))).toThrow(
      'Cannot adapt model: dropout is 1, expected a share of at least 0 and below 1',
    );
  });
});

describe('createScorer()', () => {
  it('agrees with the trainer on log-probabilities, values and progress', async () => {
    const model = tinyModel(['value', 'progress']);
    const batch = randomBatch({ B: 2, T: 64 }, 10);
    await using scorer = createScorer(model, { engine: 'onnx', threads: 1 });
    await using language = createTrainer(model, options('language'));
    await using progress = createTrainer(model, options('progress'));
    const scores = await scorer.score(batch, { logProbs: true, values: true, progress: true });
    const mean = (values: Float32Array, weights: Float32Array): number => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return values.reduce((sum, value, i) => sum + (value * weights[i]!) / total, 0);
    };
    expect(-mean(scores.logProbs!, batch.weights)).toBeCloseTo((await language.loss([batch])).loss!, 5);
    const predicted = scores.progress!.subarray(0, 64).reduce((sum, value, t) => sum + value * batch.readMask[t]!, 0);
    expect(predicted).toBeCloseTo((await progress.loss([batch])).meanPrediction!, 5);
    expect(scores.values!.length).toBe(128);
    await expect(createScorer(tinyModel([]), { engine: 'onnx' }).score(batch, { values: true })).rejects.toThrow(
      'Cannot score sequences: the model has no value head, expected one (see withHeads)',
    );
  });
});
