import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import type { Json } from '../../src/base/json.ts';
import { createRng } from '../../src/base/rng.ts';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import type { Environment, Task, World } from '../../src/env/environment.ts';
import { buttonsOf, dialects, isOnPage } from '../../src/env/http/dialect.ts';
import { type HttpState, type HttpWorldOptions, openHttpWorld } from '../../src/env/http/http.ts';
import { wasExecuted } from '../../src/env/http/reply.ts';
import { type ServeOptions, serveWorld, type WorldServer } from '../../src/env/http/server.ts';
import { openWebshop } from '../../src/env/webshop/webshop.ts';
import { playEpisode } from '../../src/rollout/play.ts';

const local = openAlfworld({ source: 'generated', seed: 5, counts: { train: 12, valid_seen: 4, valid_unseen: 4 } });
const tasks = local.splits.flatMap((split) => local.tasks(split));

/** What agents say that no world executes. */
const adversarial = [
  '',
  ' ',
  '\u0000\u001b[31m',
  '去冰箱 1 🧊',
  'x'.repeat(100_000),
  '{"state": {"won": true}}',
  '__proto__',
];

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(options: Partial<ServeOptions> = {}, world: Environment = local): Promise<WorldServer> {
  const server = await serveWorld(world, { port: 0, ...options });
  open.push(server);
  return server;
}

type Handler = (path: string, body: Json, response: ServerResponse) => void;

