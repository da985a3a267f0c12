import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import type { Environment } from '../../src/env/environment.ts';
import { buttonsOf, isOnPage } from '../../src/env/http/dialect.ts';
import { serveWorld } from '../../src/env/http/server.ts';
import { closeServers, local, serve, tasks } from './http-support.ts';

afterEach(closeServers);

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
