/**
 * The executor that runs each stage in a process of its own: a crash or a memory kill of one leaves its siblings and the run alive,
 * and memory is given back when a stage ends.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf, SpaError } from '../base/error.ts';
import type { Executor, StageTask } from './execute.ts';
import type { ErrorRecord, FromChild, ToChild } from './message.ts';
import type { StageResult } from './stage.ts';

/** What the executor needs to know. */
export interface LocalOptions {
  /** URL of the module that exports `stageOf`; the child imports it. */
  readonly registry: string;
  /** Folder for what a stage prints, one file per node, made only if it prints. */
  readonly logs: string;
}

/** Last characters of a child's output that go into the message if it dies. */
const TAIL = 600;

const living = new Set<ChildProcess>();

/** Kills every stage process of this run at once. */
export function killStages(): void {
  for (const child of living) child.kill('SIGKILL');
}

/** Makes the executor. */
export function localExecutor(options: LocalOptions): Executor {
  return async (task) => {
    const child = fork(fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url)), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced', // metrics may be NaN or infinite
      env: { ...process.env, OMP_NUM_THREADS: String(task.node.resources.threads ?? 1) },
    });
    living.add(child);
    try {
      return await attend(child, task, options);
    } finally {
      living.delete(child);
    }
  };
}

async function attend(child: ChildProcess, task: StageTask, { registry, logs }: LocalOptions): Promise<StageResult> {
  const tail = keepOutput(child, join(logs, `${task.node.id.replaceAll('/', '_')}.log`));
  const order = (message: ToChild): void => {
    if (child.connected) child.send(message, () => undefined); // a child that has gone is seen by its exit
  };
  const abort = (): void => order({ type: 'abort', reason: messageOf(task.signal.reason) });
  task.signal.addEventListener('abort', abort, { once: true });
  try {
    const ended = outcomeOf(child, task, tail);
    if (child.pid !== undefined) await task.onProcess(child.pid);
    order({ type: 'start', registry, node: task.node, folder: task.folder, inputs: task.inputs });
    if (task.signal.aborted) abort();
    return await ended;
  } finally {
    task.signal.removeEventListener('abort', abort);
  }
}

function outcomeOf(child: ChildProcess, task: StageTask, tail: () => string): Promise<StageResult> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromChild) => {
      if (message.type === 'progress') {
        const { type: _, ...update } = message;
        task.progress(update);
      } else if (message.type === 'metrics') task.metrics(message.step, message.values);
      else if (message.type === 'done') resolve({ summary: message.summary });
      else reject(errorOf(message.error));
    });
    child.on('error', reject);
    child.on('close', async (code, signal) => {
      // Ctrl-C reached a child that was not listening yet: this process hears it too, and only then is it no failure.
      if (signal === 'SIGINT') await sleep(200);
      const how = signal === null ? `exit code ${code}` : signal;
      const output = tail() === '' ? '' : `; it last printed: ${tail()}`;
      reject(
        new SpaError(
          'stage',
          `Cannot run stage "${task.node.id}": its process ended with ${how}, expected a result${output}`,
          {
            hint:
              signal === 'SIGKILL'
                ? 'The system kills processes like this when memory runs out; the same command goes on from what is kept'
                : 'The same command goes on from what is kept',
          },
        ),
      );
    });
  });
}

/** Writes what a child prints to its log file; returns a function that gives the end of it. */
function keepOutput(child: ChildProcess, file: string): () => string {
  let tail = '';
  const keep = (data: Buffer): void => {
    tail = `${tail}${data}`.slice(-TAIL);
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, data);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => tail.trim();
}

function errorOf(record: ErrorRecord): Error {
  const cause = new Error(record.message);
  cause.stack = record.stack;
  return new SpaError(record.boundary ?? 'stage', record.message, {
    cause,
    badInput: record.badInput,
    ...(record.hint === undefined ? {} : { hint: record.hint }),
  });
}
