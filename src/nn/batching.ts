/** Packing sequences of uneven length into a few static shapes, because each shape is compiled once. */

/** One batch to build: which sequences, and the shape to pad them to. */
export interface PackedBatch {
  /** Positions in the list that was packed; may be fewer than B, the other rows are padding. */
  readonly indices: readonly number[];
  /** Padded shape: B rows of T tokens. B depends on T alone. */
  readonly shape: { readonly B: number; readonly T: number };
}

/** How to pack. */
export interface PackingOptions {
  /** Padded tokens of one batch (B · T stays at or below it, unless one sequence alone is longer). */
  readonly batchTokens: number;
  /** Lengths are rounded up to multiples of this. Default 64. */
  readonly bucket?: number;
  /** No T exceeds this; it is the last bucket even where it is no multiple. */
  readonly maxLength: number;
}

/** Returns the padded length of a sequence. @throws {RangeError} If it is empty or longer than `maxLength`. */
export function bucketOf(length: number, options: Pick<PackingOptions, 'bucket' | 'maxLength'>): number {
  if (!Number.isInteger(length) || length < 1 || length > options.maxLength) {
    throw new RangeError(`Cannot batch a sequence: ${length} tokens, expected 1 to ${options.maxLength}`);
  }
  const bucket = options.bucket ?? 64;
  return Math.min(options.maxLength, Math.ceil(length / bucket) * bucket);
}

/**
 * Packs sequences of equal bucket together, in the order given (shuffle before). Batches come out in the order in which they
 * fill; unfilled ones follow, shortest bucket first.
 * @param lengths Tokens of each sequence, shape [n].
 * @throws {RangeError} If a length is outside 1 … maxLength.
 */
export function packBatches(lengths: readonly number[], options: PackingOptions): PackedBatch[] {
  const open = new Map<number, number[]>();
  const batches: PackedBatch[] = [];
  lengths.forEach((length, index) => {
    const T = bucketOf(length, options);
    const B = Math.max(1, Math.floor(options.batchTokens / T));
    const indices = open.get(T) ?? [];
    indices.push(index);
    open.set(T, indices);
    if (indices.length < B) return;
    batches.push({ indices, shape: { B, T } });
    open.delete(T);
  });
  for (const [T, indices] of [...open].sort(([a], [b]) => a - b)) {
    batches.push({ indices, shape: { B: Math.max(1, Math.floor(options.batchTokens / T)), T } });
  }
  return batches;
}