/** A server that answers as told. */
async function fake(handle: Handler): Promise<{ readonly url: string; readonly calls: string[] }> {
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

const json = (response: ServerResponse, value: Json, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

/** Answers as AgentGym's alfworld server does, whose source says what it sends. */
const agentGymAlfworld: Handler = (path, body, response) => {
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
const openFake = (url: string, options: Partial<HttpWorldOptions> = {}): Promise<World<HttpState>> =>
  openHttpWorld({ url, dialect: 'alfworld', tasks: three, ...quick, ...options });

async function faultOf(promise: unknown): Promise<SpaError> {
  const error = await Promise.resolve(promise).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SpaError);
  expect((error as SpaError).boundary).toBe('environment');
  return error as SpaError;
}

function actionsFor(task: Task, count: number): string[] {
  const rng = createRng(['http', task.id]);
  let { state } = local.reset(task);
  const random = Array.from({ length: count }, () => {
    const action = rng.pick(local.admissible!(task, state));
    state = local.step(task, state, action).state;
    return action;
  });
  return [...random, ...adversarial];
}

describe('a served world behind its client', () => {
  const tried = { alfworld: 12, generic: 4, webshop: 4 } as const;
  for (const dialect of ['alfworld', 'generic', 'webshop'] as const) {
    it(`answers exactly as the local one does, in dialect ${dialect}`, async () => {
      const { url } = await serve({ dialect });
      const world = await openHttpWorld({ url, dialect });
      expect(world.name).toBe('alfworld');
      expect(world.splits).toEqual(local.splits);
      for (const split of local.splits) expect(world.tasks(split)).toEqual(local.tasks(split));
      for (const task of tasks.slice(0, tried[dialect])) {
        const [mine, theirs] = [local.reset(task), await world.reset(task)];
        expect(theirs.observation).toBe(mine.observation);
        let [state, served] = [mine.state, theirs.state];
        for (const action of actionsFor(task, 15)) {
          const { state: next, ...turn } = local.step(task, state, action);
          const { state: nextServed, ...servedTurn } = await world.step(task, served, action);
          expect(servedTurn).toEqual(turn);
          expect(JSON.parse(JSON.stringify(nextServed))).toEqual(nextServed);
          [state, served] = [next, nextServed];
          if (turn.done) break;
        }
        await world.release!(served);
      }
    });
  }

  it('is won by the expert of the local one, with success, reward 1 and an end', async () => {
    const server = await serve();
    const world = await openHttpWorld({ url: server.url, dialect: 'alfworld' });
    for (const task of tasks.slice(0, 4)) {
      const expert = local.expert!(task);
      let mine = local.reset(task).state;
      let { state, observation } = await world.reset(task);
      let lastAction: string | undefined;
      let [total, success] = [0, false];
      for (let turns = 0; turns < 60 && !success; turns++) {
        lastAction = expert.act({ observation, admissible: local.admissible!(task, mine), lastAction });
        mine = local.step(task, mine, lastAction).state;
        const turn = await world.step(task, state, lastAction);
        ({ state, observation, success } = turn);
        total += turn.reward;
        expect(turn.done).toBe(turn.success);
      }
      expect({ total, success }).toEqual({ total: 1, success: true });
      const after = await faultOf(world.step(task, state, 'look'));
      expect(after.message).toMatch(/answered 409 .*its task has ended, expected a reset/);
      await world.release!(state);
    }
    await vi.waitUntil(() => server.sessions === 0); // a session that met a fault is closed behind the back of the episode
  });

  it('plays 64 sessions at once, each its own game', async () => {
    const server = await serve();
    const world = await openHttpWorld({ url: server.url, dialect: 'alfworld' });
    const openings = await Promise.all(
      Array.from({ length: 64 }, async (_, i) => {
        const task = tasks[i % tasks.length]!;
        const { state, observation } = await world.reset(task);
        expect(observation).toBe(local.reset(task).observation);
        return { task, state };
      }),
    );
    expect(server.sessions).toBe(64);
    expect(new Set(openings.map(({ state }) => state.session)).size).toBe(64);
    await Promise.all(
      openings.map(async ({ task, state }, i) => {
        let mine = local.reset(task).state;
        let theirs = state;
        for (const action of actionsFor(task, 4 + (i % 5)).filter(({ length }) => length < 1000)) {
          const turn = local.step(task, mine, action);
          const served = await world.step(task, theirs, action);
          expect(served.observation).toBe(turn.observation);
          [mine, theirs] = [turn.state, served.state];
          if (turn.done) break;
        }
        await world.release!(theirs);
      }),
    );
    expect(server.sessions).toBe(0);
  });

  it('has digests that follow what is served and what the user says, not the address', async () => {
    const at = async (seed: number, revision?: string) => {
      const world = openAlfworld({ source: 'generated', seed, counts: { train: 3, valid_seen: 1, valid_unseen: 1 } });
      const { url } = await serve({}, world);
      return (await openHttpWorld({ url, dialect: 'alfworld', ...(revision !== undefined && { revision }) })).digest(
        'train',
      );
    };
    const first = await at(1);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await at(1)).toBe(first);
    expect(await at(2)).not.toBe(first);
    expect(await at(1, 'v2')).not.toBe(first);
  });

  it('takes ranges of its tasks as splits of the user', async () => {
    const { url } = await serve();
    const world = await openHttpWorld({ url, dialect: 'alfworld', tasks: { mine: [10, 14] } });
    expect(world.tasks('mine').map(({ id }) => id)).toEqual(tasks.slice(10, 14).map(({ id }) => id));
    expect(() => world.tasks('train')).toThrow('Cannot list tasks of split "train": expected one of "mine"');
    const opening = await world.reset(world.tasks('mine')[3]!);
    expect(opening.observation).toBe(local.reset(tasks[13]!).observation);
    await expect(openHttpWorld({ url, dialect: 'alfworld', tasks: { mine: [10, 99] } })).rejects.toThrow(
      'Cannot number the tasks of split "mine": [10, 99], expected numbers from 0 to 20',
    );
    await expect(openHttpWorld({ url, dialect: 'alfworld', tasks: { a: [0, 5], b: [4, 6] } })).rejects.toThrow(
      'Cannot number the tasks of split "b": it shares some with "a"',
    );
    await expect(openHttpWorld({ url, dialect: 'webshop' })).rejects.toThrow(
      'it speaks "alfworld", expected "webshop"',
    );
  });
});

describe('a server of worlds', () => {
  const post = async (url: string, path: string, body: string): Promise<{ status: number; value: Json }> => {
    const response = await fetch(`${url}${path}`, { method: 'POST', body });
    return { status: response.status, value: (await response.json()) as Json };
  };

  it('speaks the words of AgentGym: alfworld', async () => {
    const { url } = await serve();
    expect(await (await fetch(`${url}/`)).json()).toBe('This is environment AlfWorld.');
    expect(await post(url, '/create', '')).toEqual({ status: 200, value: { id: 0 } });
    const reset = await post(url, '/reset', JSON.stringify({ id: 0, game: 0, world_type: 'Text' }));
    const { state, observation } = local.reset(tasks[0]!);
    const available_actions = local.admissible!(tasks[0]!, state);
    const task_type = tasks[0]!.id.slice('train/'.length);
    expect(reset.value).toEqual({
      ...{ id: 0, observation, available_actions, task_type, reward: 0, done: false },
      task: tasks[0]!.id,
    });
    expect(await (await fetch(`${url}/observation?id=0`)).json()).toBe(observation);
    expect(await (await fetch(`${url}/available_actions?id=0`)).json()).toEqual(available_actions);
    const step = await post(url, '/step', JSON.stringify({ id: 0, action: available_actions[0] }));
    expect(step.value).toMatchObject({ reward: 0, done: false, grounded: true, success: false });
    expect(await post(url, '/close', '{"id":0}')).toEqual({ status: 200, value: true });
    expect((await post(url, '/close', '{"id":0}')).status).toBe(404);
  });

  it('speaks the words of AgentGym: webshop', async () => {
    const { url } = await serve({ dialect: 'webshop' });
    expect(await (await fetch(`${url}/`)).json()).toBe('ok');
    expect(await post(url, '/create', '')).toEqual({ status: 200, value: 0 });
    const { observation } = local.reset(tasks[2]!);
    expect((await post(url, '/reset', '{"env_idx":0,"session_id":2}')).value).toEqual([observation, null]);
    const { value } = await post(url, '/step', '{"env_idx":0,"action":"look"}');
    expect(value).toMatchObject({ state: expect.any(String), reward: 0, done: false, info: null });
    const actions = await (await fetch(`${url}/available_actions?env_idx=0`)).json();
    expect(actions).toEqual({ has_search_bar: false, clickables: [] }); // a household has none
  });

  it('lists a page of buttons as WebShop does, and judges actions by it', () => {
    const admissible = ['click[b07]', 'click[next >]', 'search[red shoe]'];
    expect(buttonsOf('WebShop [SEP] Instruction: [SEP] a shoe [SEP] Search', ['search[red shoe]'])).toEqual({
      has_search_bar: true,
      clickables: ['search'],
    });
    expect(buttonsOf('Instruction: [SEP] a shoe [SEP] Back to Search', admissible)).toEqual({
      has_search_bar: false,
      clickables: ['b07', 'next >'],
    });
    const buttons = ['search', 'buy now', 'a[b]c'];
    for (const action of ['search[x]', 'click[Buy Now]', 'click[buy now] now', 'search[ ]']) {
      expect(isOnPage(action, buttons), action).toBe(true);
    }
    for (const action of [
      'search[]',
      'click[search]',
      ' click[buy now]',
      'Click[buy now]',
      'click[size]',
      'think[x]',
      '',
    ])
      expect(isOnPage(action, buttons), action).toBe(false);
  });

  it('holds no more sessions than told, forgets idle ones, and says so', async () => {
    let now = 0;
    const server = await serve({ maxSessions: 2, idleMs: 1000, now: () => now });
    for (const id of [0, 1]) expect((await post(server.url, '/create', '')).value).toEqual({ id });
    const full = await post(server.url, '/create', '');
    expect(full.status).toBe(503);
    expect(full.value).toEqual({
      error: 'Cannot create a session: all are in use, expected one to be closed or idle for long enough',
    });
    now = 900;
    expect((await post(server.url, '/reset', '{"id":1,"game":0}')).status).toBe(200);
    now = 1500; // 0 was used at 0, 1 at 900
    expect(server.sessions).toBe(1);
    const gone = await post(server.url, '/reset', '{"id":0,"game":0}');
    expect(gone.status).toBe(404);
    expect(gone.value).toEqual({
      error: 'There is no session 0: it was never created, has been closed, or nobody used it for too long',
    });
    expect((await post(server.url, '/create', '')).value).toEqual({ id: 2 });
  });

  it('refuses what it cannot read with one sentence and goes on', async () => {
    const { url } = await serve({ maxBodyBytes: 1000 });
    await post(url, '/create', '');
    const cases: [path: string, body: string, status: number, error: RegExp][] = [
      ['/step', '{"id":0,', 400, /^Cannot read the body of \/step: it is no JSON object/],
      ['/step', '[1]', 400, /no JSON object/],
      ['/step', '{"id":0,"action":"look"}', 409, /plays no task yet, expected a reset/],
      ['/reset', '{"id":0,"game":20}', 400, /20 is no task, expected a whole number under "game", from 0 to 19$/],
      ['/reset', '{"id":0,"game":"0"}', 400, /"0" is no task/],
      ['/reset', '{"id":0,"game":{"a":1}}', 400, /an object is no task/],
      ['/reset', '{"id":"0","game":0}', 400, /"0" is no session, expected a number under "id"/],
      ['/reset', '{"game":0}', 400, /^nothing is no session/],
      ['/reset', '{"id":5,"game":0}', 404, /^There is no session 5/],
      ['/render', '{}', 404, /^There is no \/render here/],
      ['/info', '{}', 405, /does not understand POST/],
      ['/step', JSON.stringify({ id: 0, action: 'x'.repeat(4_000_000) }), 413, /larger than 1000 bytes/],
    ];
    for (const [path, body, status, error] of cases) {
      const answer = await post(url, path, body);
      expect(answer.status, error.source).toBe(status);
      expect(Object.keys(answer.value as object)).toEqual(['error']);
      expect((answer.value as { error: string }).error).toMatch(error);
      expect(JSON.stringify(answer.value)).not.toMatch(/\.ts|node:/);
    }
    await post(url, '/reset', '{"id":0,"game":0}');
    expect((await post(url, '/step', '{"id":0}')).value).toEqual({
      error: 'Cannot step session 0: nothing is no action, expected a text under "action"',
    });
    expect((await post(url, '/step', '{"id":0,"action":"look"}')).status).toBe(200);
  });

  it('says that the world broke without showing how, and goes on', async () => {
    const faults: unknown[] = [];
    const breaking: Environment = {
      ...local,
      step: () => {
        throw new Error('secret path /home/me');
      },
    };
    const { url } = await serve({ onFault: (error) => faults.push(error) }, breaking);
    await post(url, '/create', '');
    await post(url, '/reset', '{"id":0,"game":0}');
    const answer = await post(url, '/step', '{"id":0,"action":"look"}');
    expect(answer).toEqual({ status: 500, value: { error: 'The world broke on this call; the server goes on' } });
    expect(faults).toHaveLength(1);
    expect((await fetch(`${url}/`)).status).toBe(200);
  });

  it('refuses a port that is taken by name', async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    await expect(serveWorld(local, { port })).rejects.toThrow(`Cannot serve "alfworld" on 127.0.0.1:${port}: `);
  });
});

