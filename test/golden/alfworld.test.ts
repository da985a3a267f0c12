/** ALFWorld against traces of the real engine and of an independent one validated on 60,628 recorded steps (golden README). */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { admissible } from '../../src/env/alfworld/admissible.ts';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import { execute, type Outcome } from '../../src/env/alfworld/command.ts';
import { openGame, openingText, stepGame } from '../../src/env/alfworld/engine.ts';
import { createExpert } from '../../src/env/alfworld/expert.ts';
import { openFiles } from '../../src/env/alfworld/files.ts';
import { compileGame, type Game, type GameText } from '../../src/env/alfworld/game.ts';
import { nameEntities } from '../../src/env/alfworld/name.ts';
import type { GameSource } from '../../src/env/alfworld/source.ts';
import { parseTaskName } from '../../src/env/alfworld/task.ts';
import type { Task } from '../../src/env/environment.ts';
import textworldLists from '../env/fixtures/alfworld-lists.json' with { type: 'json' };
import { goldenPath, hasReal, readGolden, realRoot } from '../env/support.ts';

/** What the game itself prints: the sentence of an arrival, then the rest. */
const printed = ({ arrival, feedback }: Outcome): string =>
  arrival === undefined ? feedback : `${arrival} ${feedback}`;

interface Synthetic {
  readonly problems: readonly {
    readonly id: string;
    readonly task: string;
    readonly problem: string;
    readonly intro: string;
    readonly names: Readonly<Record<string, string>>;
    readonly steps: readonly { cmd: string; admissibleBefore: string[]; feedback: string; won: boolean }[];
  }[];
}

describe.skipIf(!existsSync(goldenPath('alfworld_synthetic.json')))(
  'miniature problems (alfworld_synthetic.json)',
  () => {
    const { problems } = readGoldenOr<Synthetic>('alfworld_synthetic.json', { problems: [] });

    it.each(problems)('$id prints, lists, names and wins as recorded', ({ task, problem, intro, names, steps }) => {
      const grammar = JSON.stringify({ task: [{ rhs: `Your task is to: ${task}` }] });
      const game = compileGame({ pddl_domain: '', grammar, pddl_problem: problem });
      expect(openingText(game)).toBe(intro);
      const expected = Object.fromEntries(Object.entries(names).filter(([id]) => id.includes('_bar_')));
      expect(Object.fromEntries(nameEntities(Object.keys(expected)))).toEqual(expected);
      let state = game.initial;
      for (const step of steps) {
        expect(admissible(game, state)).toEqual(step.admissibleBefore);
        const outcome = execute(game, state, step.cmd);
        expect(printed(outcome)).toBe(step.feedback);
        expect(outcome.grounded).toBe(step.admissibleBefore.includes(step.cmd));
        state = stepGame(game, state, step.cmd).state;
        expect(game.goal.isReached(state)).toBe(step.won);
      }
    });
  },
);

interface Trace {
  readonly game: string;
  readonly intro: string;
  readonly agentTaskObs: string;
  readonly steps: readonly {
    cmd: string;
    feedback: string;
    obs: string;
    won: boolean;
    admissibleBefore_sha256: string;
    admissibleBefore?: string[];
  }[];
}

