/** Sequences as training batches: next-token targets and the weights, read positions and PPO numbers each objective needs. */
import type { Batch } from '../nn/trainer.ts';
import type { Sequence } from './sequence.ts';

/** Static shape of a batch. */
export interface BatchShape {
  readonly B: number;
  readonly T: number;
}

/** A batch of next-token prediction whose optional fields are filled by the makers below. */
function emptyBatch({ B, T }: BatchShape): {
  shape: BatchShape;
  tokens: Int32Array;
  targets: Int32Array;
  weights: Float32Array;
} {
  return {
    shape: { B, T },
    tokens: new Int32Array(B * T),
    targets: new Int32Array(B * T),
    weights: new Float32Array(B * T),
  };
}

/**
 * Fills tokens, targets and weights.
 * @param weigh Weight of predicting the token at `position` of a sequence; 0 = not trained on.
 */
export function languageBatch(
  sequences: readonly Sequence[],
  shape: BatchShape,
  weigh: (sequence: Sequence, position: number) => number,
): Batch {
  const batch = emptyBatch(shape);
  sequences.forEach((sequence, row) => {
    const base = row * shape.T;
    const length = Math.min(sequence.ids.length, shape.T);
    for (let t = 0; t < length; t++) batch.tokens[base + t] = sequence.ids[t]!;
    for (let t = 0; t + 1 < length; t++) {
      batch.targets[base + t] = sequence.ids[t + 1]!;
      batch.weights[base + t] = weigh(sequence, t + 1);
    }
  });
  return batch;
}

/** A batch for the progress objective: read at each turn's last token, fit the sum to the return. */
export function progressBatch(sequences: readonly Sequence[], shape: BatchShape): Batch {
  const batch = languageBatch(sequences, shape, () => 0);
  const readMask = new Float32Array(shape.B * shape.T);
  const returns = new Float32Array(shape.B);
  sequences.forEach((sequence, row) => {
    for (const end of sequence.turnEnds) readMask[row * shape.T + end] = 1;
    returns[row] = sequence.episode.return;
  });
  return { ...batch, readMask, returns };
}

/** Per-token numbers of one sequence, each of shape [T] aligned with its tokens: entry t belongs to the token at position t. */
export interface PolicyTargets {
  readonly advantages: Float32Array;
  readonly oldLogProbs: Float32Array;
  readonly refLogProbs: Float32Array;
  /** 1 where the value head is read, at the position before the token (its prediction position). */
  readonly valueMask: Float32Array;
  readonly valueTargets: Float32Array;
  readonly oldValues: Float32Array;
}

/** A batch for the value objective: targets stand at the prediction position of the token they belong to, as in {@link ppoBatch}. */
export function valueBatch(
  sequences: readonly Sequence[],
  shape: BatchShape,
  targetsOf: (sequence: Sequence) => Pick<PolicyTargets, 'valueMask' | 'valueTargets'>,
): Batch {
  const batch = languageBatch(sequences, shape, () => 0);
  const fields = { valueMask: new Float32Array(shape.B * shape.T), valueTargets: new Float32Array(shape.B * shape.T) };
  placeColumns(fields, sequences, { shape, targetsOf });
  return { ...batch, ...fields };
}

/** A batch for PPO: agent tokens weigh 1; numbers of the token at t+1 stand at its prediction position t. */
export function ppoBatch(
  sequences: readonly Sequence[],
  shape: BatchShape,
  targetsOf: (sequence: Sequence) => PolicyTargets,
): Batch {
  const batch = languageBatch(sequences, shape, (sequence, position) => (sequence.turns[position]! >= 0 ? 1 : 0));
  const size = shape.B * shape.T;
  const fields = {
    advantages: new Float32Array(size),
    oldLogProbs: new Float32Array(size),
    refLogProbs: new Float32Array(size),
    valueMask: new Float32Array(size),
    valueTargets: new Float32Array(size),
    oldValues: new Float32Array(size),
  };
  placeColumns(fields, sequences, { shape, targetsOf });
  return { ...batch, ...fields };
}

/** Copies per-token numbers into batch columns, one position to the left: the number of the token at t + 1 stands at t. */
function placeColumns<K extends string>(
  columns: Record<K, Float32Array>,
  sequences: readonly Sequence[],
  from: { readonly shape: BatchShape; readonly targetsOf: (sequence: Sequence) => Readonly<Record<K, Float32Array>> },
): void {
  const { T } = from.shape;
  sequences.forEach((sequence, row) => {
    const targets = from.targetsOf(sequence);
    const length = Math.min(sequence.ids.length, T);
    for (const name of Object.keys(columns) as K[]) {
      // Object.keys of a record over K gives K
      columns[name].set(targets[name].subarray(1, length), row * T);
    }
  });
}
