/** The inputs of each objective's graph, and the graph from weights to loss. What is fed is made in step-feeds.ts. */
import type { TensorSpec } from '../tensor/compile.ts';
import { tf } from '../tensor/tf.ts';
import type { Objective } from './batch.ts';
import type { HeadName } from './layout.ts';
import { headOutput, hiddenStates, logitsOf, type SequenceConstants, type Weights } from './llama.ts';
import { type LossTerms, languageLoss, type PpoOptions, ppoLoss, progressLoss, regressionLoss } from './losses.ts';
import type { ModelConfig } from './model-config.ts';
import { type BatchForm, isRowInput } from './rows.ts';

/** A network in the graph: its shape, its weights as tensors, and what depends on the batch shape alone. */
export interface Network {
  readonly config: ModelConfig;
  readonly heads: readonly HeadName[];
  readonly weights: Weights;
  readonly constants: SequenceConstants;
}

/** Where PPO's values come from. */
export type ValueSource = 'shared' | 'critic' | 'none';

/** Tells whether an objective reads the tokens that follow; the others need no targets in their batches. */
export function readsTargets(objective: Objective): boolean {
  return objective === 'language' || objective === 'ppo';
}

/** Names of the arrays an objective feeds besides the tokens. */
function arraysOf(objective: Objective, values: ValueSource): readonly string[] {
  switch (objective) {
    case 'language':
      return ['weights', 'agentWeights'];
    case 'progress':
      return ['readMask', 'returns', 'rowWeights'];
    case 'value':
      return ['valueWeights', 'valueTargets'];
    case 'ppo':
      return [
        'weights',
        'oldLogProbs',
        'refLogProbs',
        'advantages',
        ...(values === 'none' ? [] : ['valueWeights', 'valueTargets', 'oldValues']),
      ];
    default:
      throw new RangeError(`Internal: objective ${objective satisfies never}`);
  }
}

/** Returns the inputs of an objective's graph for one batch shape. */
export function batchInputs(
  objective: Objective,
  values: ValueSource,
  { B, T, rows }: BatchForm,
): Record<string, TensorSpec> {
  const inputs: Record<string, TensorSpec> = { tokens: { shape: [B, T], dtype: 'int32' } };
  const spoken = [rows ?? B * T];
  if (rows !== undefined) inputs.rows = { shape: spoken, dtype: 'int32' };
  if (readsTargets(objective)) inputs.targets = { shape: spoken, dtype: 'int32' };
  for (const name of arraysOf(objective, values)) {
    if (name === 'returns' || name === 'rowWeights') inputs[name] = { shape: [B] };
    else if (name === 'readMask') inputs[name] = { shape: [B, T] };
    else inputs[name] = { shape: isRowInput(name) ? spoken : [B * T] };
  }
  return inputs;
}

/** Builds the graph of an objective. @param inputs The tensors of {@link batchInputs}. */
export function objectiveLoss(
  objective: Objective,
  inputs: Readonly<Record<string, tf.Tensor>>,
  graph: {
    readonly model: Network;
    readonly critic?: Network;
    readonly values: ValueSource;
    readonly ppo?: PpoOptions;
  },
): LossTerms {
  const { model } = graph;
  const hidden = hiddenStates(model.weights, inputs.tokens!, model);
  const logits = (): tf.Tensor => {
    const spoken = inputs.rows === undefined ? hidden : tf.gather(hidden, inputs.rows);
    return logitsOf(model.weights, spoken, model.config);
  };
  switch (objective) {
    case 'language':
      return languageLoss(logits(), pick(inputs, 'targets', 'weights', 'agentWeights'));
    case 'progress': {
      const c = tf.reshape(headOutput(model.weights, 'progress', hidden), inputs.tokens!.shape);
      return progressLoss(c, pick(inputs, 'readMask', 'returns', 'rowWeights'));
    }
    case 'value':
      return regressionLoss(headOutput(model.weights, 'value', hidden), pick(inputs, 'valueWeights', 'valueTargets'));
    case 'ppo': {
      const values = ppoValues(hidden, inputs, graph);
      const arrays = pick(
        inputs,
        'targets',
        'weights',
        'oldLogProbs',
        'refLogProbs',
        'advantages',
        'valueWeights',
        'valueTargets',
        'oldValues',
      );
      return ppoLoss({ logits: logits(), ...(values === undefined ? {} : { values }) }, arrays, graph.ppo!);
    }
    default:
      throw new RangeError(`Internal: objective ${objective satisfies never}`);
  }
}

function ppoValues(
  hidden: tf.Tensor,
  inputs: Readonly<Record<string, tf.Tensor>>,
  graph: { readonly model: Network; readonly critic?: Network; readonly values: ValueSource },
): tf.Tensor | undefined {
  switch (graph.values) {
    case 'none':
      return undefined;
    case 'shared':
      return headOutput(graph.model.weights, 'value', hidden);
    case 'critic': {
      const critic = graph.critic!;
      return headOutput(critic.weights, 'value', hiddenStates(critic.weights, inputs.tokens!, critic));
    }
    default:
      throw new RangeError(`Internal: values from ${graph.values satisfies never}`);
  }
}

/** Returns the named inputs as a record; those an objective has no use for are undefined and never read. */
function pick<K extends string>(
  inputs: Readonly<Record<string, tf.Tensor>>,
  ...names: readonly K[]
): Record<K, tf.Tensor> {
  return Object.fromEntries(names.map((name) => [name, inputs[name]])) as Record<K, tf.Tensor>; // arraysOf() lists what is there
}
