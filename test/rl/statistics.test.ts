import { describe, expect, it } from 'vitest';
import { bootstrapMean, pairedBootstrap } from '../../src/rl/bootstrap.ts';
import {
  explainedVariance,
  meanSquaredError,
  pearson,
  quantile,
  ranks,
  spearman,
  wilsonInterval,
} from '../../src/rl/statistics.ts';

describe('wilsonInterval()', () => {
  it('is the textbook interval', () => {
    // 8 of 10, z^2 = 3.841459: centre (0.8 + 0.192073) / 1.384146 = 0.716739,
    // half 1.959964 / 1.384146 * sqrt(0.016 + 0.00960365) = 0.226577
    const { estimate, low, high } = wilsonInterval(8, 10);
    expect(estimate).toBe(0.8);
    expect(low).toBeCloseTo(0.4902, 4);
    expect(high).toBeCloseTo(0.9433, 4);
  });

  it('stays inside [0, 1] at the ends', () => {
    expect(wilsonInterval(0, 10).low).toBe(0);
    expect(wilsonInterval(0, 10).high).toBeCloseTo(3.841459 / 13.841459, 6); // z^2 / (n + z^2)
    expect(wilsonInterval(10, 10).high).toBe(1);
    expect(wilsonInterval(0, 0)).toEqual({ estimate: Number.NaN, low: 0, high: 1 });
  });

  it('refuses more successes than trials', () => {
    expect(() => wilsonInterval(3, 2)).toThrow(
      new RangeError('Cannot compute an interval: 3 successes of 2 trials, expected 0 to 2'),
    );
  });
});

describe('correlations and errors', () => {
  it('rank ties by their mean rank', () => {
    expect([...ranks([10, 20, 10, 30])]).toEqual([1.5, 3, 1.5, 4]);
  });

  it('give Pearson and Spearman', () => {
    // a - 2.5 = -1.5 -.5 .5 1.5, b - 2.5 = -1.5 .5 -.5 1.5: products 2.25 -.25 -.25 2.25 = 4; squares 5 each
    expect(pearson([1, 2, 3, 4], [1, 3, 2, 4])).toBeCloseTo(0.8, 12);
    expect(spearman([1, 2, 3, 4], [1, 100, 10, 1000])).toBeCloseTo(0.8, 12);
    // ranks 1.5 1.5 3 4 and 1 2 3 4: products 1.5 + .5 + .25 + 2.25 = 4.5; squares 4.5 and 5
    expect(spearman([1, 1, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
    expect(spearman([1, 1], [1, 2])).toBeNaN();
    expect(() => pearson([1], [1, 2])).toThrow(RangeError);
  });

  it('give the mean squared error and its share of the variance', () => {
    // errors 0, 1, 1: MSE 2/3; targets 0, 1, 2: variance 2/3
    expect(meanSquaredError([0, 2, 3], [0, 1, 2])).toBeCloseTo(2 / 3, 12);
    expect(explainedVariance([0, 2, 3], [0, 1, 2])).toBeCloseTo(0, 12);
    expect(explainedVariance([0, 1, 2], [0, 1, 2])).toBe(1);
    expect(explainedVariance([1, 2], [1, 1])).toBeNaN();
  });

  it('interpolate quantiles', () => {
    expect(quantile([1, 2, 4], 0.5)).toBe(2);
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
    expect(quantile([1, 2, 4], 1)).toBe(4);
  });
});

describe('bootstrapMean()', () => {
  it('is near the normal interval for many values and the same each time', () => {
    const values = Array.from({ length: 400 }, (_, i) => i % 2); // mean 0.5, standard error 0.025
    const result = bootstrapMean(values, { seed: 1 });
    expect(result.estimate).toBe(0.5);
    expect(Math.abs(result.low - 0.451)).toBeLessThan(0.01);
    expect(Math.abs(result.high - 0.549)).toBeLessThan(0.01);
    expect(bootstrapMean(values, { seed: 1 })).toEqual(result);
    expect(bootstrapMean(values, { seed: 2 })).not.toEqual(result);
  });
});

describe('pairedBootstrap()', () => {
  const results = (tasks: number, seeds: number, difference: (task: number, seed: number) => number) =>
    Array.from({ length: tasks * seeds }, (_, i) => {
      const [task, seed] = [i % tasks, Math.floor(i / tasks)];
      return { task: `task ${task}`, seed, before: 0.25, after: 0.25 + difference(task, seed) };
    });

  it('is exact for a constant difference', () => {
    expect(
      pairedBootstrap(
        results(5, 2, () => 0.5),
        { seed: 1, over: 'tasks' },
      ),
    ).toEqual({
      estimate: 0.5,
      low: 0.5,
      high: 0.5,
      improved: 1,
    });
  });

  it('does not take repeats of a task for evidence', () => {
    const width = (seeds: number) => {
      const { low, high } = pairedBootstrap(
        results(20, seeds, (task) => task % 2),
        { seed: 1, over: 'tasks' },
      );
      return high - low;
    };
    expect(width(10)).toBeCloseTo(width(1), 10); // the same draws of tasks, each with ten equal results
  });

  it('sees the spread between seeds only when seeds are drawn again', () => {
    const bySeed = results(20, 4, (_, seed) => (seed < 3 ? 1 : -1)); // mean 0.5 in every draw of tasks
    const fixed = pairedBootstrap(bySeed, { seed: 1, over: 'tasks' });
    const drawn = pairedBootstrap(bySeed, { seed: 1, over: 'seeds-and-tasks' });
    expect([fixed.low, fixed.high]).toEqual([0.5, 0.5]);
    expect(drawn.low).toBeLessThanOrEqual(0);
    expect(drawn.high).toBe(1);
    expect(drawn.estimate).toBe(0.5);
  });

  it('counts a tie as half an improvement', () => {
    expect(
      pairedBootstrap(
        results(3, 1, () => 0),
        { seed: 1, over: 'tasks' },
      ).improved,
    ).toBe(0.5);
  });

  it('refuses an empty comparison', () => {
    expect(() => pairedBootstrap([], { seed: 1, over: 'tasks' })).toThrow(RangeError);
  });
});