describe('a client of a server of AgentGym', () => {
  it('plays it by the words of its source, tells grounded by its list and success by its reward', async () => {
    const { url, calls } = await fake(agentGymAlfworld);
    const world = await openFake(url);
    const [task] = world.tasks('test');
    expect(task).toEqual({ id: 'alfworld/test/3', split: 'test', type: 'alfworld' });
    const { state, observation } = await world.reset(task!);
    expect(observation).toBe('A room.\nYour task is to: x');
    const refused = await world.step(task!, state, 'fly');
    expect(refused).toMatchObject({ grounded: false, reward: 0, done: false, success: false });
    const won = await world.step(task!, refused.state, ' go to bed 1');
    expect(won).toMatchObject({ grounded: true });
    const last = await world.step(task!, won.state, 'go to bed 1');
    expect(last).toMatchObject({ grounded: true, reward: 1, done: true, success: true });
    expect(last.state).toEqual({ session: 7, turn: 3, total: 1, actions: null });
    await world.release!(last.state); // it has no /close: the session is used again
    await world.reset(task!);
    expect(calls).toEqual(['/info', '/create', '/reset', '/step', '/step', '/step', '/reset']);
  });

  it('makes a new session when a used one is not known any more', async () => {
    let restarted = false;
    const { url, calls } = await fake((path, body, response) => {
      if (path === '/reset' && restarted) {
        restarted = false;
        return json(response, { error: 'The id 7 is not valid.' });
      }
      return agentGymAlfworld(path, body, response);
    });
    const world = await openFake(url);
    const task = world.tasks('test')[0]!;
    const { state } = await world.reset(task);
    await world.release!(state);
    restarted = true;
    expect((await world.reset(task)).observation).toMatch(/^A room/);
    expect(calls).toEqual(['/info', '/create', '/reset', '/reset', '/create', '/reset']);
  });

  it('plays WebShop: bare session numbers, pairs, buttons asked for after each page', async () => {
    const pages = ['Home', 'Results', 'Thank you'];
    let page = 0;
    const { url, calls } = await fake((path, _body, response) => {
      if (path === '/create') return json(response, 48_000_001);
      if (path === '/reset') return json(response, [pages[0]!, null]);
      if (path === '/step') {
        page += 1;
        return json(response, { state: pages[page]!, reward: page === 2 ? 0.75 : 0, done: page === 2, info: null });
      }
      if (path.startsWith('/available_actions'))
        return json(response, { has_search_bar: page === 0, clickables: page === 0 ? ['search'] : ['buy now'] });
      return json(response, { detail: 'Not Found' }, 404);
    });
    const world = await openFake(url, { dialect: 'webshop' });
    const task = world.tasks('test')[0]!;
    const { state, observation } = await world.reset(task);
    expect(observation).toBe('Home');
    const found = await world.step(task, state, 'search[red]');
    expect(found).toMatchObject({ observation: 'Results', grounded: true, done: false });
    const bought = await world.step(task, found.state, 'click[Buy Now]');
    expect(bought).toMatchObject({ grounded: true, done: true, reward: 0.75, success: false });
    const asked = '/available_actions?env_idx=48000001';
    expect(calls).toEqual(['/info', '/create', '/reset', asked, '/step', asked, '/step']);
  });

  it('turns totals into rewards of steps: sciworld', async () => {
    const steps = [
      { observation: 'ok', score: 17 },
      { observation: 'No known action matches that input.', score: 17 },
      { observation: 'ok', score: 100 },
    ];
    const { url } = await fake((path, _body, response) => {
      if (path === '/create') return json(response, { id: 0 });
      if (path === '/reset')
        return json(response, { task_description: 'Boil water.', observation: 'A kitchen.', score: 0, done: false });
      if (path !== '/step') return json(response, { detail: 'Not Found' }, 404);
      const step = steps.shift()!;
      return json(response, { ...step, reward: 9, done: step.score === 100 });
    });
    const world = await openFake(url, { dialect: 'sciworld' });
    const task = world.tasks('test')[0]!;
    let { state, observation } = await world.reset(task);
    expect(observation).toBe('Boil water.\nA kitchen.');
    const rewards: number[] = [];
    const grounded: boolean[] = [];
    for (const action of ['a', 'b', 'c']) {
      const turn = await world.step(task, state, action);
      rewards.push(turn.reward);
      grounded.push(turn.grounded);
      ({ state, observation } = turn);
    }
    expect(rewards[0]).toBeCloseTo(0.17, 12);
    expect(rewards[1]).toBe(0);
    expect(rewards[2]).toBeCloseTo(0.83, 12);
    expect(grounded).toEqual([true, false, true]);
  });

  it('tells grounded by the listed actions as the world itself does', () => {
    let judged = 0;
    for (const task of tasks.slice(0, 6)) {
      let { state } = local.reset(task);
      for (const action of actionsFor(task, 15)) {
        const listed = local.admissible!(task, state);
        const known = [...listed, action, `${action} `, action.toUpperCase(), 'help', 'go to nowhere 9'];
        for (const said of known) {
          const { grounded, observation } = local.step(task, state, said);
          expect(wasExecuted(dialects.alfworld, { action: said, listed, observation }), said.slice(0, 40)).toBe(
            grounded,
          );
          judged += 1;
        }
        state = local.step(task, state, action).state;
      }
    }
    expect(judged).toBeGreaterThan(1000);
  });

  it('tells grounded by the buttons of a page as WebShop itself does', async () => {
    const shop = await openWebshop({
      source: 'generated',
      seed: 2,
      counts: { train: 4, valid_seen: 1, valid_unseen: 1 },
    });
    const { url } = await serve({}, shop);
    const world = await openHttpWorld({ url, dialect: 'webshop' });
    let judged = 0;
    for (const task of shop.tasks('train')) {
      const rng = createRng(['buttons', task.id]);
      const opening = shop.reset(task);
      const served = await world.reset(task);
      expect(served.observation).toBe(opening.observation);
      let [state, observation, theirs] = [opening.state, opening.observation, served.state];
      for (let turn = 0; turn < 12; turn++) {
        const admissible = shop.admissible!(task, state);
        const { clickables } = buttonsOf(observation, admissible);
        for (const said of [
          ...admissible,
          'search[]',
          'search[ ]',
          'click[search]',
          'click[no such thing]',
          ...adversarial,
        ]) {
          const { grounded } = shop.step(task, state, said);
          const rule = wasExecuted(dialects.webshop, { action: said, listed: clickables, observation: '' });
          expect(rule, said.slice(0, 40)).toBe(grounded);
          judged += 1;
        }
        const action = rng.pick(admissible);
        const { state: next, ...mine } = shop.step(task, state, action);
        const { state: nextServed, ...other } = await world.step(task, theirs, action);
        expect(other).toEqual(mine);
        [state, observation, theirs] = [next, mine.observation, nextServed];
        if (mine.done) break;
      }
    }
    expect(judged).toBeGreaterThan(500);
  });

  it('cannot do without ranges, because the server does not list its tasks', async () => {
    const { url } = await fake(agentGymAlfworld);
    await expect(openHttpWorld({ url, dialect: 'alfworld' })).rejects.toMatchObject({
      message: 'Cannot open the HTTP world: nobody says which tasks it has, expected a range of numbers for each split',
      badInput: true,
    });
    await expect(openHttpWorld({ url: 'ftp://x', dialect: 'alfworld' })).rejects.toThrow(
      'Cannot open the HTTP world "ftp://x": no such address, expected http(s)://host:port',
    );
    await expect(openFake(url, { timeoutMs: 0 })).rejects.toThrow(
      'timeoutMs is 0, expected a whole number from 1 to 300000',
    );
  });
});

