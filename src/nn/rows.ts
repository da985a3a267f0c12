/**
 * Which positions get logits. A vocabulary of 128,256 makes the logits of all positions the largest thing in memory by far, while
 * only the agent's own words have weight: where it matters, the others are left out before the vocabulary is multiplied.
 */
import type { TypedArray } from '../tensor/compile.ts';
import type { BatchShape } from './llama.ts';

/** Shape of a batch with the number of positions that get logits. */
export interface BatchForm extends BatchShape {
  /** R; absent: all B·T. */
  readonly rows?: number;
}

/** Logits of all positions are computed while they take no more bytes than this: leaving some out would only mean more programs. */
const logitsBytes = 2 ** 26;

/** Inputs that have one number per position with logits. */
const rowInputs = ['targets', 'weights', 'agentWeights', 'oldLogProbs', 'refLogProbs', 'advantages'];

/** Tells whether an input has a number per position with logits. */
export function isRowInput(name: string): boolean {
  return rowInputs.includes(name);
}

/** Tells whether the logits of so many positions are too many for memory. */
export function isLarge(positions: number, vocabSize: number): boolean {
  return positions * vocabSize * 4 > logitsBytes;
}

/** Returns the positions to take at once where all would be too many. */
export function rowsAtOnce(vocabSize: number): number {
  return Math.max(1, Math.floor(logitsBytes / (4 * vocabSize)));
}

/**
 * Leaves out of a batch's feeds what has no weight, if all logits would be too many. R is B·T halved a number of times, so that few
 * programs are compiled; what is left over points to position 0 with weight 0.
 * @returns The feeds, with `rows` (positions in [B·T], [R]) if something was left out.
 */
export function withRows(
  feeds: Readonly<Record<string, TypedArray>>,
  shape: BatchShape,
  vocabSize: number,
): { readonly feeds: Readonly<Record<string, TypedArray>>; readonly form: BatchForm } {
  const all = shape.B * shape.T;
  const { weights, agentWeights } = feeds;
  if (weights === undefined || !isLarge(all, vocabSize)) return { feeds, form: shape };
  const wanted: number[] = [];
  for (let i = 0; i < all; i++) if (weights[i]! !== 0 || (agentWeights?.[i] ?? 0) !== 0) wanted.push(i);
  let size = all;
  while (size % 2 === 0 && size / 2 >= Math.max(16, wanted.length)) size /= 2;
  if (size === all) return { feeds, form: shape };
  const rows = new Int32Array(size);
  rows.set(wanted);
  const pick = (values: TypedArray): TypedArray => {
    const picked = values instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
    for (const [i, row] of wanted.entries()) picked[i] = values[row]!;
    return picked;
  };
  const picked = Object.entries(feeds).map(([name, values]) => [name, isRowInput(name) ? pick(values) : values]);
  return { feeds: { ...Object.fromEntries(picked), rows }, form: { ...shape, rows: size } };
}
