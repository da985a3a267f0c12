/**
 * JSON over HTTP to one server, with a time limit, bounded replies and repeats where a repeat cannot do harm. Connections are kept open and
 * shared (Node's fetch). Every failure is a SpaError of the environment, so that an episode which met one counts as broken, not as lost.
 */
import { setImmediate as immediate, setTimeout as wait } from 'node:timers/promises';
import { messageOf, SpaError } from '../../base/error.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { Rng } from '../../base/rng.ts';

/** How patient a line is. */
export interface LineOptions {
  /** Address of the server without the path of a call. */
  readonly url: string;
  /** Longest wait for one whole reply, in milliseconds, at most 300,000. */
  readonly timeoutMs: number;
  /** Most repeats of one call. */
  readonly retries: number;
  /** Wait before the first repeat, in milliseconds; doubled for each further one, up to 10 s, and spread by ± 50 %. */
  readonly backoffMs: number;
  /** Largest reply, in bytes. */
  readonly maxReplyBytes: number;
  /** Spreads the waits. */
  readonly rng: Rng;
  /** Ends calls and waits at once; only farewells are still made. */
  readonly signal?: AbortSignal;
}

/** One request. */
export interface Call {
  /** What the caller wants, for messages: `reset session 3`. */
  readonly purpose: string;
  readonly path: string;
  /** Sent as JSON by POST; absent: GET. */
  readonly body?: JsonObject;
  /**
   * `any`: whatever went wrong, the call may be made again. `refused`: only if the server surely did not execute it, because it answered
   * 429 or 503 (so do AgentGym's own clients) or there was nobody to connect to; a lost reply ends the episode instead. `no`: never.
   */
  readonly repeat: 'any' | 'refused' | 'no';
  /** Statuses beside 200 that are answers, with or without JSON. */
  readonly expects?: readonly number[];
  /** True for a call that gives something back: it is made even after an abort, and waited for 5 s at most. */
  readonly farewell?: boolean;
}

/** An answer: its status and its JSON; null if an expected refusal carries no JSON. */
export interface Answer {
  readonly status: number;
  readonly value: Json;
  /** How a message about it begins: what was wanted, and the address. */
  readonly context: string;
}

/** Makes calls. @throws {SpaError} If no expected answer comes. @throws The reason of the line's signal if it aborts. */
export type Line = (call: Call) => Promise<Answer>;

const refused: ReadonlySet<number> = new Set([429, 503]);
const passing: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const longestWaitMs = 10_000;

const farewellMs = 5_000;

/** A failed attempt: why, and whether the server may have executed the call. */
interface Failure {
  readonly is: string;
  readonly expected: string;
  readonly executed: 'no' | 'perhaps' | 'answered';
  readonly waitMs?: number;
  readonly cause?: unknown;
}

/** Opens a line; nothing is sent yet. */
export function openLine(options: LineOptions): Line {
  const { signal, retries, backoffMs, rng } = options;
  const stopping = openStopping(signal);
  return async (call) => {
    if (call.repeat === 'refused') await closedAreSeen();
    for (let attempt = 0; ; attempt++) {
      if (!call.farewell) signal?.throwIfAborted();
      const result = await tryOnce(call, options, stopping);
      if ('status' in result) return result;
      if (!call.farewell) signal?.throwIfAborted();
      const repeats =
        result.executed === 'no' ? call.repeat !== 'no' : result.executed === 'perhaps' && call.repeat === 'any';
      if (!repeats || attempt >= retries) throw failed(call, options, { ...result, attempts: attempt + 1 });
      const spread = 0.5 + rng.uniform();
      const waitMs = Math.max(result.waitMs ?? 0, Math.min(longestWaitMs, backoffMs * 2 ** attempt * spread));
      await stopping.until((stop) => wait(waitMs, undefined, { signal: stop.signal }).catch(() => undefined));
    }
  };
}

/** Runs work that the signal of a line ends. */
interface Stopping {
  /** Hands `body` a controller that is aborted, with the signal's reason, while it runs. */
  until<T>(body: (stop: AbortController) => Promise<T>): Promise<T>;
}

