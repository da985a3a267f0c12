/**
 * Trains a model: gradients from a compiled program per batch shape, AdamW in JavaScript over flat vectors. Several micro-batches
 * of one step are weighted as one batch would be.
 */
import { badInput, SpaError } from '../base/error.ts';
import { createRng } from '../base/rng.ts';
import { compile, type EngineName, type Program } from '../tensor/compile.ts';
import { type AdamOptions, adamStep, gradientNorm } from './adamw.ts';
import { type Batch, checkTokens, type Objective } from './batch.ts';
import { layoutOf } from './layout.ts';
import type { BatchShape } from './llama.ts';
import { createAdapters, drawDropout, dropoutInputs, type LoraOptions, loraLayout, mergeAdapters } from './lora.ts';
import type { PpoOptions } from './losses.ts';
import type { Model } from './model.ts';
import { readsTargets, type ValueSource } from './objective.ts';
import { createPart, type Part, type PartName, partFeeds, setTrainedValues, trainedValues } from './parts.ts';
import { createProgramCache } from './program-cache.ts';
import { type BatchForm, withRows } from './rows.ts';
import { stepFeeds } from './step-feeds.ts';
import { type TrainingSetup, trainingGraph } from './training-graph.ts';

export type { Batch, Objective } from './batch.ts';

/** Batch shapes kept compiled. */
const programLimit = 16;

/** How to train. */
export interface TrainerOptions {
  readonly engine: EngineName;
  /** Threads of the engine; absent: its default. */
  readonly threads?: number;
  readonly objective: Objective;
  readonly adam: AdamOptions;
  /** Gradients longer than this are shortened to it (model and critic separately); Infinity switches clipping off. */
  readonly clipNorm: number;
  /** Tells by Hugging Face name which parameters of model and critic stay as they are. Absent: none. */
  readonly freeze?: (name: string) => boolean;
  /** Trains low-rank adapters and the heads instead of the whole model. */
  readonly lora?: LoraOptions & { /** Chooses the adapters' first numbers. Default 0. */ readonly seed?: number };
  /** Needed by objective `ppo`. */
  readonly ppo?: PpoOptions;
  /** ppo: a second model whose `value` head gives the values; absent: the model's own `value` head, or no values without one. */
  readonly critic?: Model;
  /** Trains the arrays that are given instead of copies, for models that are most of the memory there is. Default false. */
  readonly inPlace?: boolean;
  /** Learning rate of the critic as a multiple of the model's. Default 1. */
  readonly criticRate?: number;
}

/** All a trainer needs to go on exactly where it was; copies, so later steps do not touch it. */
export interface TrainerState {
  /** Optimiser steps taken. */
  readonly step: number;
  /** By part: the trained parameters and their moments, each [number of trained parameters]. What is frozen is not in it. */
  readonly parts: Readonly<
    Partial<Record<PartName, Readonly<Record<'values' | 'firstMoment' | 'secondMoment', Float32Array>>>>
  >;
}

/** A model in training. One call at a time. */
export interface Trainer {
  /**
   * Takes one optimiser step over one or several micro-batches, weighted as one. Reports `loss`, `gradientNorm` (before clipping), and
   * language: `crossEntropy`; progress: `meanPrediction`; ppo: `policyLoss`, `kl`, `clipFraction`, `meanRatio`, `valueLoss`, `entropy`,
   * `criticGradientNorm` where there is such a thing.
   * @throws {SpaError} If a batch is malformed or the gradient is not finite; the parameters are then unchanged.
   */
  step(batches: readonly Batch[], learningRate: number): Promise<Record<string, number>>;
  /** Computes what `step` would report, without gradients and without an update. */
  loss(batches: readonly Batch[]): Promise<Record<string, number>>;
  /** The model; its parameters change with every step. Without LoRA's adapters. */
  readonly model: Model;
  /** The separate critic, if there is one; its parameters change with every step. */
  readonly critic: Model | undefined;
  /** LoRA's adapters in the order of `loraLayout`, if there are any. */
  readonly adapters: Float32Array | undefined;
  /** Returns a model with the adapters folded in, or a copy of `model` where there are none. */
  mergedModel(): Model;
  /** Optimiser steps taken. */
  readonly stepCount: number;
  state(): TrainerState;
  /** Goes back to a state. @throws {SpaError} If it belongs to a trainer of another shape. */
  restore(state: TrainerState): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Creates a trainer on a copy of the model, unless told otherwise. Programs are compiled when a batch shape is first seen. @throws {SpaError} Bad input. */
export function createTrainer(model: Model, options: TrainerOptions): Trainer {
  return new ModelTrainer(model, options);
}

class ModelTrainer implements Trainer {
  readonly model: Model;
  readonly critic: Model | undefined;
  readonly adapters: Float32Array | undefined;
  readonly #options: TrainerOptions;
  readonly #parts: readonly Part[];
  readonly #weightFeeds: Record<string, Float32Array>;
  readonly #setup: TrainingSetup;
  readonly #programs = createProgramCache(programLimit);
  /** What the output `metrics` of a program holds; the same for all programs of a trainer. */
  #metricNames: readonly string[] = [];
  #steps = 0;

