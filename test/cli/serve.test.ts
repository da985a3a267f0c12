import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serveCommand } from '../../src/cli/serve.ts';
import { openHttpWorld } from '../../src/env/http/http.ts';

let printed: string;
let warned: string;
beforeEach(() => {
  printed = '';
  warned = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    warned += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const small = { seed: '3', games: '3,1,1', port: '0' } as const;

async function urlPrinted(): Promise<string> {
  await vi.waitUntil(() => printed.includes('Serving'), { timeout: 20_000 });
  return /http:\S+?(?=,)/.exec(printed)![0];
}

describe('spa serve', () => {
  it('serves a generated world on this machine only, until a signal, and then closes', async () => {
    const ended = serveCommand('alfworld', small);
    const url = await urlPrinted();
    expect(printed).toBe(
      `Serving alfworld at ${url}, dialect alfworld; tasks: train 0 to 2, valid_seen 3 to 3, valid_unseen 4 to 4; Ctrl-C ends\n`,
    );
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(warned).toBe('');
    const world = await openHttpWorld({ url, dialect: 'alfworld' });
    expect((await world.reset(world.tasks('train')[0]!)).observation).toMatch(/Your task is to: /);
    process.emit('SIGINT');
    expect(await ended).toBe(0);
    expect(printed).toMatch(/Closed\n$/);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('warns when others can reach it', async () => {
    const ended = serveCommand('alfworld', { ...small, host: '0.0.0.0', dialect: 'generic' });
    await urlPrinted();
    expect(warned).toMatch(/^Warning: 0\.0\.0\.0 can be reached from other machines, and there is no login/);
    expect(printed).toContain('dialect generic');
    process.emit('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('refuses what it cannot do by name', async () => {
    await expect(serveCommand('alfwrold', small)).rejects.toMatchObject({
      message: 'Cannot open world "alfwrold": there is no such world, expected one of alfworld, webshop, virtualhome',
      hint: 'Did you mean "alfworld"?',
    });
    await expect(serveCommand('alfworld', { ...small, port: '70000' })).rejects.toThrow(
      'Cannot read option "--port 70000": expected a whole number from 0 to 65535',
    );
    await expect(serveCommand('alfworld', { ...small, games: '3' })).rejects.toThrow(
      'Cannot read option "--games 3": expected three numbers, e.g. 100,20,20',
    );
    await expect(serveCommand('alfworld', { ...small, size: 'huge' })).rejects.toThrow(
      /--size\s+environment\.size: "huge"/,
    );
    await expect(serveCommand('alfworld', { ...small, dialect: 'sciworld' })).rejects.toThrow(
      'Cannot serve in dialect "sciworld": expected alfworld, webshop or generic',
    );
  });

  it('refuses a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(serveCommand('alfworld', { ...small, port: `${port}` })).rejects.toMatchObject({
      message: expect.stringContaining(`Cannot serve "alfworld" on 127.0.0.1:${port}: listen EADDRINUSE`),
      badInput: true,
    });
    other.close();
  });
});
