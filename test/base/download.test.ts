import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Download, type DownloadOptions, download } from '../../src/base/download.ts';
import { pauseAfter, stopped } from '../../src/base/download-answer.ts';
import { SpaError } from '../../src/base/error.ts';

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const digest = createHash('sha256').update(bytes).digest('hex');

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

let folder: string;
let server: Server;
let address: string;
let handler: Handler;
let requests: IncomingMessage['headers'][];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-download-'));
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.headers);
    handler(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.zip`; // it listens on a port
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const wanted = (more: Partial<Download> = {}): Download => ({
  name: 'file.zip',
  addresses: [address],
  path: join(folder, 'file.zip'),
  sizeBytes: bytes.length,
  sha256: digest,
  ...more,
});

const pauses: number[] = [];
const options = (more: Partial<DownloadOptions> = {}): DownloadOptions => ({
  fetch,
  wait: async (ms) => void pauses.push(ms),
  ...more,
});

/** Answers as a file server does, from `Range` and `If-Range`; may drop the connection after some bytes. */
function serve(
  request: IncomingMessage,
  response: ServerResponse,
  dropAfter = Number.POSITIVE_INFINITY,
  etag = '"v1"',
) {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const start = asked !== null && fresh ? Number(asked[1]) : 0;
  const body = bytes.subarray(start);
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-length': body.length,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  if (dropAfter >= body.length) response.end(body);
  else response.write(body.subarray(0, dropAfter), () => setImmediate(() => response.destroy()));
}

async function failure(promise: Promise<unknown>): Promise<SpaError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SpaError)) throw new Error(`expected a SpaError, got ${String(error)}`);
  return error;
}

describe('download()', () => {
  it('writes the file, says what it is and leaves nothing else', async () => {
    handler = (request, response) => serve(request, response);
    const seen: number[] = [];
    const result = await download(wanted(), options({ report: ({ receivedBytes }) => seen.push(receivedBytes) }));
    expect(result).toEqual({ sha256: digest, sizeBytes: bytes.length, address });
    expect(await readFile(join(folder, 'file.zip'))).toEqual(bytes);
    expect(await readdir(folder)).toEqual(['file.zip']);
    expect(seen.at(-1)).toBe(bytes.length);
  });

  it('goes on where a dropped connection stopped, vouched for by If-Range', async () => {
    handler = (request, response, count) => serve(request, response, count <= 3 ? 70_000 : undefined);
    const result = await download(wanted(), options());
    expect(result.sha256).toBe(digest);
    expect(requests[0]!.range).toBeUndefined();
    const starts = requests.map(({ range }) => Number(/\d+/.exec(range ?? 'bytes=0-')![0]));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts[3]).toBeGreaterThan(starts[1]!);
    expect(requests[1]!['if-range']).toBe('"v1"');
  });

  it('goes on with a part of an earlier session', async () => {
    handler = (request, response) => serve(request, response, 100_000);
    const stop = new AbortController();
    const first = download(wanted(), options({ signal: stop.signal, wait: async () => stop.abort(new Error('stop')) }));
    await expect(first).rejects.toThrow('stop');
    expect(existsSync(join(folder, 'file.zip'))).toBe(false);
    const kept = (await readFile(join(folder, 'file.zip.part'))).length;
    expect(kept).toBeGreaterThan(0);
    handler = (request, response) => serve(request, response);
    await download(wanted(), options());
    expect(requests.at(-1)!.range).toBe(`bytes=${kept}-`);
    expect(await readFile(join(folder, 'file.zip'))).toEqual(bytes);
  });

  it('starts anew when the published file has changed since', async () => {
    await writeFile(join(folder, 'file.zip.part'), Buffer.alloc(1000));
    await writeFile(join(folder, 'file.zip.part.json'), JSON.stringify({ address, validator: '"v0"' }));
    handler = (request, response) => serve(request, response);
    await download(wanted({ sha256: null }), options());
    expect(await readFile(join(folder, 'file.zip'))).toEqual(bytes);
  });

  it('never goes on with bytes nobody can vouch for', async () => {
    await writeFile(join(folder, 'file.zip.part'), Buffer.alloc(1000));
    await writeFile(join(folder, 'file.zip.part.json'), JSON.stringify({ address, validator: null }));
    handler = (request, response) => serve(request, response);
    await download(wanted({ sha256: null, sizeBytes: null }), options());
    expect(requests[0]!.range).toBeUndefined();
    expect(await readFile(join(folder, 'file.zip'))).toEqual(bytes);
  });

  it('throws a damaged part away once and fetches the file whole', async () => {
    await writeFile(join(folder, 'file.zip.part'), Buffer.alloc(1000, 7));
    await writeFile(join(folder, 'file.zip.part.json'), JSON.stringify({ address, validator: '"v1"' }));
    handler = (request, response) => serve(request, response);
    expect((await download(wanted(), options())).sha256).toBe(digest);
    expect(requests.map(({ range }) => range)).toEqual(['bytes=1000-', undefined]);
  });

  it('believes a part that is already whole when the server has no more (416)', async () => {
    await writeFile(join(folder, 'file.zip.part'), bytes);
    await writeFile(join(folder, 'file.zip.part.json'), JSON.stringify({ address, validator: '"v1"' }));
    handler = (request, response) => serve(request, response);
    expect((await download(wanted(), options())).sha256).toBe(digest);
    expect(requests).toHaveLength(1);
  });

  it('refuses other bytes, says both hashes and how to fetch by hand, and keeps no part', async () => {
    const other = Buffer.from(bytes);
    other[17]! ^= 1;
    handler = (_, response) => response.end(other);
    const error = await failure(download(wanted(), options()));
    const got = createHash('sha256').update(other).digest('hex');
    expect(error.message).toBe(`Cannot download "file.zip": its SHA-256 is ${got}, expected ${digest}`);
    expect(error.hint).toBe(
      `The publisher may have changed the file. To fetch it by hand, save ${address} as ${join(folder, 'file.zip')} (SHA-256 ${digest}) and run the same command again.`,
    );
    expect(existsSync(join(folder, 'file.zip'))).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('refuses a web page in the place of the file, whatever its type', async () => {
    handler = (_, response) => response.end('<!DOCTYPE html><title>Sign in</title>');
    const error = await failure(download(wanted(), options()));
    expect(error.message).toBe(
      'Cannot download "file.zip": a web page came instead of the file, titled "Sign in", expected the file',
    );
    handler = (_, response) => response.setHeader('content-type', 'text/html').end('<p>Quota</p>');
    expect((await failure(download(wanted(), options()))).message).toBe(
      'Cannot download "file.zip": a web page came instead of the file, expected the file',
    );
  });

  it('follows the form of such a page', async () => {
    handler = (request, response) => {
      if (request.url === '/file.zip') response.setHeader('content-type', 'text/html').end('<form action="/real">');
      else serve(request, response);
    };
    const followPage = (page: string, from: string) => new URL(/action="([^"]+)"/.exec(page)![1]!, from).href;
    expect((await download(wanted(), options({ followPage }))).sha256).toBe(digest);
  });

  it('asks once for what is not there (404), and the next address then', async () => {
    handler = (request, response) => {
      if (request.url === '/gone') response.writeHead(404).end();
      else serve(request, response);
    };
    const gone = new URL('/gone', address).href;
    expect((await failure(download(wanted({ addresses: [gone] }), options()))).message).toBe(
      'Cannot download "file.zip": the server answers 404 Not Found, expected the file',
    );
    expect(requests).toHaveLength(1);
    expect((await download(wanted({ addresses: [gone, address] }), options())).address).toBe(address);
  });

  it('asks again with growing pauses when a server is overloaded, as often as told', async () => {
    pauses.length = 0;
    handler = (request, response, count) => {
      if (count < 4) response.writeHead(503).end();
      else serve(request, response);
    };
    await download(wanted(), options());
    expect(pauses).toEqual([1000, 2000, 4000]);
    handler = (_, response) => response.writeHead(503).end();
    requests.length = 0;
    const error = await failure(download(wanted(), options({ tries: 2 })));
    expect(error.message).toBe(
      'Cannot download "file.zip": the server answers 503 Service Unavailable, expected the file',
    );
    expect(requests).toHaveLength(2);
  });

  it('ends a try in which nothing comes', async () => {
    handler = (request, response, count) => {
      if (count > 1) serve(request, response);
      else response.writeHead(200, { etag: '"v1"', 'content-length': bytes.length }).write(bytes.subarray(0, 10));
    };
    const why: string[] = [];
    await download(wanted(), options({ silenceMs: 50, retrying: (text) => why.push(text) }));
    expect(why).toEqual(['nothing came for 0.05 s']);
    expect(requests[1]!.range).toBe('bytes=10-');
  });

  it('says at once why there is no route, and asks no second time', async () => {
    const offline: DownloadOptions['fetch'] = async () => {
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('getaddrinfo ENOTFOUND example.invalid'), {
          code: 'ENOTFOUND',
        }),
      });
    };
    const error = await failure(
      download(wanted({ sha256: null, addresses: ['https://example.invalid/a'] }), options({ fetch: offline })),
    );
    expect(error.message).toBe('Cannot download "file.zip": getaddrinfo ENOTFOUND example.invalid, expected the file');
    expect(error.badInput).toBe(false);
    expect(error.hint).toBe(
      `To fetch it by hand, save https://example.invalid/a as ${join(folder, 'file.zip')} and run the same command again.`,
    );
  });

  it('notices a short answer that ends well', async () => {
    handler = (_, response) => response.end(bytes.subarray(0, 500)); // its Content-Length is 500
    const error = await failure(download(wanted({ sha256: null }), options()));
    expect(error.message).toBe('Cannot download "file.zip": 500 bytes came, expected 300000');
  });

  it('stops when more comes than there should be', async () => {
    handler = (_, response) => response.end(Buffer.concat([bytes, bytes]));
    const error = await failure(download(wanted({ sha256: null }), options()));
    expect(error.message).toBe('Cannot download "file.zip": more than 300000 bytes came, expected that many');
  });

  it('names a place it cannot write to', async () => {
    await writeFile(join(folder, 'taken'), '');
    const path = join(folder, 'taken', 'file.zip');
    const error = await failure(download(wanted({ path }), options()));
    expect(error.message).toMatch(/^Cannot write ".*taken\/file\.zip": /);
    expect(error.hint).toMatch(/^What has arrived is kept/);
  });
});

describe('pauseAfter()', () => {
  it('doubles from a second to half a minute, and does as the server says up to a minute', () => {
    const end = stopped('network', 'x');
    expect([0, 1, 2, 3, 9].map((n) => pauseAfter(end, n))).toEqual([1000, 1000, 2000, 4000, 30_000]);
    expect(pauseAfter({ ...end, retryAfterMs: 7000 }, 1)).toBe(7000);
    expect(pauseAfter({ ...end, retryAfterMs: 7_000_000 }, 1)).toBe(60_000);
  });
});
