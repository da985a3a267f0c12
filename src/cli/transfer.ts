/** How a download looks: one moving line on a terminal, a line every ten per cent or ten seconds elsewhere. */
import { bytesText } from './table.ts';

const BAR = 24;
const MOVE_MS = 100;
const LINE_MS = 10_000;

/** Where the lines go. */
export interface Screen {
  readonly isTTY: boolean;
  /** Width in columns. */
  readonly columns: number;
  readonly write: (text: string) => void;
}

/** Shows one transfer. */
export interface Transfer {
  progress(done: number, total: number | null): void;
  /** Prints a line above the moving one. */
  say(line: string): void;
  /** Removes the moving line. */
  end(): void;
}

/** Starts to show a transfer. @param unit `bytes`, or a word for things that are counted. @param now Clock, ms. */
export function showTransfer(name: string, unit: 'bytes' | 'files', screen: Screen, now = Date.now): Transfer {
  const started = now();
  let first: number | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  let shownTenth = 0;
  const clear = (): void => {
    if (screen.isTTY) screen.write('\r\u001b[K');
  };
  const lineOf = (done: number, total: number | null): string => {
    const seconds = (now() - started) / 1000;
    const rate = seconds > 0.5 ? (done - (first ?? 0)) / seconds : 0;
    const line = transferLine({ name, unit, done, total, rate });
    const excess = screen.isTTY ? line.length - (screen.columns - 1) : 0;
    return excess > 0 ? transferLine({ name: shortened(name, excess), unit, done, total, rate }) : line;
  };
  return {
    progress: (done, total) => {
      first ??= done; // what an earlier session left does not count for the rate
      const tenth = total === null ? 0 : Math.floor((10 * done) / total);
      const since = now() - shownAt;
      if (screen.isTTY) {
        if (since < MOVE_MS && done !== total) return;
        clear();
        screen.write(lineOf(done, total).slice(0, Math.max(20, screen.columns - 1)));
      } else {
        if (since < LINE_MS && tenth === shownTenth) return;
        if (since < 1000 && done !== total) return;
        screen.write(`${lineOf(done, total)}\n`);
      }
      shownAt = now();
      shownTenth = tenth;
    },
    say: (line) => {
      clear();
      screen.write(`${line}\n`);
    },
    end: clear,
  };
}

/** Leaves out characters in the middle of a name, though never so many that nobody knows it. */
function shortened(name: string, excess: number): string {
  const keep = Math.max(12, name.length - excess - 1);
  if (keep >= name.length) return name;
  return `${name.slice(0, Math.ceil(keep / 2))}…${name.slice(name.length - Math.floor(keep / 2))}`;
}

/** Writes one state of a transfer. @param at.rate Units per second; 0 if not known yet. */
export function transferLine(at: {
  readonly name: string;
  readonly unit: 'bytes' | 'files';
  readonly done: number;
  readonly total: number | null;
  readonly rate: number;
}): string {
  const { name, unit, done, total, rate } = at;
  const text = (count: number): string =>
    unit === 'bytes' ? bytesText(count) : `${Math.round(count).toLocaleString('en-US')} ${unit}`;
  const speed = rate > 0 ? `  ${text(rate)}/s` : '';
  if (total === null) return `${name}  ${text(done)}${speed}`;
  const share = total === 0 ? 1 : done / total;
  const filled = Math.round(BAR * Math.min(1, share));
  const left = rate > 0 && done < total ? `  ${timeText((total - done) / rate)} left` : '';
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
  const part = unit === 'bytes' ? text(done) : done.toLocaleString('en-US');
  return `${name}  ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${part} of ${text(total)}${speed}${left}`;
}

/** Writes a duration, e.g. `8 s`, `3 min`, `1 h 20 min`. */
export function timeText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