describe('what breaks on the way is the fault of the server', () => {
  /** A server that plays well until it is asked for `path`. */
  const breakAt = (path: string, breaking: (response: ServerResponse, times: number) => void) => {
    let times = 0;
    return fake((asked, body, response) =>
      asked === path ? breaking(response, ++times) : agentGymAlfworld(asked, body, response),
    );
  };

  it('repeats create and reset until they succeed, and says when they do not', async () => {
    const { url, calls } = await breakAt('/create', (response, times) =>
      times < 3 ? json(response, { error: 'busy' }, 503) : json(response, { id: 7 }),
    );
    const world = await openFake(url);
    await world.reset(world.tasks('test')[0]!);
    expect(calls.filter((path) => path === '/create')).toHaveLength(3);
    const never = await breakAt('/reset', (response) => json(response, { detail: 'x'.repeat(500) }, 500));
    const broken = await openFake(never.url, { retries: 2 });
    const fault = await faultOf(broken.reset(broken.tasks('test')[0]!));
    expect(fault.message).toBe(
      `Cannot reset session 7 to task "alfworld/test/3": ${never.url}/reset: answered 500 "{"detail":"${'x'.repeat(189)}", expected 200 after 3 attempts`,
    );
  });

  it('never sends a step twice when its reply was lost, but does when it was refused', async () => {
    const step = async (breaking: (response: ServerResponse, times: number) => void) => {
      const { url, calls } = await breakAt('/step', breaking);
      const world = await openFake(url, { timeoutMs: 1000 });
      const task = world.tasks('test')[0]!;
      const { state } = await world.reset(task);
      const outcome = await Promise.resolve(world.step(task, state, 'look')).catch((error: SpaError) => error);
      return { outcome, sent: calls.filter((path) => path === '/step').length, url };
    };
    const lost = await step((response) => response.destroy());
    expect(lost.sent).toBe(1);
    expect((lost.outcome as SpaError).message).toMatch(/^Cannot step session 7: .*\/step: no connection \(.+\)$/);
    const failed = await step((response) => json(response, { detail: 'Internal' }, 500));
    expect(failed.sent).toBe(1);
    const late = await step((response) => setTimeout(() => json(response, {}), 4000).unref());
    expect(late.sent).toBe(1);
    expect((late.outcome as SpaError).message).toBe(`Cannot step session 7: ${late.url}/step: no reply within 1000 ms`);
    const busy = await step((response, times) =>
      times === 1 ? json(response, {}, 503) : json(response, { observation: 'ok', reward: 0, done: false }),
    );
    expect(busy.sent).toBe(2);
    expect(busy.outcome).toMatchObject({ observation: 'ok' });
  });

  it('takes every malformed reply for a fault and shows how it begins', async () => {
    const cases: [(response: ServerResponse) => void, RegExp][] = [
      [(response) => response.end('<html>'), /answered 200 "<html>", expected JSON$/],
      [(response) => json(response, null), /answered 200 "null", expected a JSON object$/],
      [(response) => json(response, { error: 'The id 7 is not valid.' }), /"{"error":"The id 7 .*expected no error$/],
      [(response) => json(response, { reward: 0, done: false }), /expected a text under "observation"$/],
      [(response) => json(response, { observation: '', reward: '0', done: false }), /a number under "reward"$/],
      [(response) => json(response, { observation: '', reward: 0, done: 0 }), /true or false under "done"$/],
      [(response) => json(response, { observation: 'x'.repeat(5000) }), /its reply is larger than 3000 bytes$/],
      [(response) => response.writeHead(302, { location: '/' }).end(), /answered 302 "", expected 200$/],
    ];
    for (const [breaking, message] of cases) {
      const { url } = await breakAt('/step', breaking);
      const world = await openFake(url, { maxReplyBytes: 3000 });
      const task = world.tasks('test')[0]!;
      const { state } = await world.reset(task);
      expect((await faultOf(world.step(task, state, 'look'))).message).toMatch(message);
    }
  });

  it('takes text that the server will not read for the agent’s doing', async () => {
    const { url } = await serve({ maxBodyBytes: 10_000 });
    const world = await openHttpWorld({ url, dialect: 'alfworld' });
    const { state } = await world.reset(tasks[0]!);
    const turn = await world.step(tasks[0]!, state, 'x'.repeat(3_000_000));
    expect(turn).toMatchObject({ observation: 'The action is too long.', grounded: false, reward: 0, done: false });
    expect(await world.step(tasks[0]!, turn.state, 'look')).toMatchObject({ grounded: true });
  });

  it('says that nobody is there', async () => {
    const { url, close } = await serveWorld(local, { port: 0 });
    await close();
    const fault = await faultOf(openFake(url, { retries: 1 }));
    expect(fault.message).toBe(
      `Cannot open the HTTP world: ${url}/info: no connection (ECONNREFUSED) after 2 attempts`,
    );
    expect(fault.badInput).toBe(false);
  });
});

