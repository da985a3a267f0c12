/** The tracker for those who want none: it takes everything and keeps nothing. */
import { runIdOf } from './recorder.ts';
import type { RunOptions, TrackedRun, Tracker } from './tracker.ts';

/** Returns a tracker that does nothing. */
export function createNoTracker(): Tracker {
  return { run: ignoredRun, close: async () => ({ waiting: 0 }) };
}

function ignoredRun(experiment: string, options: RunOptions): TrackedRun {
  return {
    id: runIdOf(experiment, options.identity),
    params: () => {},
    tags: () => {},
    metrics: () => {},
    artifact: () => {},
    child: (child) => ignoredRun(experiment, child),
    finish: () => {},
  };
}
