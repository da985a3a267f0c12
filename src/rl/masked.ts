/** Means, variances and whitening over the entries that a mask of 0 and 1 selects. All sums are 64-bit. */

/** Numbers of one sequence. */
export type Row = ArrayLike<number>;

/**
 * Computes the mean over masked entries:  sum(x m) / sum(m).
 * @param values Ragged rows, shape [B][T].
 * @param mask 0 or 1, same shape.
 * @returns The mean; 0 if nothing is masked in.
 * Source: TRL 0.10.1, trl/core.py masked_mean.
 */
export function maskedMean(values: readonly Row[], mask: readonly Row[]): number {
  const { sum, count } = maskedSum(values, mask);
  return count === 0 ? 0 : sum / count;
}

/**
 * Computes the unbiased variance over masked entries:  sum((x - mean)^2 m) / (sum(m) - 1).
 * @returns The variance; 0 if fewer than two entries are masked in.
 * Source: TRL 0.10.1, trl/core.py masked_var.
 */
export function maskedVariance(values: readonly Row[], mask: readonly Row[]): number {
  const mean = maskedMean(values, mask);
  const squares = values.map((row) => Float64Array.from(row, (value) => (value - mean) ** 2));
  const { sum, count } = maskedSum(squares, mask);
  return count < 2 ? 0 : sum / (count - 1);
}

/**
 * Shifts and scales rows to mean 0 and variance 1 over the masked entries of the whole batch:  (x - mean) / sqrt(var + 1e-8).
 * Entries outside the mask are shifted and scaled alike; nothing may read them.
 * @returns New rows, shape [B][T].
 * Source: TRL 0.10.1, trl/core.py masked_whiten.
 */
export function whiten(values: readonly Row[], mask: readonly Row[]): Float64Array[] {
  const mean = maskedMean(values, mask);
  const scale = 1 / Math.sqrt(maskedVariance(values, mask) + 1e-8);
  return values.map((row) => Float64Array.from(row, (value) => (value - mean) * scale));
}

function maskedSum(values: readonly Row[], mask: readonly Row[]): { sum: number; count: number } {
  let sum = 0;
  let count = 0;
  values.forEach((row, b) => {
    for (let t = 0; t < row.length; t++) {
      const m = mask[b]![t]!;
      if (m === 0) continue; // so that a NaN outside the mask stays outside
      sum += row[t]! * m;
      count += m;
    }
  });
  return { sum, count };
}
