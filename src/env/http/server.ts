/**
 * Serves one of our worlds to trainers in other languages, in the words of AgentGym's servers. `node:http` is enough: nine routes, JSON in and
 * out. Sessions, bodies and waits are bounded; errors are JSON with one sentence, never a stack.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { badInput, messageOf } from '../../base/error.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Environment } from '../environment.ts';
import { createAnswers, type Reply, type Request, refuse } from './answer.ts';
import { openDesk } from './desk.ts';
import type { DialectName } from './dialect.ts';

/** Where and how a world is served. */
export interface ServeOptions {
  /** Default `127.0.0.1`: this machine only. There is no login: whoever reaches the port can play. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Default: the world's own if AgentGym has it, else `generic`. */
  readonly dialect?: 'alfworld' | 'webshop' | 'generic';
  /** Most sessions at once; further ones are answered 503. Default 256. */
  readonly maxSessions?: number;
  /** Time without use after which a session is forgotten, in milliseconds. Default 15 minutes. */
  readonly idleMs?: number;
  /** Largest request body, in bytes; larger ones are answered 413. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** The clock, in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Told when the world itself broke; the caller of the server is told only that it did. */
  readonly onFault?: (error: unknown) => void;
}

/** A served world. */
export interface WorldServer extends AsyncDisposable {
  /** Address to hand to clients. */
  readonly url: string;
  readonly dialect: DialectName;
  /** Sessions held now. */
  readonly sessions: number;
  /** Answers what has been asked, then closes. */
  close(): Promise<void>;
}

/**
 * Serves a world until closed.
 * @throws {SpaError} If it cannot listen there (bad input).
 */
export async function serveWorld(environment: Environment, options: ServeOptions): Promise<WorldServer> {
  const { host = '127.0.0.1', port, maxBodyBytes = 1 << 20, onFault = () => {} } = options;
  const { maxSessions = 256, idleMs = 15 * 60_000, now = Date.now } = options;
  const dialect = options.dialect ?? dialectOf(environment.name);
  const desk = openDesk({ maxSessions, idleMs, now });
  const answer = createAnswers({ environment, dialect, desk });
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      void reply(request, { answer, maxBodyBytes, onFault }).then((made) => send(response, made));
    },
  );
  await listen(server, { host, port, name: environment.name });
  const { address, family, port: taken } = server.address() as AddressInfo; // it listens on a port, not on a pipe
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 2000).unref();
    });
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    dialect,
    get sessions() {
      return desk.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Tells which dialect a world is served in unless told otherwise. */
function dialectOf(world: string): 'alfworld' | 'webshop' | 'generic' {
  return world === 'alfworld' || world === 'webshop' ? world : 'generic';
}

async function reply(
  incoming: IncomingMessage,
  options: {
    readonly answer: (request: Request) => Reply;
    readonly maxBodyBytes: number;
    readonly onFault: (error: unknown) => void;
  },
): Promise<Reply> {
  const read = await readRequest(incoming, options.maxBodyBytes).catch(() => refuse(400, 'The request ended early'));
  if ('status' in read) return read;
  try {
    return options.answer(read);
  } catch (error) {
    options.onFault(error);
    return refuse(500, 'The world broke on this call; the server goes on');
  }
}

async function readRequest(incoming: IncomingMessage, maxBodyBytes: number): Promise<Request | Reply> {
  const method = incoming.method ?? 'GET';
  const target = `http://localhost${incoming.url ?? '/'}`;
  if (!URL.canParse(target)) return refuse(400, 'The address of the request cannot be read');
  const { pathname, searchParams } = new URL(target);
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, '') : pathname;
  const text = await readBody(incoming, maxBodyBytes);
  if (text === undefined) return refuse(413, `The request is larger than ${maxBodyBytes} bytes`);
  const body = parseBody(text);
  if (body === undefined) return refuse(400, `Cannot read the body of ${path}: it is no JSON object, expected one`);
  return { method, path, query: searchParams, body };
}

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size <= maxBytes) chunks.push(chunk); // the rest is read and dropped, so that the client hears the answer
  }
  return size > maxBytes ? undefined : Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): JsonObject | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as JsonObject) : undefined; // parsed from JSON
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, value }: Reply): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(status === 503 && { 'retry-after': '1' }),
  });
  response.end(text);
}

function listen(
  server: Server,
  { host, port, name }: { readonly host: string; readonly port: number; readonly name: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const hint = 'Name another with --port or --host; --port 0 takes any free one.';
      const message = `Cannot serve "${name}" on ${host}:${port}: ${messageOf(error)}, expected a free port`;
      reject(badInput('environment', message, { hint, cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}
