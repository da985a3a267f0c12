/**
 * Downloads one file so that it is either whole and checked or absent: streams into `<file>.part`, goes on where it stopped (HTTP Range
 * with If-Range, RFC 9110 section 13.1.5 and 14), tries again with growing pauses, hashes what it writes and renames at the end.
 * Network and pauses are arguments, so that tests need neither.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Answer,
  answerTo,
  aPage,
  type Cause,
  type Fetch,
  isFinal,
  isPage,
  pauseAfter,
  type Stopped,
  stopped,
  whyFailed,
} from './download-answer.ts';
import { badInput, messageOf, SpaError } from './error.ts';
import { readTextIfPresent, writeJson } from './file.ts';

/** What to fetch and what it must be. */
export interface Download {
  /** Short name for messages, e.g. the file's name. */
  readonly name: string;
  /** Where it can be had, best first; the others are tried when one does not answer. */
  readonly addresses: readonly string[];
  /** Where to put it. While it is incomplete it is `<path>.part`, with `<path>.part.json` beside it. */
  readonly path: string;
  /** Its exact size, or null if nobody has written it down. */
  readonly sizeBytes: number | null;
  /** Its SHA-256 as 64 lower-case hex digits, or null if nobody has written it down. */
  readonly sha256: string | null;
}

/** How to fetch. */
export interface DownloadOptions {
  readonly fetch: Fetch;
  readonly signal?: AbortSignal;
  /** Told after every chunk. */
  readonly report?: (progress: DownloadProgress) => void;
  /** Told before a pause: why the last try ended and how long the pause is. */
  readonly retrying?: (why: string, pauseMs: number) => void;
  /** Finds the address of the file in a page that came in its place (a "download anyway" form); undefined = there is none. */
  readonly followPage?: (page: string, address: string) => string | undefined;
  /** Tries in a row that bring no byte, per address, before it gives up; default 5. */
  readonly tries?: number;
  /** Silence after which a try is ended; default 60 000 ms. */
  readonly silenceMs?: number;
  /** Waits; default the clock. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** How far a download is. */
export interface DownloadProgress {
  readonly receivedBytes: number;
  /** Bytes in all; null if the server does not say. */
  readonly totalBytes: number | null;
}

/** A file that has arrived. */
export interface Downloaded {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The address it came from, before redirects. */
  readonly address: string;
}

/** What is known of a part: enough to go on with the same bytes. */
interface PartRecord {
  readonly address: string;
  /** A strong ETag or else a Last-Modified date; null if the server gave neither. */
  readonly validator: string | null;
}

/** A part under way. */
interface Part {
  readonly file: FileHandle;
  hash: Hash;
  sizeBytes: number;
  record: PartRecord | undefined;
}

/**
 * Downloads a file. @throws {SpaError} "Cannot download …" if no address gives it, if it is not what it must be, or if the disk refuses;
 * the part is kept unless its bytes are wrong. @throws The reason of `signal` if it aborts; the part is kept.
 */
export async function download(wanted: Download, options: DownloadOptions): Promise<Downloaded> {
  const part = await onDisk(wanted, () => openPart(wanted));
  try {
    let failure: Stopped | undefined;
    for (const address of wanted.addresses) {
      const answer = await fetchFrom({ ...options, address }, wanted, part);
      if (answer === undefined) return await onDisk(wanted, () => finish(wanted, part, address));
      failure ??= answer;
    }
    throw unreachable(wanted, failure);
  } finally {
    await part.file.close();
    if (part.sizeBytes === 0) await discard(wanted);
  }
}

type Attempt = DownloadOptions & { readonly address: string };

/** Tries one address until the file is whole (undefined), or says why it never will be. */
async function fetchFrom(options: Attempt, wanted: Download, part: Part): Promise<Stopped | undefined> {
  const { signal, tries = 5, wait = (ms, abort) => sleep(ms, undefined, abort && { signal: abort }) } = options;
  let fruitless = 0;
  let restarted = false;
  for (;;) {
    signal?.throwIfAborted();
    const before = part.sizeBytes;
    const end = await attempt(options, wanted, part);
    if (end === undefined && isRight(wanted, part)) return undefined;
    signal?.throwIfAborted();
    if (end === undefined) {
      // Bytes of an earlier session may be at fault, of this one only once: a server that sends other bytes will do so again.
      const resumed = before > 0 && !restarted;
      const what = wrongBytes(wanted, part);
      await restart(part);
      if (!resumed) return what;
      restarted = true;
      continue;
    }
    fruitless = part.sizeBytes > before ? 0 : fruitless + 1;
    if (isFinal(end, part.sizeBytes > 0) || fruitless >= tries) return end;
    const pauseMs = pauseAfter(end, fruitless);
    options.retrying?.(end.text, pauseMs);
    await wait(pauseMs, signal);
  }
}

/** One request. Returns undefined when the stream came to its end, else why it stopped. */
async function attempt(options: Attempt, wanted: Download, part: Part): Promise<Stopped | undefined> {
  const silence = watchSilence(options.silenceMs ?? 60_000, options.signal);
  try {
    const answer = await request(options, wanted, part, silence.signal);
    if ('cause' in answer) return answer;
    if (answer.complete) return undefined;
    if (answer.start === 0) await restart(part);
    part.record = { address: options.address, validator: answer.validator };
    await onDisk(wanted, () => writeJson(recordPath(wanted), part.record));
    return await receive(answer, { options, wanted, part, heard: silence.heard });
  } catch (error) {
    if (error instanceof SpaError) throw error;
    options.signal?.throwIfAborted();
    return stopped(silence.signal.aborted ? 'silence' : 'network', whyFailed(error, silence.signal), error);
  } finally {
    silence.end();
  }
}

async function request(options: Attempt, wanted: Download, part: Part, signal: AbortSignal): Promise<Answer | Stopped> {
  const from = canResume(wanted, part, options.address) ? part.sizeBytes : 0;
  const ask = async (address: string): Promise<Answer | Stopped | { readonly page: string }> => {
    const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'spa' };
    if (from > 0) headers.range = `bytes=${from}-`;
    const validator = part.record?.address === options.address ? part.record.validator : null;
    if (from > 0 && validator !== null) headers['if-range'] = validator;
    return answerTo(await options.fetch(address, { headers, signal, redirect: 'follow' }), from, wanted.sizeBytes);
  };
  let answer = await ask(options.address);
  if ('page' in answer) {
    const next = options.followPage?.(answer.page, options.address);
    if (next !== undefined) answer = await ask(next);
  }
  return 'page' in answer ? stopped('page', aPage(answer.page)) : answer;
}