/** One listener for all calls of a line: hundreds at once on one signal make Node warn of a leak. */
function openStopping(signal: AbortSignal | undefined): Stopping {
  const running = new Set<AbortController>();
  const stopAll = (): void => {
    for (const stop of running) stop.abort(signal?.reason);
  };
  signal?.addEventListener('abort', stopAll, { once: true });
  return {
    until: async (body) => {
      const stop = new AbortController();
      if (signal?.aborted) stop.abort(signal.reason);
      running.add(stop);
      try {
        return await body(stop);
      } finally {
        running.delete(stop);
      }
    },
  };
}

/**
 * Lets Node see which idle connections the server has closed, while this process was busy computing: a call sent on one of them would be
 * lost. Sockets are polled between two rounds of immediates.
 */
async function closedAreSeen(): Promise<void> {
  await immediate();
  await immediate();
}

/** Makes a call once, within its time. */
async function tryOnce(call: Call, options: LineOptions, stopping: Stopping): Promise<Answer | Failure> {
  const timeoutMs = call.farewell ? Math.min(farewellMs, options.timeoutMs) : options.timeoutMs;
  const timed = async (stop: AbortController): Promise<Answer | Failure> => {
    const timer = setTimeout(() => stop.abort(new DOMException('', 'TimeoutError')), timeoutMs);
    try {
      return await exchange(call, options, stop.signal);
    } catch (error) {
      return lost(error, timeoutMs);
    } finally {
      clearTimeout(timer);
    }
  };
  return call.farewell ? timed(new AbortController()) : stopping.until(timed);
}

async function exchange(call: Call, options: LineOptions, signal: AbortSignal): Promise<Answer | Failure> {
  const response = await fetch(`${options.url}${call.path}`, {
    signal,
    redirect: 'manual',
    ...(call.body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(call.body),
    }),
  });
  const text = await readText(response, options.maxReplyBytes);
  if (text === undefined)
    return { is: 'its reply is larger', expected: `at most ${options.maxReplyBytes} bytes`, executed: 'answered' };
  const { status } = response;
  const value = parse(text);
  const context = contextOf(call, options);
  if (call.expects?.includes(status)) return { status, value: value ?? null, context };
  if (status === 200 && value !== undefined) return { status, value, context };
  const is = `answered ${status} "${excerpt(text)}"`;
  if (status === 200) return { is, expected: 'JSON', executed: 'answered' };
  if (!passing.has(status)) return { is, expected: '200', executed: 'answered' };
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const waitMs = seconds > 0 ? { waitMs: Math.min(longestWaitMs, seconds * 1000) } : {};
  return { is, expected: '200', executed: refused.has(status) ? 'no' : 'perhaps', ...waitMs };
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Reads a reply; undefined if it is larger. */
async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined; // leaving the loop cancels the body
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function lost(error: unknown, timeoutMs: number): Failure {
  if (error instanceof Error && error.name === 'TimeoutError')
    return { is: 'no reply came', expected: `one within ${timeoutMs} ms`, executed: 'perhaps', cause: error };
  const cause = error instanceof Error ? error.cause : undefined;
  const code = codeOf(cause);
  const nobody = code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT';
  const is = `no connection (${code ?? messageOf(cause ?? error)})`;
  return { is, expected: 'a server that answers', executed: nobody ? 'no' : 'perhaps', cause: error };
}

function codeOf(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

function excerpt(text: string): string {
  return text.slice(0, 200).replaceAll(/\s+/g, ' ');
}

function contextOf({ purpose, path }: Call, { url }: LineOptions): string {
  return `Cannot ${purpose}: ${url}${path}`;
}

const hint = 'Is the server up, is it the right address, and does it speak the named dialect?';

function failed(call: Call, options: LineOptions, failure: Failure & { readonly attempts: number }): SpaError {
  const tries = failure.attempts === 1 ? '' : ` after ${failure.attempts} attempts`;
  return new SpaError(
    'environment',
    `${contextOf(call, options)}: ${failure.is}${tries}, expected ${failure.expected}`,
    {
      hint,
      ...(failure.cause !== undefined && { cause: failure.cause }),
    },
  );
}

/** Makes the error for an answer of the wrong shape. */
export function malformed({ context, status, value }: Answer, expected: string): SpaError {
  const text = excerpt(JSON.stringify(value));
  return new SpaError('environment', `${context}: answered ${status} "${text}", expected ${expected}`, { hint });
}
