/** Opens the tracker of an address: `none`, a file store (`file:`), or an MLflow server (`http:`, `https:`). */
import { mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { badInput, messageOf, SpaError } from '../base/error.ts';
import { folderOfAddress } from './address.ts';
import { createFileStore } from './file-store.ts';
import { createMlflowClient, type Patience, pause } from './mlflow-client.ts';
import { type Env, type MlflowConnection, readConnection } from './mlflow-connection.ts';
import { createMlflowSink } from './mlflow-sink.ts';
import { createNoTracker } from './none.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import type { Sink, TrackRecord } from './record.ts';
import { recordRun } from './recorder.ts';
import type { Tracker } from './tracker.ts';

/** Options of {@link openTracker}. */
export interface TrackerOptions {
  /** Folder of what could not be delivered yet; the next tracker opened with it delivers that too. One folder per address. */
  readonly outboxFolder: string;
  /** Environment variables, for MLflow's own (`MLFLOW_TRACKING_URI`, `MLFLOW_TRACKING_TOKEN`, ...). */
  readonly env: Env;
  /** How long `close` waits for a place that does not answer, milliseconds; each answer gives it as long again. Default 5000. */
  readonly closeTimeoutMs?: number;
  /** How long `close` may take in all while answers come, milliseconds. Default 180000. */
  readonly closeTotalMs?: number;
  readonly now?: () => number;
}

/** Longest pause before delivery is tried again, and records looked at in one round. */
const longestPauseMs = 30_000;
const roundSize = 500;
/** Refusals told one by one. */
const mostReasons = 5;

/**
 * Opens a tracker.
 * @param uri `none`, `file:<folder>`, `http(s)://<server>`; absent, `MLFLOW_TRACKING_URI` counts, and without it `none`.
 * @throws {SpaError} `track`, bad input, if the address or a variable cannot be understood. A silent server is no error.
 */
export async function openTracker(uri: string | undefined, options: TrackerOptions): Promise<Tracker> {
  const address = uri || options.env.MLFLOW_TRACKING_URI || 'none';
  if (address === 'none') return createNoTracker();
  const ending = new AbortController();
  const hurry = new AbortController();
  const watch = createWatch();
  const patience: Patience = { signal: ending.signal, hurry: hurry.signal, answered: watch.answered };
  const sink = sinkOf(address, options.env, patience);
  return startTracker({ sink, patience, ending, hurry, watch, outbox: openFolder(options.outboxFolder), options });
}

function sinkOf(address: string, env: Env, patience: Patience): Sink {
  if (/^https?:\/\//.test(address)) return createMlflowSink(createMlflowClient(connect(address, env), patience));
  if (!address.startsWith('file:')) {
    throw badInput(
      'track',
      `Cannot open tracker "${address}": unknown kind, expected none, file:<folder> or http(s)://<server>`,
    );
  }
  const root = folderOfAddress(address);
  try {
    mkdirSync(root, { recursive: true });
  } catch (error) {
    throw badInput('track', `Cannot open tracker "${address}": ${messageOf(error)}, expected a folder`, {
      cause: error,
    });
  }
  return createFileStore(root);
}

function connect(address: string, env: Env): MlflowConnection {
  try {
    return readConnection(address, env);
  } catch (error) {
    if (error instanceof SpaError) throw error;
    throw badInput('track', `Cannot open tracker "${address}": ${messageOf(error)}, expected an address`, {
      cause: error,
    });
  }
}

function openFolder(folder: string): Outbox {
  try {
    return openOutbox(folder);
  } catch (error) {
    throw badInput('track', `Cannot open outbox "${folder}": ${messageOf(error)}, expected a writable folder`, {
      cause: error,
    });
  }
}

interface Parts {
  readonly sink: Sink;
  readonly outbox: Outbox;
  readonly patience: Patience;
  readonly ending: AbortController;
  readonly hurry: AbortController;
  readonly watch: Watch;
  readonly options: TrackerOptions;
}

/** Tells a slow place from a silent one. */
interface Watch {
  answered(): void;
  /** Calls `give up` once nothing was answered for `silentMs`, or after `totalMs`. @returns A function that ends the watch. */
  begin(limits: { readonly silentMs: number; readonly totalMs: number }, giveUp: () => void): () => void;
}

function createWatch(): Watch {
  let silence: NodeJS.Timeout | undefined;
  return {
    answered: () => void silence?.refresh(),
    begin: ({ silentMs, totalMs }, giveUp) => {
      silence = setTimeout(giveUp, silentMs);
      const total = setTimeout(giveUp, totalMs);
      return () => {
        clearTimeout(silence);
        clearTimeout(total);
        silence = undefined;
      };
    },
  };
}

function startTracker({ sink, outbox, patience, ending, hurry, watch, options }: Parts): Tracker {
  const { env, outboxFolder, now = Date.now, closeTimeoutMs = 5000, closeTotalMs = 180_000 } = options;
  const problems: Problems = { refused: new Set(), fault: undefined };
  let pumping: Promise<void> | undefined;
  const pump = (): void => {
    pumping ??= deliverAll({ sink, outbox, patience, problems }).finally(() => {
      pumping = undefined;
    });
  };
  const write = (record: TrackRecord): void => {
    try {
      outbox.append(record);
    } catch (error) {
      problems.refused.add(messageOf(error)); // a full disk stops the run elsewhere; the tracker is not the one to do it
    }
    pump();
  };
  for (const record of outbox.known) sink.know(record);
  if (outbox.waiting() > 0) pump();
  const recorder = { write, textFolder: join(outboxFolder, 'texts'), tags: sourceTags(env), now };
  return {
    run: (experiment, run) => recordRun(experiment, run, recorder),
    close: async () => {
      hurry.abort();
      const endWatch = watch.begin({ silentMs: closeTimeoutMs, totalMs: closeTotalMs }, () => ending.abort());
      if (outbox.waiting() > 0) pump();
      await pumping;
      endWatch();
      ending.abort();
      outbox.close();
      return summaryOf(outbox.waiting(), problems);
    },
  };
}

interface Problems {
  /** What was refused for good. */
  readonly refused: Set<string>;
  /** Why the last delivery failed; undefined once one has succeeded. */
  fault: string | undefined;
}

function summaryOf(
  waiting: number,
  { refused, fault }: Problems,
): { readonly waiting: number; readonly reason?: string } {
  const told = [...refused].slice(0, mostReasons);
  const more = refused.size > told.length ? [`and ${refused.size - told.length} more`] : [];
  const reasons = [...told, ...more, ...(waiting > 0 && fault !== undefined ? [fault] : [])];
  return reasons.length === 0 ? { waiting } : { waiting, reason: reasons.join('; ') };
}

/** Delivers until nothing waits, or until it cannot and time is up. Never rejects. */
async function deliverAll({
  sink,
  outbox,
  patience,
  problems,
}: Pick<Parts, 'sink' | 'outbox' | 'patience'> & { readonly problems: Problems }): Promise<void> {
  await Promise.resolve(); // what the caller writes in one go is delivered in one go
  for (let failures = 0; outbox.waiting() > 0 && !patience.signal.aborted; ) {
    const group = nextGroup(outbox);
    try {
      for (const refusal of await sink.deliver(group, patience.signal)) problems.refused.add(refusal);
      outbox.acknowledge(group.length);
      patience.answered?.();
      problems.fault = undefined;
      failures = 0;
    } catch (error) {
      problems.fault = messageOf(error);
      failures += 1;
      if (patience.hurry.aborted && failures > 2) return;
      await pause(Math.min(longestPauseMs, 500 * 2 ** failures), patience);
    }
  }
}

/** The records at the head of the queue that belong to one run. */
function nextGroup(outbox: Outbox): TrackRecord[] {
  const records = outbox.peek(roundSize).map((waiting) => waiting.record);
  const end = records.findIndex((record) => record.run !== records[0]!.run);
  return end === -1 ? records : records.slice(0, end);
}

function sourceTags(env: Env): Readonly<Record<string, string>> {
  return { 'mlflow.user': userName(env), 'mlflow.source.name': 'spa', 'mlflow.source.type': 'LOCAL' };
}

function userName(env: Env): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER ?? 'unknown'; // a container may run under a number without a name
  }
}
