/** Sessions on a server: made, used, closed or, where the server cannot close, used again. A session that met a fault is never used again. */
import type { Dialect } from './dialect.ts';
import type { Answer, Call, Line } from './line.ts';
import { readSession, type SessionId } from './reply.ts';

/** The sessions of one world. */
export interface Sessions {
  /** Returns a session that an earlier episode has given back, if there is one. */
  takeFree(): SessionId | undefined;
  /** Makes a session. A lost reply is asked for again: a server forgets the session nobody uses. */
  create(): Promise<SessionId>;
  /** Makes a call about a session; the session's number is put into the body or the query. */
  call(session: SessionId, call: Call): Promise<Answer>;
  /** Gives a session back. Never throws: the server forgets idle sessions itself, or is gone. */
  release(session: SessionId): Promise<void>;
}

/** Opens the book of sessions. @param options.closes Whether the server has `POST /close`. */
export function openSessions(options: {
  readonly dialect: Dialect;
  readonly line: Line;
  readonly closes: boolean;
}): Sessions {
  const { dialect, line, closes } = options;
  const free = new Set<SessionId>();
  const broken = new Set<SessionId>();
  const addressed = (session: SessionId, { body, ...call }: Call): Call =>
    body === undefined
      ? { ...call, path: `${call.path}?${dialect.sessionField}=${encodeURIComponent(session)}` }
      : { ...call, body: { [dialect.sessionField]: session, ...body } };
  const close = async (session: SessionId): Promise<void> => {
    const purpose = `close session ${session}`;
    const call: Call = { purpose, path: '/close', body: {}, repeat: 'no', farewell: true };
    await line(addressed(session, call)).catch(() => undefined);
  };
  return {
    takeFree: () => {
      const [session] = free;
      if (session !== undefined) free.delete(session);
      return session;
    },
    create: async () => {
      const body = dialect.create.body;
      return readSession(dialect, await line({ purpose: 'create a session', path: '/create', body, repeat: 'any' }));
    },
    call: async (session, call) => {
      try {
        return await line(addressed(session, call));
      } catch (error) {
        broken.add(session);
        throw error;
      }
    },
    release: async (session) => {
      const isBroken = broken.delete(session);
      if (!closes && !isBroken) free.add(session);
      const closed = closes ? close(session) : undefined;
      if (!isBroken) await closed; // a server that does not answer is not waited for again
    },
  };
}
