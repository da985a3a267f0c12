/** Learning-rate schedules. */

/** How the rate changes over a run. */
export interface Schedule {
  /** Optimiser steps of the whole run, ≥ 1. */
  readonly total: number;
  /** Steps of linear rise from 0 to the peak, in [0, total]. */
  readonly warmup: number;
  /** Highest learning rate. */
  readonly peak: number;
  /** Course after the warm-up: straight down, half a cosine, or flat. */
  readonly shape: 'linear' | 'cosine' | 'constant';
  /** Rate at the end as a share of the peak, in [0, 1]; unused by `constant`. */
  readonly floor: number;
}

/**
 * Computes the learning rate of a step. During warm-up peak · (step + 1) / (warmup + 1); after it, with
 * x = (step - warmup) / (total - warmup): linear peak · (1 - (1 - floor) x), cosine peak · (floor + (1 - floor) (1 + cos πx) / 2).
 * @param step Steps already taken, from 0. Beyond `total` the rate stays at its end.
 */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { total, warmup, peak, shape, floor } = schedule;
  if (step < warmup) return (peak * (step + 1)) / (warmup + 1);
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
  switch (shape) {
    case 'constant':
      return peak;
    case 'linear':
      return peak * (1 - (1 - floor) * progress);
    case 'cosine':
      return peak * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2);
    default:
      throw new RangeError(`Internal: schedule ${shape satisfies never}`);
  }
}
