/** Sends a run to the tracker: one parent run, one nested run per stage. The run's own record stays the truth. */
import { join } from 'node:path';
import type { RunEvent } from '../runner/event.ts';
import type { RunRecord } from '../runner/record.ts';
import type { StageNode } from '../runner/stage.ts';
import { flatten } from '../schema/semantic.ts';
import { outboxFolderOf, plainAddress } from '../track/address.ts';
import type { RunStatus, TrackedRun, Tracker } from '../track/tracker.ts';
import type { Settings } from './load.ts';

/** A run being tracked. */
export interface Tracking {
  event(event: RunEvent): void;
  /** Delivers what it can; returns what the user should know, if anything. A second call does nothing and returns the same. */
  finish(status: RunStatus, resultFile: string | undefined): Promise<string | undefined>;
}

/** How long a server may be silent at the end of a run. While it answers, it gets more time. */
const SILENCE_MS = 15_000;

/**
 * Opens the tracker of the settings and the run's place in it.
 * @throws {SpaError} Bad input: the address, a variable or the outbox cannot be used.
 */
export async function trackRun(
  settings: Settings,
  run: {
    readonly record: RunRecord;
    readonly nodes: readonly StageNode[];
    readonly params: Readonly<Record<string, unknown>>;
  },
): Promise<Tracking> {
  const { openTracker } = await import('../track/open-tracker.ts');
  const tracker = await openTracker(settings.trackingUri, {
    outboxFolder: outboxFolderOf(join(settings.runs, '.outbox'), settings.trackingUri),
    env: process.env,
    closeTimeoutMs: SILENCE_MS,
  });
  const { record } = run;
  const parent = tracker.run(settings.trackingExperiment ?? record.experiment, {
    name: record.id,
    identity: `run ${record.id}`,
    tags: { 'spa.run': record.id, 'spa.experiment': record.experiment, ...commitTag(record) },
  });
  parent.params(texts(run.params));
  const children = new Map<string, TrackedRun>();
  const childOf = (id: string): TrackedRun => {
    const known = children.get(id);
    if (known !== undefined) return known;
    const child = openChild(parent, record, run.nodes.find((node) => node.id === id)!); // events name nodes of the plan
    children.set(id, child);
    return child;
  };
  let closed: Promise<string | undefined> | undefined;
  return {
    event: (event) => sendEvent(event, childOf),
    finish: (status, resultFile) => {
      if (closed !== undefined) return closed;
      if (resultFile !== undefined) parent.artifact('result.txt', resultFile);
      parent.finish(status);
      closed = closeTracker(tracker, settings);
      return closed;
    },
  };
}

const commitTag = (record: RunRecord): Record<string, string> =>
  record.gitCommit === undefined ? {} : { 'mlflow.source.git.commit': record.gitCommit };

function openChild(parent: TrackedRun, record: RunRecord, node: StageNode): TrackedRun {
  const child = parent.child({
    name: node.id,
    identity: `run ${record.id} ${node.id}`,
    tags: { 'spa.run': record.id, 'spa.node': node.id, 'spa.stage': node.stage },
  });
  child.params(texts(flatten(node.params)));
  return child;
}

function sendEvent(event: RunEvent, childOf: (id: string) => TrackedRun): void {
  if (event.type === 'metrics') {
    const timestampMs = Date.now();
    const values = Object.entries(event.values).map(([key, value]) => ({ key, value, step: event.step, timestampMs }));
    childOf(event.node).metrics(values);
  } else if (event.type === 'finished' && event.status !== 'skipped') {
    const child = childOf(event.node);
    child.tags({
      'spa.status': event.status,
      'spa.key': event.key,
      ...(event.note === '' ? {} : { 'spa.note': event.note }),
    });
    if (event.summary !== undefined) child.metrics(summaryMetrics(event.summary));
    if (event.folder !== undefined) child.artifact('stage.json', join(event.folder, 'stage.json'));
    child.finish(event.status === 'failed' ? 'FAILED' : event.status === 'interrupted' ? 'KILLED' : 'FINISHED');
  }
}

/** The numbers of a summary, by dotted path. */
function summaryMetrics(summary: Parameters<typeof flatten>[0]) {
  const timestampMs = Date.now();
  return Object.entries(flatten(summary)).flatMap(([key, value]) =>
    typeof value === 'number' && key.length <= 250 && /^[/\w.\- ]+$/.test(key)
      ? [{ key, value, step: 0, timestampMs }]
      : [],
  );
}

/** MLflow's parameters are texts. */
function texts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

async function closeTracker(tracker: Tracker, settings: Settings): Promise<string | undefined> {
  const { waiting, reason } = await tracker.close();
  const address = plainAddress(settings.trackingUri);
  if (waiting > 0)
    return `${waiting} records wait for ${address}${reason === undefined ? '' : ` (${reason})`}; the next run sends them`;
  return reason === undefined ? undefined : `${address} did not take everything (${reason})`;
}