/** Appends the body to the part. */
async function receive(
  answer: Extract<Answer, { complete: false }>,
  at: {
    readonly options: Attempt;
    readonly wanted: Download;
    readonly part: Part;
    readonly heard: () => void;
  },
): Promise<Stopped | undefined> {
  const { options, wanted, part, heard } = at;
  const { totalBytes } = answer;
  for await (const chunk of answer.body) {
    heard();
    if (part.sizeBytes === 0 && isPage(chunk)) return stopped('page', aPage(Buffer.from(chunk).toString('utf8')));
    if (wanted.sizeBytes !== null && part.sizeBytes + chunk.length > wanted.sizeBytes) {
      return stopped('size', `more than ${wanted.sizeBytes} bytes came, expected that many`);
    }
    await onDisk(wanted, () => writeAt(part.file, chunk, part.sizeBytes));
    part.hash.update(chunk);
    part.sizeBytes += chunk.length;
    options.report?.({ receivedBytes: part.sizeBytes, totalBytes });
  }
  if (totalBytes !== null && part.sizeBytes < totalBytes) {
    return stopped('network', `the connection ended after ${part.sizeBytes} of ${totalBytes} bytes`);
  }
  return undefined;
}

/** A nearly full disk takes a part of a chunk and refuses the rest. */
async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
  }
}

async function discard(wanted: Download): Promise<void> {
  await rm(`${wanted.path}.part`, { force: true });
  await rm(recordPath(wanted), { force: true });
}

const recordPath = ({ path }: Download): string => `${path}.part.json`;

async function openPart(wanted: Download): Promise<Part> {
  await mkdir(dirname(wanted.path), { recursive: true });
  const path = `${wanted.path}.part`;
  const text = await readTextIfPresent(recordPath(wanted));
  const record = text === undefined ? undefined : parseRecord(text);
  const known = await stat(path).catch(() => undefined);
  const hash = createHash('sha256');
  if (record === undefined || known === undefined) {
    return { file: await open(path, 'w'), hash, sizeBytes: 0, record: undefined };
  }
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer); // no encoding is set
  return { file: await open(path, 'r+'), hash, sizeBytes: known.size, record };
}

