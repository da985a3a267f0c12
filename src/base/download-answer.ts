/** Reads what a server answers to a request for a file or the rest of it, and judges whether asking again can help. */
import { messageOf } from './error.ts';

/** The part of `fetch` that is used. */
export type Fetch = (
  address: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal; readonly redirect: 'follow' },
) => Promise<Response>;

/** Kinds of reasons for which a try ends before the file is whole. */
export type Cause = 'network' | 'silence' | 'status' | 'page' | 'sha256' | 'size';

/** Why a try ended. */
export interface Stopped {
  readonly cause: Cause;
  /** For people, without the name of the file. */
  readonly text: string;
  readonly error?: unknown;
  /** HTTP status, if one came. */
  readonly status?: number;
  /** Pause the server asks for. */
  readonly retryAfterMs?: number;
}

/** What a request brought. */
export type Answer =
  | { readonly complete: true }
  | {
      readonly complete: false;
      /** Position of the body's first byte in the file: 0 or what was asked for. */
      readonly start: number;
      /** Bytes of the whole file; null if unknown. */
      readonly totalBytes: number | null;
      readonly validator: string | null;
      readonly body: AsyncIterable<Uint8Array>;
    };

/** Largest page that is read to look for a form in it. */
const PAGE_BYTES = 1 << 20;

/** Makes a {@link Stopped}. */
export function stopped(cause: Cause, text: string, error?: unknown): Stopped {
  return { cause, text, ...(error === undefined ? {} : { error }) };
}

/** Reads the head of an answer. @param from Position that was asked for. @param sizeBytes Known size of the file, or null. */
export async function answerTo(
  response: Response,
  from: number,
  sizeBytes: number | null,
): Promise<Answer | Stopped | { readonly page: string }> {
  const { status, headers } = response;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  const rangeTotal = range?.[2] === undefined || range[2] === '*' ? null : Number(range[2]);
  if (status === 416) {
    await response.body?.cancel();
    if (from === (rangeTotal ?? sizeBytes)) return { complete: true };
    return { ...stopped('status', 'the server does not have the rest of the file (416)'), status };
  }
  if (status !== 200 && status !== 206) return refusal(response);
  if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) return { page: await readPage(response) };
  const start = status === 206 ? Number(range?.[1] ?? Number.NaN) : 0;
  if (start !== from && start !== 0) {
    await response.body?.cancel();
    return stopped('network', `the server sent another range than was asked for (${headers.get('content-range')})`);
  }
  const encoded = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  const length = encoded ? null : numberOf(headers.get('content-length'));
  const totalBytes = rangeTotal ?? (length === null ? sizeBytes : start + length);
  return {
    complete: false,
    start,
    totalBytes,
    validator: encoded ? null : validatorOf(headers),
    // The type of a body's stream lacks its iterator, which Node has.
    body: (response.body ?? []) as unknown as AsyncIterable<Uint8Array>,
  };
}

/** Weak ETags say "equivalent", not "the same bytes": If-Range must not use them. */
function validatorOf(headers: Headers): string | null {
  const tag = headers.get('etag');
  return tag !== null && !tag.startsWith('W/') ? tag : headers.get('last-modified');
}

async function refusal(response: Response): Promise<Stopped> {
  const { status, statusText, headers } = response;
  await response.body?.cancel();
  const seconds = numberOf(headers.get('retry-after'));
  return {
    ...stopped('status', `the server answers ${status}${statusText === '' ? '' : ` ${statusText}`}`),
    status,
    ...(seconds === null ? {} : { retryAfterMs: seconds * 1000 }),
  };
}

async function readPage(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= PAGE_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

/** Tells whether a file's first bytes are a web page: servers send "not found" and "sign in" that way, with any type. */
export function isPage(bytes: Uint8Array): boolean {
  return /^\s*<(?:!doctype html|html|head)\b/i.test(Buffer.from(bytes.subarray(0, 256)).toString('latin1'));
}

/** Says that a page came, with its title, which often tells why ("Quota exceeded"). */
export function aPage(page: string): string {
  const title = /<title[^>]*>([^<]{1,120})/i.exec(page)?.[1]?.replaceAll(/\s+/g, ' ').trim() ?? '';
  return `a web page came instead of the file${title === '' ? '' : `, titled "${title}"`}`;
}

/** Failures of a machine without a route: asking again at once does not help, and the user should not wait to hear of it. */
const noRoute: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Tells whether asking again is pointless. @param hasBytes True if something has arrived: then a lost route may come back. */
export function isFinal({ cause, status, error }: Stopped, hasBytes: boolean): boolean {
  if (cause === 'page' || cause === 'sha256' || cause === 'size') return true;
  if (cause === 'status') return status !== undefined && status !== 408 && status !== 429 && status < 500;
  return !hasBytes && noRoute.has(codeOf(error));
}

/** Pause before the next try: 1 s, 2 s, 4 s … up to 30 s, or what the server asks for up to 60 s. @param fruitless Tries in a row without a byte. */
export function pauseAfter({ retryAfterMs }: Stopped, fruitless: number): number {
  return Math.min(retryAfterMs ?? Math.min(1000 * 2 ** Math.max(0, fruitless - 1), 30_000), 60_000);
}

/** Writes why a request failed, e.g. `getaddrinfo ENOTFOUND example.org`: `fetch` hides it under "fetch failed". */
export function whyFailed(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return messageOf(signal.reason);
  const cause = error instanceof Error ? error.cause : undefined;
  const message = cause === undefined ? messageOf(error) : messageOf(cause);
  const code = codeOf(error);
  // An AggregateError of several addresses has a code and no message.
  return message === '' ? code || messageOf(error) : message;
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const { code } = (cause ?? {}) as { readonly code?: unknown }; // any object may lack it
  return typeof code === 'string' ? code : '';
}
