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
    return transferLine({ name, unit, done, total, rate });
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
  return `${name}  ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${text(done)} of ${text(total)}${speed}${left}`;
}

/** Writes a duration, e.g. `8 s`, `3 min`, `1 h 20 min`. */
export function timeText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