describe.skipIf(!hasReal || !existsSync(goldenPath('alfworld_traces.json')))('real games', () => {
  let source: GameSource;
  let tasks: ReadonlyMap<string, Task>;
  const gameOf = (id: string): Game => compileGame(source.read(tasks.get(id)!));

  beforeAll(() => {
    source = openFiles({ root: realRoot });
    tasks = new Map(source.splits.flatMap((split) => source.tasks(split)).map((task) => [task.id, task]));
  });

  it('answer 256 commands and list what is admissible as TextWorld itself does (test/interop/alfworld_lists.py)', () => {
    const { traces } = readGolden<{ traces: Trace[] }>('alfworld_traces.json');
    let differing = 0;
    for (const { game: id, steps } of textworldLists.games) {
      const game = gameOf(id);
      const commands = traces.find((trace) => trace.game === id)!.steps.map(({ cmd }) => cmd);
      let state = game.initial;
      for (const [index, [listed, feedback, won]] of (steps as [string, string, boolean][]).entries()) {
        expect(sha256(admissible(game, state).join('\n')), `${id} ${index}`).toBe(listed);
        expect(sha256(printed(execute(game, state, commands[index]!))), `${id} ${commands[index]}`).toBe(feedback);
        const turn = stepGame(game, state, commands[index]!);
        expect(turn.success).toBe(won);
        if (listed !== traces.find((trace) => trace.game === id)!.steps[index]!.admissibleBefore_sha256) differing += 1;
        state = turn.state;
      }
    }
    expect(differing).toBeGreaterThan(50); // else the golden would do
  });

  // The golden's lists hold `examine <thing in reach>`, which the domain means and its comma prevents (see problem.ts).
  it('answer 256 commands with the golden lists, once the comma is gone from their domain (alfworld_traces.json)', () => {
    let steps = 0;
    for (const trace of readGolden<{ traces: Trace[] }>('alfworld_traces.json').traces) {
      const text = JSON.parse(JSON.stringify(source.read(tasks.get(trace.game)!))) as GameText;
      const game = compileGame({ ...text, pddl_domain: text.pddl_domain.replaceAll('location, ?r', 'location ?r') });
      expect(openingText(game)).toBe(trace.intro);
      let { state, observation } = openGame(game, '\n');
      expect(observation).toBe(trace.agentTaskObs);
      for (const step of trace.steps) {
        const list = admissible(game, state);
        if (step.admissibleBefore !== undefined) expect(list).toEqual(step.admissibleBefore);
        expect(sha256(list.join('\n'))).toBe(step.admissibleBefore_sha256);
        expect(printed(execute(game, state, step.cmd))).toBe(step.feedback);
        const turn = stepGame(game, state, step.cmd);
        expect({ obs: turn.observation, won: turn.success }).toEqual({ obs: step.obs, won: step.won });
        state = turn.state;
        steps += 1;
      }
    }
    expect(steps).toBe(256);
  });

  it('open with the recorded text and list in all 274 evaluation games (alfworld_games.json)', () => {
    const { games, testOrderFile } = readGolden<GamesGolden>('alfworld_games.json');
    for (const row of games) {
      const game = gameOf(row.game);
      expect(sha256(openingText(game)), row.game).toBe(row.intro_sha256);
      expect(sha256(admissible(game, game.initial).join('\n')), row.game).toBe(row.admissible_sha256);
      expect({ type: tasks.get(row.game)!.type, task: game.dialect.task }).toEqual({ type: row.type, task: row.task });
      expect(game.goal.isReached(game.initial)).toBe(row.wonAtStart);
    }
    const evaluated = ['valid_seen', 'valid_unseen'].flatMap((split) => source.tasks(split).map((task) => task.id));
    expect(evaluated.sort()).toEqual(games.map((row) => row.game).sort());
    expect(testOrderFile.length).toBe(134);
  });

  it('follow a recorded order of the unseen games', () => {
    const { testOrderFile } = readGolden<GamesGolden>('alfworld_games.json');
    const folder = mkdtempSync(join(tmpdir(), 'alfworld-order-'));
    writeFileSync(join(folder, 'order.txt'), testOrderFile.map((game) => `./${game}/game.tw-pddl`).join('\n'));
    const options = {
      source: 'files',
      root: realRoot,
      splits: ['valid_unseen'],
      order: join(folder, 'order.txt'),
    } as const;
    const listed = openAlfworld(options).tasks('valid_unseen');
    rmSync(folder, { recursive: true });
    expect(listed.map((task) => task.id)).toEqual(testOrderFile.map((game) => `valid_unseen/${game}`));
  });

  it('are solved action for action as by the original expert (alfworld_expert.json)', () => {
    const tables = readGolden<Tables>('alfworld_tables.json');
    const beliefs = originalBeliefs(tables);
    const runs = readGolden<{ runs: { game: string; actions: string[]; solved: boolean }[] }>(
      'alfworld_expert.json',
    ).runs;
    expect(runs.length).toBe(24);
    for (const run of runs) {
      const game = gameOf(run.game);
      const expert = createExpert(parseTaskName(run.game.split('/')[1]!)!, {
        choice: 'first',
        beliefs,
        repair: 'none',
      });
      let { state, observation } = openGame(game, '\n');
      const actions: string[] = [];
      let isWon = false;
      while (!isWon && actions.length < 150) {
        actions.push(expert.act({ observation, admissible: admissible(game, state), lastAction: actions.at(-1) }));
        ({ state, observation, success: isWon } = stepGame(game, state, actions.at(-1)!));
      }
      expect({ game: run.game, actions, solved: isWon }).toEqual({
        game: run.game,
        actions: run.actions,
        solved: run.solved,
      });
    }
  });
});

interface GamesGolden {
  readonly games: readonly {
    game: string;
    type: string;
    intro_sha256: string;
    admissible_sha256: string;
    task: string;
    wonAtStart: boolean;
  }[];
  readonly testOrderFile: readonly string[];
}

interface Tables {
  readonly VAL_RECEPTACLE_OBJECTS: Readonly<Record<string, readonly string[]>>;
  readonly OPENABLE_CLASS_LIST: readonly string[];
  readonly RECEPTACLES: readonly string[];
}

function originalBeliefs(tables: Tables): {
  homes: Record<string, string[]>;
  openable: string[];
  receptacles: string[];
} {
  const homes: Record<string, string[]> = {};
  for (const [receptacle, objects] of Object.entries(tables.VAL_RECEPTACLE_OBJECTS)) {
    for (const object of objects) {
      homes[object.toLowerCase()] ??= [];
      homes[object.toLowerCase()]!.push(receptacle.toLowerCase());
    }
  }
  const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());
  return { homes, openable: lower(tables.OPENABLE_CLASS_LIST), receptacles: lower(tables.RECEPTACLES) };
}

function readGoldenOr<T>(name: string, absent: T): T {
  return existsSync(goldenPath(name)) ? readGolden<T>(name) : absent;
}
