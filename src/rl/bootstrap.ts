/**
 * Bootstrap intervals of means and of paired differences. What is drawn again is what would differ in a new study: tasks, and seeds
 * where there are several. Episodes of one task are never treated as independent.
 * Source: Efron & Tibshirani (1993), percentile intervals; crossed resampling: Owen (2007), "The pigeonhole bootstrap".
 */
import type { Json } from '../base/json.ts';
import { createRng, type Rng } from '../base/rng.ts';
import { type Interval, mean, quantile } from './statistics.ts';

/** How to resample. */
export interface BootstrapOptions {
  /** Anything JSON; the same seed gives the same interval. */
  readonly seed: Json;
  /** Samples drawn. Default 2000. */
  readonly resamples?: number;
  /** Share of samples inside the interval. Default 0.95. */
  readonly level?: number;
}

/** Computes the mean with its percentile interval; NaN of nothing. */
export function bootstrapMean(values: readonly number[], options: BootstrapOptions): Interval {
  const samples = draw(options, (rng) => mean(values.map(() => values[rng.int(values.length)]!)));
  return interval(mean(values), samples, options);
}

/** The same task under the same seed, played by two policies. */
export interface PairedResult {
  readonly task: string;
  readonly seed: number | string;
  readonly before: number;
  readonly after: number;
}

/** A difference with its interval. */
export interface PairedDifference extends Interval {
  /** Share of resamples in which `after` is better, a tie counting half. */
  readonly improved: number;
}

/**
 * Computes the mean of after - before with its interval.
 * @param results Any number of results per task and seed.
 * @param options.over `tasks`: tasks are drawn again with all their results. `seeds-and-tasks`: seeds and tasks are both drawn again,
 *   and a result counts as often as its seed times its task; this answers for a new training run on new tasks.
 * @throws {RangeError} If there are no results.
 */
export function pairedBootstrap(
  results: readonly PairedResult[],
  options: BootstrapOptions & { readonly over: 'tasks' | 'seeds-and-tasks' },
): PairedDifference {
  if (results.length === 0)
    throw new RangeError('Cannot compare two policies: there are no results, expected at least one');
  const tasks = numberNames(results.map((result) => result.task));
  const seeds = numberNames(results.map((result) => String(result.seed)));
  const cells = cellsOf(results, tasks, seeds);
  const ones = new Float64Array(seeds.size).fill(1);
  const samples = draw(options, (rng) => {
    const drawnTasks = drawCounts(rng, tasks.size);
    const drawnSeeds = options.over === 'tasks' ? ones : drawCounts(rng, seeds.size);
    return weightedMean(cells, drawnTasks, drawnSeeds);
  });
  const better = samples.reduce((sum, value) => sum + (value > 0 ? 1 : value === 0 ? 0.5 : 0), 0);
  const estimate = mean(results.map((result) => result.after - result.before));
  return { ...interval(estimate, samples, options), improved: better / samples.length };
}

/** The results of one task under one seed. */
interface Cell {
  readonly task: number;
  readonly seed: number;
  sum: number;
  count: number;
}

function cellsOf(
  results: readonly PairedResult[],
  tasks: ReadonlyMap<string, number>,
  seeds: ReadonlyMap<string, number>,
): Cell[] {
  const cells = new Map<number, Cell>();
  for (const result of results) {
    const task = tasks.get(result.task)!; // every name has been numbered
    const seed = seeds.get(String(result.seed))!;
    const key = task * seeds.size + seed;
    const cell = cells.get(key) ?? { task, seed, sum: 0, count: 0 };
    cell.sum += result.after - result.before;
    cell.count += 1;
    cells.set(key, cell);
  }
  return [...cells.values()];
}

/** NaN if none of the drawn tasks was played under any of the drawn seeds; such a draw is repeated. */
function weightedMean(cells: readonly Cell[], tasks: Float64Array, seeds: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (const cell of cells) {
    const weight = tasks[cell.task]! * seeds[cell.seed]!;
    sum += weight * cell.sum;
    count += weight * cell.count;
  }
  return sum / count;
}

function drawCounts(rng: Rng, size: number): Float64Array {
  const counts = new Float64Array(size);
  for (let i = 0; i < size; i++) counts[rng.int(size)]! += 1;
  return counts;
}

function numberNames(names: readonly string[]): Map<string, number> {
  return new Map([...new Set(names)].map((name, index) => [name, index]));
}

function draw(options: BootstrapOptions, statistic: (rng: Rng) => number): Float64Array {
  const rng = createRng(['bootstrap', options.seed]);
  const samples = new Float64Array(options.resamples ?? 2000);
  for (let i = 0; i < samples.length; i++) {
    let value = statistic(rng);
    for (let again = 0; Number.isNaN(value) && again < 100; again++) value = statistic(rng);
    samples[i] = value;
  }
  return samples.sort();
}

function interval(estimate: number, sorted: Float64Array, { level = 0.95 }: BootstrapOptions): Interval {
  return { estimate, low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2) };
}