  constructor(model: Model, options: TrainerOptions) {
    checkHeads(model, options);
    const { lora, critic } = options;
    const isFrozen = options.freeze ?? (() => false);
    this.#options = options;
    const values: ValueSource = critic !== undefined ? 'critic' : model.heads.includes('value') ? 'shared' : 'none';
    const { objective, ppo } = options;
    const isUseless = uselessTo(objective, values);
    const isFixed = (name: string): boolean =>
      isFrozen(name) || isUseless(name) || (lora !== undefined && !name.includes('_head.'));
    const isUntouched = layoutOf(model.config, model.heads).entries.every(({ name }) => isFixed(name));
    // A model of which nothing is trained is read, not copied: it may be most of the memory there is.
    this.model = isUntouched || options.inPlace ? model : { ...model, parameters: model.parameters.slice() };
    this.critic = options.inPlace ? critic : critic && { ...critic, parameters: critic.parameters.slice() };
    const parts = [createPart('model', vectorsOf(this.model), isFixed)];
    if (lora !== undefined) {
      const layout = loraLayout(model.config, lora);
      this.adapters = createAdapters(layout, lora.seed ?? 0);
      parts.push(createPart('adapter', { layout, values: this.adapters }, () => false));
    }
    if (this.critic !== undefined) {
      const isUnread = (name: string): boolean => isFrozen(name) || /^(lm_head|progress_head)\./.test(name);
      parts.push(createPart('critic', vectorsOf(this.critic), isUnread));
    }
    this.#parts = parts;
    this.#setup = { objective, values, model: this.model, critic: this.critic, parts, lora, ppo };
    this.#weightFeeds = Object.assign({}, ...parts.map((part) => partFeeds(part, part.values)));
  }

  async step(batches: readonly Batch[], learningRate: number): Promise<Record<string, number>> {
    const trained = this.#parts.filter((part) => part.segments.length > 0);
    const { metrics, gradients } = await this.#run(batches, trained);
    const norms = trained.map((part, i) => gradientNorm(gradients[i]!, part.segments));
    const normOf = (isCritic: boolean): number =>
      Math.hypot(...norms.filter((_, i) => (trained[i]!.name === 'critic') === isCritic));
    const norm = { policy: normOf(false), critic: normOf(true) };
    if (!Number.isFinite(metrics.loss) || !Number.isFinite(norm.policy + norm.critic)) {
      const is = `loss ${metrics.loss} and gradient norm ${norm.policy + norm.critic}`;
      throw new SpaError('model', `Cannot take optimiser step ${this.#steps + 1}: ${is}, expected finite numbers`, {
        hint: 'Lower the learning rate or the clip norm',
      });
    }
    this.#steps += 1;
    trained.forEach((part, i) => {
      const isCritic = part.name === 'critic';
      const length = isCritic ? norm.critic : norm.policy;
      const scale = length > this.#options.clipNorm ? this.#options.clipNorm / length : 1;
      const rate = isCritic ? learningRate * (this.#options.criticRate ?? 1) : learningRate;
      const update = { step: this.#steps, learningRate: rate, scale };
      adamStep(part, { values: gradients[i]!, segments: part.segments }, { ...this.#options.adam, ...update });
    });
    return {
      ...metrics,
      gradientNorm: norm.policy,
      ...(this.critic === undefined ? {} : { criticGradientNorm: norm.critic }),
    };
  }

  async loss(batches: readonly Batch[]): Promise<Record<string, number>> {
    return (await this.#run(batches, [])).metrics;
  }

  /** Sums metrics and gradients over the micro-batches. */
  async #run(
    batches: readonly Batch[],
    trained: readonly Part[],
  ): Promise<{ metrics: Record<string, number>; gradients: Float32Array[] }> {
    const { objective, ppo } = this.#options;
    for (const batch of batches)
      checkTokens(readsTargets(objective) ? batch : { ...batch, targets: batch.tokens }, this.model.config);
    const feeds = stepFeeds(objective, batches, {
      values: this.#setup.values,
      needsReference: (ppo?.klCoefficient ?? 0) !== 0,
    });
    const sums: Record<string, number> = {};
    let gradients: Float32Array[] = [];
    for (const [i, batch] of batches.entries()) {
      const needed = withRows(feeds[i]!, batch.shape, this.model.config.vocabSize);
      const program = await this.#program(needed.form, trained);
      const results = await program.run({
        ...this.#weightFeeds,
        ...needed.feeds,
        ...this.#dropout(batch.shape, { trained, batch: i }),
      });
      this.#metricNames.forEach((name, m) => {
        sums[name] = (sums[name] ?? 0) + results.metrics![m]!;
      });
      const found = trained.map((part) => results[`gradient/${part.name}`] as Float32Array); // gradients are float32 outputs
      if (i === 0) gradients = batches.length === 1 ? found : found.map((gradient) => gradient.slice());
      else for (const [part, sum] of gradients.entries()) addTo(sum, found[part]!);
    }
    return { metrics: sums, gradients };
  }

  /** What adapters see of their inputs in this step: a function of the seed, the step and the batch, so that a resumed run draws the same. */
  #dropout(
    { B, T }: BatchShape,
    of: { readonly trained: readonly Part[]; readonly batch: number },
  ): Record<string, Float32Array> {
    const { lora } = this.#options;
    if (!lora?.dropout || of.trained.length === 0) return {};
    const rng = createRng(['dropout', lora.seed ?? 0, this.#steps, of.batch]);
    return drawDropout(dropoutInputs(this.model.config, lora, B * T), lora.dropout, rng);
  }

  #program(shape: BatchForm, trained: readonly Part[]): Promise<Program> {
    const { engine, threads } = this.#options;
    const onMetricNames = (names: readonly string[]): void => {
      this.#metricNames = names;
    };
    const { B, T, rows = B * T } = shape;
    return this.#programs.get(`${B}x${T} ${rows} ${trained.length > 0 ? 'step' : 'loss'}`, () => {
      const { fn, inputs } = trainingGraph(this.#setup, shape, { trained, onMetricNames });
      return compile(fn, inputs, { engine, ...(threads === undefined ? {} : { threads }) });
    });
  }

  mergedModel(): Model {
    const { lora } = this.#options;
    if (lora === undefined || this.adapters === undefined)
      return { ...this.model, parameters: this.model.parameters.slice() };
    return mergeAdapters(this.model, this.adapters, lora);
  }

  get stepCount(): number {
    return this.#steps;
  }

  state(): TrainerState {
    const copies = this.#parts.map((part) => [
      part.name,
      { values: trainedValues(part), firstMoment: part.firstMoment.slice(), secondMoment: part.secondMoment.slice() },
    ]);
    return { step: this.#steps, parts: Object.fromEntries(copies) };
  }

