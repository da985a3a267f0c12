/** What each objective feeds its graph with, and the graph from weights to loss. The host divides weights by their total over the step. */
import { SpaError } from '../base/error.ts';
import type { TensorSpec } from '../tensor/compile.ts';
import { tf } from '../tensor/tf.ts';
import { type Batch, type BatchField, fieldOf, type Objective } from './batch.ts';
import type { HeadName } from './layout.ts';
import { type BatchShape, headOutput, hiddenStates, logitsOf, type SequenceConstants, type Weights } from './llama.ts';
import { type LossTerms, languageLoss, type PpoOptions, ppoLoss, progressLoss, regressionLoss } from './losses.ts';
import type { ModelConfig } from './model-config.ts';

/** A network in the graph: its shape, its weights as tensors, and what depends on the batch shape alone. */
export interface Network {
  readonly config: ModelConfig;
  readonly heads: readonly HeadName[];
  readonly weights: Weights;
  readonly constants: SequenceConstants;
}

/** Where PPO's values come from. */
export type ValueSource = 'shared' | 'critic' | 'none';

type Feeds = Record<string, Float32Array | Int32Array>;

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
  { B, T }: BatchShape,
): Record<string, TensorSpec> {
  const inputs: Record<string, TensorSpec> = { tokens: { shape: [B, T], dtype: 'int32' } };
  if (objective === 'language' || objective === 'ppo') inputs.targets = { shape: [B * T], dtype: 'int32' };
  for (const name of arraysOf(objective, values)) {
    inputs[name] = {
      shape: name === 'returns' || name === 'rowWeights' ? [B] : name === 'readMask' ? [B, T] : [B * T],
    };
  }
  return inputs;
}

/**
 * Returns the feeds of every batch of one optimiser step; the weights of each kind add up to 1 over all of them.
 * @throws {SpaError} If a field is missing, has a wrong length, or nothing has weight.
 */
export function stepFeeds(
  objective: Objective,
  batches: readonly Batch[],
  ppo: { readonly values: ValueSource; readonly needsReference: boolean },
): Feeds[] {
  const perToken = (field: BatchField) => batches.map((batch) => fieldOf(batch, field, batch.shape.B * batch.shape.T));
  const tokens = (batch: Batch): Feeds => ({ tokens: batch.tokens, targets: batch.targets });
  switch (objective) {
    case 'language': {
      const weights = perToken('weights');
      const agent = batches.map((batch, i) =>
        batch.agentMask === undefined ? indicator(weights[i]!) : perToken('agentMask')[i]!,
      );
      const [shares, agentShares] = [sharesOf(weights, 'weights'), sharesOf(agent, 'agentMask')];
      return batches.map((batch, i) => ({ ...tokens(batch), weights: shares[i]!, agentWeights: agentShares[i]! }));
    }
    case 'progress': {
      const masks = perToken('readMask');
      const rowsOf = (batch: Batch, i: number): Float32Array =>
        batch.rowWeights === undefined
          ? rowsWithAny(masks[i]!, batch.shape)
          : fieldOf(batch, 'rowWeights', batch.shape.B);
      const rows = sharesOf(batches.map(rowsOf), 'rowWeights');
      return batches.map((batch, i) => ({
        tokens: batch.tokens,
        readMask: masks[i]!,
        returns: fieldOf(batch, 'returns', batch.shape.B),
        rowWeights: rows[i]!,
      }));
    }
    case 'value': {
      const shares = sharesOf(perToken('valueMask'), 'valueMask');
      const wanted = perToken('valueTargets');
      return batches.map((batch, i) => ({ tokens: batch.tokens, valueWeights: shares[i]!, valueTargets: wanted[i]! }));
    }
    case 'ppo': {
      const shares = sharesOf(perToken('weights'), 'weights');
      const reference =
        batches.every((batch) => batch.refLogProbs === undefined) && !ppo.needsReference
          ? 'oldLogProbs'
          : 'refLogProbs';
      const fields = {
        oldLogProbs: perToken('oldLogProbs'),
        refLogProbs: perToken(reference),
        advantages: perToken('advantages'),
      };
      const valued =
        ppo.values === 'none'
          ? undefined
          : {
              targets: perToken('valueTargets'),
              old: perToken('oldValues'),
              shares: sharesOf(perToken('valueMask'), 'valueMask'),
            };
      return batches.map((batch, i) => ({
        ...tokens(batch),
        weights: shares[i]!,
        oldLogProbs: fields.oldLogProbs[i]!,
        refLogProbs: fields.refLogProbs[i]!,
        advantages: fields.advantages[i]!,
        ...(valued === undefined
          ? {}
          : { valueWeights: valued.shares[i]!, valueTargets: valued.targets[i]!, oldValues: valued.old[i]! }),
      }));
    }
    default:
      throw new RangeError(`Internal: objective ${objective satisfies never}`);
  }
}

function indicator(weights: Float32Array): Float32Array {
  return weights.map((weight) => (weight > 0 ? 1 : 0));
}

function rowsWithAny(mask: Float32Array, { B, T }: BatchShape): Float32Array {
  return Float32Array.from({ length: B }, (_, b) =>
    mask.subarray(b * T, (b + 1) * T).some((bit) => bit !== 0) ? 1 : 0,
  );
}

/** Divides weights by their total over all batches. */
function sharesOf(weights: readonly Float32Array[], field: BatchField): Float32Array[] {
  let total = 0;
  for (const batch of weights) for (const value of batch) total += value;
  if (!(total > 0)) {
    throw new SpaError(
      'model',
      `Cannot take an optimiser step: the total of batch field "${field}" is ${total}, expected a positive number`,
    );
  }
  return weights.map((batch) => batch.map((value) => value / total));
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
  switch (objective) {
    case 'language':
      return languageLoss(
        logitsOf(model.weights, hidden, model.config),
        pick(inputs, 'targets', 'weights', 'agentWeights'),
      );
    case 'progress': {
      const c = tf.reshape(headOutput(model.weights, 'progress', hidden), inputs.tokens!.shape);
      return progressLoss(c, pick(inputs, 'readMask', 'returns', 'rowWeights'));
    }
    case 'value':
      return regressionLoss(headOutput(model.weights, 'value', hidden), pick(inputs, 'valueWeights', 'valueTargets'));
    case 'ppo': {
      const logits = logitsOf(model.weights, hidden, model.config);
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
      return ppoLoss({ logits, ...(values === undefined ? {} : { values }) }, arrays, graph.ppo!);
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
