/** The moving picture of a run on a terminal, by listr2: one line per stage, a bar for those that run. */
import { type DefaultRenderer, Listr, ListrTaskState, type ListrTaskWrapper, type SimpleRenderer } from 'listr2';
import type { RunEvent } from '../runner/event.ts';
import type { StageNode } from '../runner/stage.ts';
import { progressText, type Renderer, secondsText } from './renderer.ts';

const BAR = 24;

type Wrapper = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

type Finished = Extract<RunEvent, { type: 'finished' }>;

/** One line of the picture: what its task waits for. */
interface Line {
  wrapper: Wrapper | undefined;
  readonly ended: Promise<Finished>;
  readonly end: (event: Finished) => void;
}

/** Renders on a terminal. Signals stay with the run: listr2's own handler would exit without cleaning up. */
export function terminalRenderer(nodes: readonly StageNode[]): Renderer {
  const width = Math.max(...nodes.map(({ id }) => id.length), 4);
  const lines = new Map(nodes.map(({ id }) => [id, newLine()]));
  const tasks = new Listr(
    nodes.map(({ id }) => ({
      title: id.padEnd(width),
      rendererOptions: { persistentOutput: false },
      task: async (_: unknown, wrapper: Wrapper) => settle(lines.get(id)!, wrapper, id.padEnd(width)), // every node has its line
    })),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: { formatOutput: 'truncate' },
    },
  );
  const done = tasks.run();
  return {
    event: (event) => show(lines.get(event.node)!, event, width), // every node has its line
    end: async () => {
      await done;
    },
  };
}

function newLine(): Line {
  let end: Line['end'] = () => {};
  const ended = new Promise<Finished>((resolve) => {
    end = resolve;
  });
  return { wrapper: undefined, ended, end };
}

/** A task's whole life: it looks as if it waits until its stage starts, then takes the look its end deserves. */
async function settle(line: Line, wrapper: Wrapper, name: string): Promise<void> {
  line.wrapper = wrapper;
  wrapper.task.state$ = ListrTaskState.WAITING;
  const { status, key, seconds, note } = await line.ended;
  const text = `${name}  ${key.slice(0, 8)}  ${secondsText(seconds)}`;
  wrapper.task.state$ = ListrTaskState.STARTED;
  if (status === 'run') wrapper.title = `${text}  ${note}`.trimEnd();
  else if (status === 'cached') wrapper.title = `${text}  cached ${note}`.trimEnd();
  else if (status === 'skipped') wrapper.skip(`${name}  ${note}`);
  else throw new Error(`${text}  ${status === 'failed' ? `failed: ${note}` : status}`); // shown in place of the title
}

function show(line: Line, event: RunEvent, width: number): void {
  if (event.type === 'finished') line.end(event);
  const { wrapper } = line;
  if (wrapper === undefined) return;
  if (event.type === 'started') {
    wrapper.task.state$ = ListrTaskState.STARTED;
    wrapper.title = `${event.node.padEnd(width)}  ${event.key.slice(0, 8)}  ${event.why}`.trimEnd();
  } else if (event.type === 'progress') {
    wrapper.output = `${bar(event.done, event.total)} ${progressText(event)}`;
  } else if (event.type === 'waiting') {
    wrapper.output = `process ${event.pid ?? 'elsewhere'} is making the same result`;
  } else if (event.type === 'quarantined') {
    wrapper.output = `damaged: ${event.problems.join('; ')}`;
  }
}

function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.round((BAR * Math.min(done, total)) / total) : 0;
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
}