  restore(state: TrainerState): void {
    for (const { name, firstMoment } of this.#parts) {
      for (const field of ['values', 'firstMoment', 'secondMoment'] as const) {
        const found = state.parts[name]?.[field]?.length;
        if (found === firstMoment.length) continue;
        throw badInput(
          'model',
          `Cannot restore trainer: ${found ?? 'no'} numbers of ${name} ${field}, expected ${firstMoment.length}`,
        );
      }
    }
    for (const part of this.#parts) {
      const { values, firstMoment, secondMoment } = state.parts[part.name]!;
      setTrainedValues(part, values);
      part.firstMoment.set(firstMoment);
      part.secondMoment.set(secondMoment);
    }
    this.#steps = state.step;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#programs[Symbol.asyncDispose]();
  }
}

function vectorsOf(model: Model): { layout: ReturnType<typeof layoutOf>; values: Float32Array } {
  return { layout: layoutOf(model.config, model.heads), values: model.parameters };
}

/** Tells which parameters an objective does not read; training them would let weight decay eat them. */
function uselessTo(objective: Objective, values: ValueSource): (name: string) => boolean {
  return (name) => {
    if (name.startsWith('value_head.')) return objective !== 'value' && !(objective === 'ppo' && values === 'shared');
    if (name.startsWith('progress_head.')) return objective !== 'progress';
    return name === 'lm_head.weight' && (objective === 'progress' || objective === 'value');
  };
}

function addTo(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}

function checkHeads(model: Model, { objective, ppo, critic }: TrainerOptions): void {
  const refuse = (what: string): never => {
    throw badInput('model', `Cannot create a trainer for objective "${objective}": ${what}`);
  };
  if (objective === 'value' && !model.heads.includes('value'))
    refuse('the model has no value head, expected one (see withHeads)');
  if (objective === 'progress' && !model.heads.includes('progress'))
    refuse('the model has no progress head, expected one (see withHeads)');
  if (objective === 'ppo' && ppo === undefined) refuse('options.ppo is absent, expected the settings of PPO');
  if (critic !== undefined && objective !== 'ppo') refuse('a critic is given, expected one with objective "ppo" alone');
  if (critic !== undefined && !critic.heads.includes('value'))
    refuse('the critic has no value head, expected one (see withHeads)');
  if (critic !== undefined && critic.config.vocabSize !== model.config.vocabSize) {
    refuse(`the critic has ${critic.config.vocabSize} tokens, expected ${model.config.vocabSize}`);
  }
}
