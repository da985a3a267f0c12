/**
 * The contract of experiment tracking. The run's own record is the truth; a tracker is a sink: it never stops a run, and what a
 * server could not take waits in an outbox. Vocabulary is MLflow's.
 */

/** How a tracked run ended. */
export type RunStatus = 'FINISHED' | 'FAILED' | 'KILLED';

/** One value of one metric. */
export interface Metric {
  /** `[/\w.\- ]`, at most 250 characters, e.g. `train/loss`. */
  readonly key: string;
  /** May be NaN or infinite. */
  readonly value: number;
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
}

/** An open run. */
export interface TrackedRun {
  /** The tracker's own id of the run: 32 hexadecimal digits. */
  readonly id: string;
  params(values: Readonly<Record<string, string>>): void;
  tags(values: Readonly<Record<string, string>>): void;
  metrics(values: readonly Metric[]): void;
  /** Queues a local file for upload as `path` below the run's artifacts. */
  artifact(path: string, file: string): void;
  /** Opens a nested run. */
  child(options: RunOptions): TrackedRun;
  finish(status: RunStatus): void;
}

/** What a run is called. `identity` makes it findable again: the same identity continues the same run. */
export interface RunOptions {
  readonly name: string;
  readonly identity: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A sink for runs. Calls return at once; `close` delivers what it can within its time limit and keeps the rest. */
export interface Tracker {
  run(experiment: string, options: RunOptions): TrackedRun;
  /** Delivers what is queued; resolves with the number of records still waiting in the outbox. Never rejects for a server's fault. */
  close(): Promise<{ readonly waiting: number; readonly reason?: string }>;
}
