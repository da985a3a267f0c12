/** The sessions a server holds: bounded in number, forgotten when nobody has used them for a while. Each holds its own state, a value. */
import type { JsonObject } from '../../base/json.ts';
import type { Task } from '../environment.ts';

/** What a session plays. */
export interface Playing {
  readonly task: Task;
  readonly state: JsonObject;
  readonly observation: string;
  readonly done: boolean;
}

/** One session. */
export interface Seat {
  readonly id: number;
  /** Undefined until the first reset. */
  playing: Playing | undefined;
  /** When it was last used, in milliseconds of the desk's clock. */
  usedMs: number;
}

/** Limits of a desk. */
export interface DeskOptions {
  /** Most sessions at once. */
  readonly maxSessions: number;
  /** Time without use after which a session is forgotten, in milliseconds. */
  readonly idleMs: number;
  /** The clock, in milliseconds. */
  readonly now: () => number;
}

/** Holds sessions. */
export interface Desk {
  readonly size: number;
  /** Makes a session, forgetting idle ones first; undefined if all are taken. */
  create(): Seat | undefined;
  /** Returns a session and marks it as used; undefined if there is none, or it has been idle for too long. */
  find(id: number): Seat | undefined;
  /** Ends a session; tells whether there was one. */
  close(id: number): boolean;
}

/** Opens a desk. Numbers count from 0 and are never given twice. */
export function openDesk({ maxSessions, idleMs, now }: DeskOptions): Desk {
  const seats = new Map<number, Seat>(); // least recently used first
  let next = 0;
  const forgetIdle = (): void => {
    const oldest = now() - idleMs;
    for (const [id, seat] of seats) {
      if (seat.usedMs >= oldest) return;
      seats.delete(id);
    }
  };
  const use = (seat: Seat): Seat => {
    seat.usedMs = now();
    seats.delete(seat.id);
    seats.set(seat.id, seat);
    return seat;
  };
  return {
    get size() {
      forgetIdle();
      return seats.size;
    },
    create: () => {
      forgetIdle();
      return seats.size < maxSessions ? use({ id: next++, playing: undefined, usedMs: 0 }) : undefined;
    },
    find: (id) => {
      forgetIdle();
      const seat = seats.get(id);
      return seat === undefined ? undefined : use(seat);
    },
    close: (id) => seats.delete(id),
  };
}
