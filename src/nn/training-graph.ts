/** The graph of a training step: from parameters and one batch to metrics and flat gradients. */
import type { TensorFunction, TensorSpec } from '../tensor/compile.ts';
import { gradientsOf } from '../tensor/gradients.ts';
import { tf } from '../tensor/tf.ts';
import type { Objective } from './batch.ts';
import { sequenceConstants, type Weights } from './llama.ts';
import { dropoutInputs, type LoraOptions, withAdapters } from './lora.ts';
import type { LossTerms, PpoOptions } from './losses.ts';
import type { Model } from './model.ts';
import { batchInputs, type Network, objectiveLoss, type ValueSource } from './objective.ts';
import { joinGradients, type Part, type PartName, partInputs, partWeights } from './parts.ts';
import type { BatchForm } from './rows.ts';

/** What a trainer trains, and for what. */
export interface TrainingSetup {
  readonly objective: Objective;
  readonly values: ValueSource;
  readonly model: Pick<Model, 'config' | 'heads'>;
  readonly critic: Pick<Model, 'config' | 'heads'> | undefined;
  /** One per parameter vector. */
  readonly parts: readonly Part[];
  readonly lora: LoraOptions | undefined;
  readonly ppo: PpoOptions | undefined;
}

/** A function to compile. */
export interface TrainingGraph {
  /** Returns `metrics` [metricNames] and, per trained part, `gradient/<part>`. */
  readonly fn: TensorFunction;
  readonly inputs: Record<string, TensorSpec>;
}

/**
 * Returns the graph for one batch shape.
 * @param options `trained`: parts whose gradients are wanted. `onMetricNames` is told what `metrics` holds whenever the function runs.
 */
export function trainingGraph(
  setup: TrainingSetup,
  shape: BatchForm,
  options: { readonly trained: readonly Part[]; readonly onMetricNames: (names: readonly string[]) => void },
): TrainingGraph {
  const { trained } = options;
  const fn: TensorFunction = (inputs) => {
    const lossTerms = lossBuilder(setup, inputs, shape.T);
    const kept: tf.Tensor[] = [];
    const loss = (): tf.Tensor => {
      const terms = lossTerms();
      options.onMetricNames(Object.keys(terms.metrics));
      // kept, because what a loss makes beside its value is disposed when its gradient is done
      kept.push(tf.keep(tf.stack(Object.values(terms.metrics).map((value) => tf.reshape(value, [])))));
      return terms.loss;
    };
    const xs = trained.flatMap((part) => part.trained.map((group) => inputs[`${part.name}/${group.name}`]!));
    if (xs.length === 0) loss();
    const grads = xs.length === 0 ? [] : gradientsOf(loss, xs).grads;
    const outputs: Record<string, tf.Tensor> = { metrics: tf.clone(kept[0]!) };
    kept[0]!.dispose();
    let from = 0;
    for (const { name, trained: groups } of trained) {
      outputs[`gradient/${name}`] = joinGradients(grads.slice(from, from + groups.length));
      from += groups.length;
    }
    return outputs;
  };
  // Nothing is hidden from an adapter that is only measured.
  const hides = trained.length > 0 && (setup.lora?.dropout ?? 0) > 0;
  const dropout = hides ? dropoutInputs(setup.model.config, setup.lora!, shape.B * shape.T) : {};
  const inputs = Object.assign(
    batchInputs(setup.objective, setup.values, shape),
    dropout,
    ...setup.parts.map(partInputs),
  );
  return { fn, inputs };
}

/** Makes all that no gradient may dispose of, and returns the loss as a function. */
function lossBuilder(setup: TrainingSetup, inputs: Readonly<Record<string, tf.Tensor>>, T: number): () => LossTerms {
  const { objective, values, lora, ppo } = setup;
  const own = networkOf(setup.model, T);
  const other = setup.critic && networkOf(setup.critic, T);
  const weights: Partial<Record<PartName, Weights>> = Object.fromEntries(
    setup.parts.map((part) => [part.name, partWeights(part, inputs)]),
  );
  return () => {
    const adapted =
      lora && withAdapters(weights.model!, weights.adapter!, { config: setup.model.config, lora, inputs });
    return objectiveLoss(objective, inputs, {
      model: { ...own, weights: adapted ?? weights.model! },
      ...(other === undefined ? {} : { critic: { ...other, weights: weights.critic! } }),
      values,
      ...(ppo === undefined ? {} : { ppo }),
    });
  };
}

function networkOf({ config, heads }: Pick<Model, 'config' | 'heads'>, T: number): Omit<Network, 'weights'> {
  return { config, heads, constants: sequenceConstants(config, T) };
}
