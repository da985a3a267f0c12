/** How a run is shown. Plain lines and JSON live here; the terminal's moving picture is in terminal.ts. */
import type { RunEvent } from '../runner/event.ts';
import { readable } from '../runner/record.ts';
import type { StageNode } from '../runner/stage.ts';

/** Shows the events of a run as they come. */
export interface Renderer {
  event(event: RunEvent): void;
  /** Called when no event follows; resolves when everything is on the screen. */
  end(): Promise<void>;
}

/** Writes one line of text, newline excluded. */
export type WriteLine = (line: string) => void;

/** Pause between two progress lines of one stage where nothing moves on the screen. Milliseconds. */
const PROGRESS_MS = 10_000;

/** Renders one aligned line per stage: status, name, eight characters of key, seconds, note. For pipes and log files. */
export function plainRenderer(nodes: readonly StageNode[], write: WriteLine): Renderer {
  const width = Math.max(...nodes.map(({ id }) => id.length), 4);
  const line = (status: string, node: string, rest: string): void =>
    write(`${status.padEnd(11)} ${node.padEnd(width)}  ${rest}`.trimEnd());
  const lastProgress = new Map<string, number>();
  return {
    event: (event) => {
      if (event.type === 'finished') {
        line(event.status, event.node, `${event.key.slice(0, 8)}  ${secondsText(event.seconds)}  ${event.note}`);
      } else if (event.type === 'started') {
        lastProgress.set(event.node, performance.now());
      } else if (event.type === 'waiting') {
        line('waiting', event.node, `process ${event.pid ?? 'elsewhere'} is making the same result`);
      } else if (event.type === 'quarantined') {
        line('damaged', event.node, `${event.problems.join('; ')}; moved to ${event.folder}`);
      } else if (event.type === 'progress') {
        const now = performance.now();
        if (now - (lastProgress.get(event.node) ?? 0) < PROGRESS_MS) return;
        lastProgress.set(event.node, now);
        line('…', event.node, progressText(event));
      }
    },
    end: async () => {},
  };
}

/** Renders one JSON event per line. For programs. */
export function jsonRenderer(write: WriteLine): Renderer {
  return { event: (event) => write(JSON.stringify(readable(event))), end: async () => {} };
}

/** Writes seconds in a column of eight characters. */
export function secondsText(seconds: number): string {
  return `${seconds.toFixed(seconds < 100 ? 2 : 0)} s`.padStart(8);
}

/** Writes how far a stage is, e.g. `120/400 steps  30 %  loss 0.31`. */
export function progressText(update: { done: number; total: number; unit: string; note?: string }): string {
  const percent = update.total > 0 ? `  ${Math.floor((100 * update.done) / update.total)} %` : '';
  return `${update.done}/${update.total} ${update.unit}${percent}${update.note === undefined ? '' : `  ${update.note}`}`;
}
