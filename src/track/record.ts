/**
 * What the outbox holds: one plain record for each call of the tracker's contract, and the sink that takes them. A record carries its
 * own time, so that a late delivery tells the same story as a prompt one.
 */
import type { Metric, RunStatus } from './tracker.ts';

/** Tag by which a run is found again: its id, a digest of experiment and identity. */
export const identityTag = 'spa.identity';

/** Opens a run, or continues the one of the same id. */
export interface RunRecord {
  readonly type: 'run';
  readonly run: string;
  readonly experiment: string;
  readonly name: string;
  /** Id of the run it is nested in; null for a run of its own. */
  readonly parent: string | null;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** One record; `run` is the tracker's own id of the run. Values are already within MLflow's limits of name and length. */
export type TrackRecord =
  | RunRecord
  | { readonly type: 'params'; readonly run: string; readonly values: Readonly<Record<string, string>> }
  | { readonly type: 'tags'; readonly run: string; readonly values: Readonly<Record<string, string>> }
  | { readonly type: 'metrics'; readonly run: string; readonly values: readonly Metric[] }
  | { readonly type: 'artifact'; readonly run: string; readonly path: string; readonly file: string }
  | { readonly type: 'finish'; readonly run: string; readonly status: RunStatus; readonly atMs: number };

/** Where records end up. Delivering a record twice does no harm. */
export interface Sink {
  /** Takes notice of a run opened in records delivered earlier. */
  know(record: RunRecord): void;
  /**
   * Delivers records of one run in order.
   * @returns What was refused for good, in words; it is not tried again.
   * @throws If it could not be delivered now; the records are kept and all of them tried again later.
   */
  deliver(records: readonly TrackRecord[], signal: AbortSignal): Promise<readonly string[]>;
}

type Wire = Exclude<TrackRecord, { type: 'metrics' }> | { type: 'metrics'; run: string; values: readonly WireMetric[] };
type WireMetric = Omit<Metric, 'value'> & { readonly value: number | string };

/** Returns a record's line of JSON; NaN and infinities become texts, which JSON can carry. */
export function encodeRecord(record: TrackRecord): string {
  if (record.type !== 'metrics') return JSON.stringify(record);
  return JSON.stringify({ ...record, values: record.values.map(encodeMetric) });
}

/** Reads what {@link encodeRecord} wrote. @throws {SyntaxError} If the line is not JSON. */
export function decodeRecord(line: string): TrackRecord {
  const record = JSON.parse(line) as Wire; // lines are written by encodeRecord only
  if (record.type !== 'metrics') return record;
  return { ...record, values: record.values.map((metric) => ({ ...metric, value: Number(metric.value) })) };
}

/** Returns a metric as JSON can carry it, which is also how MLflow wants it: a bare NaN would be stored as 0. */
export function encodeMetric(metric: Metric): WireMetric {
  return { ...metric, value: Number.isFinite(metric.value) ? metric.value : String(metric.value) };
}
