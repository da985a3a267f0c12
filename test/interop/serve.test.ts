/**
 * Served worlds played by other people's programs: Python's standard library, and AgentGym's own clients. Those are not in the package index
 * (its `agentenv` is an empty name): install them from https://github.com/WooooDyy/AgentGym, folder agentenv, without its dependencies, into an
 * environment that has torch, transformers, openai, numpy and requests, and name its interpreter in AGENTENV_PYTHON.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import type { Environment, Task } from '../../src/env/environment.ts';
import { openWebshop } from '../../src/env/webshop/webshop.ts';
import { killGroup, type Started, startNode } from '../e2e/process.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const counts = { train: 6, valid_seen: 2, valid_unseen: 2 };
const options = { source: 'generated', seed: 3, counts, size: 'small' } as const;
const words = ['--seed', '3', '--games', '6,2,2', '--port', '0'];

/** What the expert does in a game, and what the world says. */
function known(world: Environment, task: Task) {
  const expert = world.expert!(task);
  let { state, observation } = world.reset(task);
  const observations = [observation];
  const actions: string[] = [];
  const rewards: number[] = [];
  for (let done = false; !done && actions.length < 100; ) {
    actions.push(expert.act({ observation, admissible: world.admissible!(task, state), lastAction: actions.at(-1) }));
    const turn = world.step(task, state, actions.at(-1)!);
    ({ state, observation, done } = turn);
    observations.push(observation);
    rewards.push(turn.reward);
  }
  return { observations, actions, rewards };
}

async function python<T>(interpreter: string, words: readonly string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(interpreter, words, { maxBuffer: 1 << 26, cwd: at('.') });
  return JSON.parse(stdout) as T; // the script says what it prints
}

async function serve(world: string): Promise<{ readonly url: string; readonly started: Started }> {
  const started = startNode([at('../../src/cli/spa.mjs'), 'serve', world, ...words], { cwd: at('../..') });
  let out = '';
  started.child.stdout?.on('data', (data) => {
    out += data;
  });
  await started.said('Serving ');
  return { url: /http:\/\/[\d.]+:\d+/.exec(out)![0], started };
}

describe('spa serve alfworld, played by thirty lines of Python', () => {
  const world = openAlfworld(options);
  const tasks = world.splits.flatMap((split) => world.tasks(split));
  let url: string;
  let started: Started;
  beforeAll(async () => {
    ({ url, started } = await serve('alfworld'));
  });
  afterAll(async () => {
    if (started.child.exitCode === null) await killGroup(started);
  });

  interface Played {
    readonly observations: string[];
    readonly actions: string[];
    readonly reward: number;
    readonly done: boolean;
  }

  it('is won by the actions of the expert, each of them among the possible ones, word for word as here', async () => {
    for (const [game, task] of tasks.entries()) {
      const { observations, actions } = known(world, task);
      const played = await python<Played>('python3', ['play_served.py', url, `${game}`, JSON.stringify(actions)]);
      expect(played).toEqual({ observations, actions, reward: 1, done: true });
    }
  });

  it('plays random possible actions, none of which is refused', async () => {
    const played = await python<Played>('python3', ['play_served.py', url, '0']);
    expect(played.actions.length).toBeGreaterThan(0);
    expect(played.observations).not.toContain('Nothing happens.');
  });

  it('closes on Ctrl-C', async () => {
    started.child.kill('SIGINT');
    await expect(started.ended).resolves.toMatchObject({ code: 0, out: expect.stringMatching(/Closed\n$/) });
  });
});

const interpreter = process.env.AGENTENV_PYTHON ?? '';
const reason = interpreter === '' ? 'AGENTENV_PYTHON names no interpreter' : `${interpreter} is not there`;

describe.skipIf(!existsSync(interpreter))(`AgentGym's own clients (skipped if ${reason})`, () => {
  interface Game {
    readonly first: string;
    readonly observations: string[];
    readonly rewards: number[];
    readonly done: boolean[];
  }
  const play = async (name: 'alfworld' | 'webshop', world: Environment): Promise<void> => {
    const { url, started } = await serve(name);
    try {
      const games = world.splits.flatMap((split) => world.tasks(split)).map((task) => known(world, task));
      const scripts = Object.fromEntries(games.map(({ actions }, game) => [game, actions]));
      const words = ['agentgym_client.py', url, name, JSON.stringify(scripts)];
      const played = await python<Record<string, Game>>(interpreter, words);
      for (const [game, { observations, rewards }] of games.entries()) {
        const theirs = played[game]!;
        const [first = '', ...rest] = observations;
        expect(theirs.first.startsWith(first)).toBe(true); // ALFWorld's client adds the possible actions
        expect(theirs.observations).toEqual(rest);
        expect(theirs.rewards).toEqual(rewards);
        expect(theirs.done).toEqual(rewards.map((_, turn) => turn === rewards.length - 1));
      }
    } finally {
      await killGroup(started);
    }
  };

  it('win every game of a served ALFWorld', () => play('alfworld', openAlfworld(options)));
  it('buy in every errand of a served WebShop', async () => play('webshop', await openWebshop(options)));
});
