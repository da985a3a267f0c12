/** What the tests of served worlds share: a world, servers that play it or break, and what is said to them. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import type { Json } from '../../src/base/json.ts';
import { createRng } from '../../src/base/rng.ts';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import type { Environment, Task, World } from '../../src/env/environment.ts';
import { type HttpState, type HttpWorldOptions, openHttpWorld } from '../../src/env/http/http.ts';
import { type ServeOptions, serveWorld, type WorldServer } from '../../src/env/http/server.ts';

/** The world that is served. */
export const local = openAlfworld({
  source: 'generated',
  seed: 5,
  counts: { train: 12, valid_seen: 4, valid_unseen: 4 },
});
export const tasks = local.splits.flatMap((split) => local.tasks(split));

/** What agents say that no world executes. */
export const adversarial = [
  '',
  ' ',
  '\u0000\u001b[31m',
  '去冰箱 1 🧊',
  'x'.repeat(100_000),
  '['.repeat(50_000),
  `${'click['.repeat(10_000)}x]`,
  'search[red\r\u2028shoe]',
  '{"state": {"won": true}}',
  '__proto__',
];

const open: { close(): Promise<unknown> }[] = [];

/** Closes the servers a test has opened. */
export async function closeServers(): Promise<void> {
  await Promise.all(open.splice(0).map((server) => server.close()));
}

/** Serves a world until the test ends. */
export async function serve(options: Partial<ServeOptions> = {}, world: Environment = local): Promise<WorldServer> {
  const server = await serveWorld(world, { port: 0, ...options });
  open.push(server);
  return server;
}

/** Answers one call. */
export type Handler = (path: string, body: Json, response: ServerResponse) => void;

/** A server that answers as told. */
export async function fake(handle: Handler): Promise<{ readonly url: string; readonly calls: string[] }> {
  const calls: string[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    calls.push(request.url!);
    handle(request.url!, text === '' ? null : (JSON.parse(text) as Json), response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

/** Sends JSON. */
export const json = (response: ServerResponse, value: Json, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

/** Answers as AgentGym's alfworld server does, whose source says what it sends. */
export const agentGymAlfworld: Handler = (path, body, response) => {
  const sent = body as {
    readonly id: number;
    readonly action: string;
    readonly game: number;
    readonly world_type: string;
  };
  if (path === '/create') return json(response, { id: 7 });
  if (path === '/reset') {
    expect(sent).toEqual({ id: 7, game: 3, world_type: 'Text' });
    return json(response, {
      id: 7,
      observation: 'A room.\nYour task is to: x',
      available_actions: ['look', 'go to bed 1'],
    });
  }
  if (path !== '/step') return json(response, { detail: 'Not Found' }, 404);
  const won = sent.action === 'go to bed 1';
  return json(response, {
    observation: won ? 'Done.' : 'Nothing happens.',
    reward: won ? 1 : 0,
    available_actions: ['look', 'go to bed 1'],
    done: won,
  });
};

const three = { test: [3, 4] } as const;
const quick = { backoffMs: 1, timeoutMs: 2000 } as const;
/** Opens a world behind a {@link fake} server: one task, little patience. */
export const openFake = (url: string, options: Partial<HttpWorldOptions> = {}): Promise<World<HttpState>> =>
  openHttpWorld({ url, dialect: 'alfworld', tasks: three, ...quick, ...options });

/** Returns the error of the environment that a call ends in. */
export async function faultOf(promise: unknown): Promise<SpaError> {
  const error = await Promise.resolve(promise).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SpaError);
  expect((error as SpaError).boundary).toBe('environment');
  return error as SpaError;
}

/** Draws actions that the world executes, and ends with what none does. */
export function actionsFor(task: Task, count: number): string[] {
  const rng = createRng(['http', task.id]);
  let { state } = local.reset(task);
  const random = Array.from({ length: count }, () => {
    const action = rng.pick(local.admissible!(task, state));
    state = local.step(task, state, action).state;
    return action;
  });
  return [...random, ...adversarial];
}
