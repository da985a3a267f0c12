import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SpaError } from '../../src/base/error.ts';
import { openHttpWorld } from '../../src/env/http/http.ts';
import { serveWorld } from '../../src/env/http/server.ts';
import { playEpisode } from '../../src/rollout/play.ts';
import { agentGymAlfworld, closeServers, fake, faultOf, json, local, openFake, serve, tasks } from './http-support.ts';

afterEach(closeServers);

/** A server that plays well until it is asked for `path`. */
const breakAt = (path: string, breaking: (response: ServerResponse, times: number) => void) => {
  let times = 0;
  return fake((asked, body, response) =>
    asked === path ? breaking(response, ++times) : agentGymAlfworld(asked, body, response),
  );
};

describe('what breaks on the way is the fault of the server', () => {
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
      `Cannot reset session 7 to task "alfworld/test/3": ${never.url}/reset: answered 500 "{"detail":"${'x'.repeat(189)}" after 3 attempts, expected 200`,
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
    expect((lost.outcome as SpaError).message).toMatch(
      /^Cannot step session 7: .*\/step: no connection \(.+\), expected a server that answers$/,
    );
    const failed = await step((response) => json(response, { detail: 'Internal' }, 500));
    expect(failed.sent).toBe(1);
    const late = await step((response) => setTimeout(() => json(response, {}), 4000).unref());
    expect(late.sent).toBe(1);
    expect((late.outcome as SpaError).message).toBe(
      `Cannot step session 7: ${late.url}/step: no reply came, expected one within 1000 ms`,
    );
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
      [
        (response) => json(response, { observation: 'x'.repeat(5000) }),
        /its reply is larger, expected at most 3000 bytes$/,
      ],
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
      `Cannot open the HTTP world: ${url}/info: no connection (ECONNREFUSED) after 2 attempts, expected a server that answers`,
    );
    expect(fault.badInput).toBe(false);
  });
});

describe('an interrupted client', () => {
  const reason = new Error('interrupted');

  it('lets go of a call and of a pause at once, and calls no more', async () => {
    const held = new AbortController();
    const busy = new AbortController();
    const cases = [
      { path: '/step', by: held, breaking: () => held.abort(reason) }, // the reply never comes
      {
        path: '/reset',
        by: busy,
        breaking: (response: ServerResponse) => {
          json(response, {}, 503);
          setTimeout(() => busy.abort(reason), 50);
        },
      },
    ];
    for (const { path, by, breaking } of cases) {
      const { url, calls } = await breakAt(path, breaking);
      const world = await openFake(url, { timeoutMs: 60_000, backoffMs: 60_000, signal: by.signal });
      const task = world.tasks('test')[0]!;
      const episode = async (): Promise<void> => {
        const { state } = await world.reset(task);
        await world.step(task, state, 'look');
      };
      await expect(episode()).rejects.toBe(reason);
      const made = calls.length;
      expect(calls.at(-1)).toBe(path);
      await expect(Promise.resolve(world.reset(task))).rejects.toBe(reason);
      expect(calls).toHaveLength(made);
    }
  });

  it('still closes its sessions', async () => {
    const server = await serve();
    const by = new AbortController();
    const world = await openHttpWorld({ url: server.url, dialect: 'alfworld', signal: by.signal });
    const { state } = await world.reset(tasks[0]!);
    expect(server.sessions).toBe(1);
    by.abort(reason);
    await world.release!(state);
    expect(server.sessions).toBe(0);
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
