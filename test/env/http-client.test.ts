import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import { buttonsOf, dialects } from '../../src/env/http/dialect.ts';
import { openHttpWorld } from '../../src/env/http/http.ts';
import { wasExecuted } from '../../src/env/http/reply.ts';
import { openWebshop } from '../../src/env/webshop/webshop.ts';
import {
  actionsFor,
  adversarial,
  agentGymAlfworld,
  closeServers,
  fake,
  faultOf,
  json,
  local,
  openFake,
  serve,
  tasks,
} from './http-support.ts';

afterEach(closeServers);

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
    expect(() => world.tasks('train')).toThrow(
      'Cannot list tasks of split "train": the served world has no such split here, expected one of "mine"',
    );
    const opening = await world.reset(world.tasks('mine')[3]!);
    expect(opening.observation).toBe(local.reset(tasks[13]!).observation);
    await expect(openHttpWorld({ url, dialect: 'alfworld', tasks: { mine: [10, 99] } })).rejects.toThrow(
      'Cannot number the tasks of split "mine": [10, 99], expected numbers from 0 to 20',
    );
    await expect(openHttpWorld({ url, dialect: 'alfworld', tasks: { a: [0, 5], b: [4, 6] } })).rejects.toThrow(
      'Cannot number the tasks of split "b": it shares some with "a", expected each number in one split',
    );
    await expect(openHttpWorld({ url, dialect: 'webshop' })).rejects.toThrow(
      'it speaks "alfworld", expected "webshop"',
    );
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
