/** Descriptive statistics of results: intervals of shares, errors and correlations. Pure, 64-bit. */

/** An estimate with its interval. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % point of the standard normal distribution. */
const z95 = 1.959963984540054;

/**
 * Computes Wilson's 95 % interval of a share k / n: the shares p at distance |k/n - p| <= z sqrt(p (1 - p) / n).
 * @param successes k, in [0, n].
 * @param trials n; with 0 trials nothing is known and the interval is [0, 1] around NaN.
 * Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
 */
export function wilsonInterval(successes: number, trials: number): Interval {
  if (!(successes >= 0 && successes <= trials)) {
    throw new RangeError(
      `Cannot compute an interval: ${successes} successes of ${trials} trials, expected 0 to ${trials}`,
    );
  }
  if (trials === 0) return { estimate: Number.NaN, low: 0, high: 1 };
  const share = successes / trials;
  const shrink = 1 + z95 ** 2 / trials;
  const centre = (share + z95 ** 2 / (2 * trials)) / shrink;
  const half = (z95 / shrink) * Math.sqrt((share * (1 - share)) / trials + z95 ** 2 / (4 * trials ** 2));
  const low = successes === 0 ? 0 : centre - half; // at the ends the bound is exact, its rounded sum is not
  const high = successes === trials ? 1 : centre + half;
  return { estimate: share, low, high };
}

/** Computes the mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Computes the variance with divisor n (population); NaN of nothing. */
export function variance(values: ArrayLike<number>): number {
  const centre = mean(values);
  return mean(Float64Array.from(values, (value) => (value - centre) ** 2));
}

/** Computes the mean of (prediction - target)^2. @throws {RangeError} If the lengths differ. */
export function meanSquaredError(predictions: ArrayLike<number>, targets: ArrayLike<number>): number {
  checkPairs(predictions, targets);
  return mean(Float64Array.from(predictions, (value, i) => (value - targets[i]!) ** 2));
}

/**
 * Computes  1 - MSE / variance of the targets : 1 is perfect, 0 as good as their mean, below 0 worse. A constant error counts
 * against it, unlike in 1 - var(error) / var. NaN if the targets are all alike.
 */
export function explainedVariance(predictions: ArrayLike<number>, targets: ArrayLike<number>): number {
  const spread = variance(targets);
  return spread === 0 ? Number.NaN : 1 - meanSquaredError(predictions, targets) / spread;
}

/** Computes Pearson's correlation, in [-1, 1]; NaN if either side is constant. @throws {RangeError} If the lengths differ. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkPairs(a, b);
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? Number.NaN : Math.min(1, Math.max(-1, ab / Math.sqrt(aa * bb)));
}

/** Computes Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank; NaN if either side is constant. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(ranks(a), ranks(b));
}

/** Returns ranks from 1; equal values share the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end += 1;
    for (let i = start; i < end; i++) result[order[i]!] = (start + 1 + end) / 2; // mean of start + 1 … end
    start = end;
  }
  return result;
}

/**
 * Computes a quantile by linear interpolation between order statistics (the default of numpy and R, type 7).
 * @param sorted Values in ascending order, at least one.
 * @param q In [0, 1].
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

function checkPairs(a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) {
    throw new RangeError(
      `Cannot compare two lists: they have ${a.length} and ${b.length} numbers, expected as many of each`,
    );
  }
}
