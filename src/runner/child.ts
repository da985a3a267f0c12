/**
 * Entry of a stage's own process. It takes its orders over IPC from the run that forked it and ends with it: if the run is killed the
 * channel closes and the work would have no reader. Ctrl-C reaches the whole process group and is ignored here: the run decides.
 */
import { pathToFileURL } from 'node:url';
import { messageOf, SpaError } from '../base/error.ts';
import type { ErrorRecord, FromChild, ToChild } from './message.ts';
import type { Stage, StageProgress } from './stage.ts';

/** Progress is for the eye: no more often than this. Milliseconds. */
const PROGRESS_MS = 100;

/** Serves one stage. Called only when this file is the program. */
export function serveStage(): void {
  const controller = new AbortController();
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(1));
  if (!process.connected) process.exit(1); // the run was killed before this process could listen
  process.on('message', (message: ToChild) => {
    if (message.type === 'abort') controller.abort(new Error(message.reason));
    else void runStage(message, controller.signal).then(finish);
  });
}

async function runStage(order: Extract<ToChild, { type: 'start' }>, signal: AbortSignal): Promise<FromChild> {
  try {
    const registry = (await import(order.registry)) as { stageOf(name: string): Promise<Stage> }; // the contract of registries
    const stage = await registry.stageOf(order.node.stage);
    const { summary } = await stage.run({
      node: order.node,
      folder: order.folder,
      inputs: order.inputs,
      signal,
      progress: throttledProgress(),
      metrics: (step, values) => send({ type: 'metrics', step, values }),
    });
    return { type: 'done', summary };
  } catch (error) {
    return { type: 'failed', error: recordOf(error) };
  }
}

function throttledProgress(): (update: StageProgress) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (update) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS && update.done < update.total) return;
    last = now;
    send({ type: 'progress', ...update });
  };
}

function recordOf(error: unknown): ErrorRecord {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const named = error instanceof SpaError ? error : undefined;
  return {
    message: messageOf(error),
    stack,
    badInput: named?.badInput ?? false,
    ...(named === undefined ? {} : { boundary: named.boundary }),
    ...(named?.hint === undefined ? {} : { hint: named.hint }),
  };
}

const send = (message: FromChild): void => {
  process.send?.(message);
};

/** Ends the process once the last message is out, whatever timers or threads a stage may have left. */
function finish(message: FromChild): void {
  process.send?.(message, undefined, undefined, () => process.exit(0));
}

if (process.argv[1] !== undefined && pathToFileURL(process.argv[1]).href === import.meta.url) serveStage();