function parseRecord(text: string): PartRecord | undefined {
  try {
    const { address, validator } = JSON.parse(text) as PartRecord; // checked below
    const whole = typeof address === 'string' && (validator === null || typeof validator === 'string');
    return whole ? { address, validator } : undefined;
  } catch {
    return undefined; // a torn record says nothing about its part, which is then fetched anew
  }
}

/** A part is gone on with if the server can vouch that the file is still the same, or if the hash will tell in the end. */
function canResume(wanted: Download, part: Part, address: string): boolean {
  if (part.sizeBytes === 0 || part.record === undefined) return false;
  if (wanted.sizeBytes !== null && part.sizeBytes > wanted.sizeBytes) return false;
  return wanted.sha256 !== null || (part.record.address === address && part.record.validator !== null);
}

async function restart(part: Part): Promise<void> {
  await part.file.truncate(0);
  part.hash = createHash('sha256');
  part.sizeBytes = 0;
  part.record = undefined;
}

const isRight = (wanted: Download, part: Part): boolean =>
  (wanted.sizeBytes === null || wanted.sizeBytes === part.sizeBytes) &&
  (wanted.sha256 === null || wanted.sha256 === part.hash.copy().digest('hex'));

function wrongBytes(wanted: Download, part: Part): Stopped {
  if (wanted.sizeBytes !== null && wanted.sizeBytes !== part.sizeBytes) {
    return stopped('size', `${part.sizeBytes} bytes came, expected ${wanted.sizeBytes}`);
  }
  return stopped('sha256', `its SHA-256 is ${part.hash.copy().digest('hex')}, expected ${wanted.sha256}`);
}

async function finish(wanted: Download, part: Part, address: string): Promise<Downloaded> {
  await part.file.sync();
  await rename(`${wanted.path}.part`, wanted.path);
  await rm(recordPath(wanted), { force: true });
  return { sha256: part.hash.digest('hex'), sizeBytes: part.sizeBytes, address };
}

/** Ends a try after a time without a byte, or with the caller's signal. */
function watchSilence(ms: number, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(outer?.reason);
  outer?.addEventListener('abort', onAbort, { once: true });
  if (outer?.aborted) onAbort();
  const timer = setTimeout(() => controller.abort(new Error(`nothing came for ${ms / 1000} s`)), ms);
  return {
    signal: controller.signal,
    heard: () => void timer.refresh(),
    end: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

/** Reasons the user can do something about, by what the disk says, and what must be. */
const diskReasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full, expected room for it',
  EDQUOT: 'the disk quota is used up, expected room for it',
  EACCES: 'writing there is not permitted, expected permission to write',
  EPERM: 'writing there is not permitted, expected permission to write',
  EROFS: 'the disk is read-only, expected one to write to',
  ENOTDIR: 'a part of its path is a file, expected a folder',
  EISDIR: 'there is a folder in its place, expected a file or nothing',
  EFBIG: 'it is larger than the file system allows, expected one without that limit',
};

/** Names what the disk refuses; a part that was written stays. */
async function onDisk<T>(wanted: Download, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException; // node:fs rejects with errno errors
    const why = diskReasons[code] ?? `${messageOf(error)}, expected a place to write to`;
    throw new SpaError('data', `Cannot write "${wanted.path}": ${why}`, {
      cause: error,
      hint: 'What has arrived is kept: make room or name another folder, and run the same command again.',
    });
  }
}

/** Reasons that are about the bytes that came; their texts say what was expected. */
const wrongFile: ReadonlySet<Cause> = new Set<Cause>(['sha256', 'size']);

function unreachable(wanted: Download, failure: Stopped | undefined): SpaError {
  if (failure === undefined)
    return badInput('data', `Cannot download "${wanted.name}": it has no address, expected one`);
  const isOther = wrongFile.has(failure.cause);
  const by = isOther ? 'The publisher may have changed the file. ' : '';
  const why = isOther ? failure.text : `${failure.text}, expected the file`;
  const check = wanted.sha256 === null ? '' : ` (SHA-256 ${wanted.sha256})`;
  return new SpaError('data', `Cannot download "${wanted.name}": ${why}`, {
    cause: failure.error,
    hint: `${by}To fetch it by hand, save ${wanted.addresses.join(' or ')} as ${wanted.path}${check} and run the same command again.`,
  });
}