describe('a server that closes idle connections while this process computes', () => {
  const program = `
    import { createServer } from 'node:net';
    const reply = (text) => 'HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: ' + text.length + '\\r\\n\\r\\n' + text;
    const server = createServer((socket) => {
      let idle;
      socket.on('error', () => {});
      socket.on('data', (data) => {
        clearTimeout(idle);
        idle = setTimeout(() => socket.end(), 50);
        socket.write(reply(JSON.stringify({ id: 1, observation: 'ok', reward: 0, done: false })));
      });
    });
    server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port));
  `;

  it('does not lose a step on one of them', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const world = await openFake(line.toString().trim(), { dialect: 'generic' });
      const task = world.tasks('test')[0]!;
      let { state } = await world.reset(task);
      for (let turn = 0; turn < 8; turn++) {
        const until = performance.now() + 150;
        while (performance.now() < until); // as a model does that computes in this thread
        ({ state } = await world.step(task, state, 'look'));
      }
      expect(state.turn).toBe(8);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('a server process killed under an episode', () => {
  const program = `
    import { createJiti } from 'jiti';
    const jiti = createJiti(process.cwd() + '/');
    const { openAlfworld } = await jiti.import('./src/env/alfworld/alfworld.ts');
    const { serveWorld } = await jiti.import('./src/env/http/server.ts');
    const counts = { train: 2, valid_seen: 1, valid_unseen: 1 };
    const { url } = await serveWorld(openAlfworld({ source: 'generated', seed: 5, counts }), { port: 0 });
    console.log(url);
  `;
  let child: ReturnType<typeof spawn>;
  let url: string;
  beforeAll(async () => {
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    url = line.toString().trim();
  });
  afterAll(() => {
    child.kill('SIGKILL');
  });

  it('leaves an episode recorded as infra_error, with the turns before it', async () => {
    const world = await openHttpWorld({ url, dialect: 'alfworld', retries: 1, backoffMs: 1 });
    let turns = 0;
    const { episode, fault } = await playEpisode(
      { task: world.tasks('train')[0]!, rollout: 0 },
      {
        environment: world,
        policy: {
          act: async () => {
            turns += 1;
            if (turns === 3) {
              child.kill('SIGKILL');
              await once(child, 'exit');
            }
            return { text: 'look', tokenIds: [], logProbs: [] };
          },
          release: () => {},
          [Symbol.asyncDispose]: async () => {},
        },
        prompt: { format: 'action-only', instruction: false },
        maxTurns: 10,
        origin: { run: 'r', stageKey: 'k', seed: 1 },
      },
    );
    expect(episode.outcome).toBe('infra_error');
    expect(episode.turns).toHaveLength(2);
    expect(fault).toMatch(/^Cannot step session 0: http:\/\/127\.0\.0\.1:\d+\/step: no connection/);
  });
});
