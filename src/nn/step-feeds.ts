/**
 * What an optimiser step feeds its graphs with. Weights are divided by their total over all batches of the step, so that the sums in
 * the graphs are weighted means and micro-batches simply add up.
 */
import { SpaError } from '../base/error.ts';
import { type Batch, type BatchField, fieldOf, type Objective } from './batch.ts';
import type { BatchShape } from './llama.ts';
import type { ValueSource } from './objective.ts';

type Feeds = Record<string, Float32Array | Int32Array>;

/** What PPO needs of its batches. */
interface PpoNeeds {
  readonly values: ValueSource;
  /** True if the reference policy must be given, because the loss has a KL term. */
  readonly needsReference: boolean;
}

/**
 * Returns the feeds of every batch of one optimiser step, named as `batchInputs` says.
 * @throws {SpaError} If a field is missing, has a wrong length, or nothing has weight.
 */
export function stepFeeds(objective: Objective, batches: readonly Batch[], ppo: PpoNeeds): Feeds[] {
  switch (objective) {
    case 'language':
      return languageFeeds(batches);
    case 'progress':
      return progressFeeds(batches);
    case 'value':
      return joinFeeds(batches, {
        valueWeights: shares(batches, 'valueMask'),
        valueTargets: columns(batches, 'valueTargets'),
      });
    case 'ppo':
      return ppoFeeds(batches, ppo);
    default:
      throw new RangeError(`Internal: objective ${objective satisfies never}`);
  }
}

function languageFeeds(batches: readonly Batch[]): Feeds[] {
  const weights = columns(batches, 'weights');
  const agent = batches.map((batch, i) =>
    batch.agentMask === undefined
      ? weights[i]!.map((weight) => (weight > 0 ? 1 : 0))
      : fieldOf(batch, 'agentMask', batch.shape.B * batch.shape.T),
  );
  return joinFeeds(batches, {
    targets: batches.map((batch) => batch.targets),
    weights: sharesOf(weights, 'weights'),
    agentWeights: sharesOf(agent, 'agentMask'),
  });
}

function progressFeeds(batches: readonly Batch[]): Feeds[] {
  const masks = columns(batches, 'readMask');
  const rows = batches.map((batch, i) =>
    batch.rowWeights === undefined ? rowsWithAny(masks[i]!, batch.shape) : fieldOf(batch, 'rowWeights', batch.shape.B),
  );
  return joinFeeds(batches, {
    readMask: masks,
    returns: batches.map((batch) => fieldOf(batch, 'returns', batch.shape.B)),
    rowWeights: sharesOf(rows, 'rowWeights'),
  });
}

function ppoFeeds(batches: readonly Batch[], { values, needsReference }: PpoNeeds): Feeds[] {
  const lacksReference = batches.every((batch) => batch.refLogProbs === undefined);
  const valued = {
    valueWeights: () => shares(batches, 'valueMask'),
    valueTargets: () => columns(batches, 'valueTargets'),
    oldValues: () => columns(batches, 'oldValues'),
  };
  return joinFeeds(batches, {
    targets: batches.map((batch) => batch.targets),
    weights: shares(batches, 'weights'),
    oldLogProbs: columns(batches, 'oldLogProbs'),
    refLogProbs: columns(batches, lacksReference && !needsReference ? 'oldLogProbs' : 'refLogProbs'),
    advantages: columns(batches, 'advantages'),
    ...(values === 'none' ? {} : Object.fromEntries(Object.entries(valued).map(([name, make]) => [name, make()]))),
  });
}

/** Turns one list per input into one record per batch, and adds the tokens. */
function joinFeeds(
  batches: readonly Batch[],
  lists: Readonly<Record<string, readonly (Float32Array | Int32Array)[]>>,
): Feeds[] {
  return batches.map((batch, i) => ({
    tokens: batch.tokens,
    ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list[i]!])),
  }));
}

/** Returns a field of shape [B, T] of every batch. */
function columns(batches: readonly Batch[], field: BatchField): Float32Array[] {
  return batches.map((batch) => fieldOf(batch, field, batch.shape.B * batch.shape.T));
}

function shares(batches: readonly Batch[], field: BatchField): Float32Array[] {
  return sharesOf(columns(batches, field), field);
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
    const is = `the total of batch field "${field}" is ${total}`;
    throw new SpaError('model', `Cannot take an optimiser step: ${is}, expected a positive number`);
  }
  return weights.map((batch) => batch.map((value) => value / total));
}
