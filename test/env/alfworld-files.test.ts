/** Trees of game files: what is listed, in which order, and what is said of trees that are wrong. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import { openGenerated } from '../../src/env/alfworld/generate/generated.ts';
import { writeGames } from '../../src/env/alfworld/generate/write.ts';

const generated = { seed: 11, counts: { train: 6, valid_seen: 3, valid_unseen: 3 } } as const;
const source = openGenerated(generated);
const game = source.read(source.tasks('train')[0]!);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'alfworld-tree-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Writes one file of a tree. */
function put(path: string, content: unknown): void {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content));
}

/** Runs and returns the error it must throw. */
function errorOf(body: () => unknown): SpaError {
  try {
    body();
  } catch (error) {
    if (error instanceof SpaError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe("source 'files'", () => {
  it('keeps solvable games of the six types, plain or compressed, and sorts them by path', () => {
    const apple = 'json_2.1.1/train/pick_and_place_simple-Apple-None-Fridge-2';
    put(`${apple}/trial_T2/game.tw-pddl.gz`, gzipSync(JSON.stringify(game)));
    put(`${apple}/trial_T1/game.tw-pddl`, game);
    put(`${apple}/trial_T3/game.tw-pddl`, { ...game, solvable: false });
    put(`${apple}/trial_T4/initial_state.pddl`, 'no game here');
    put('json_2.1.1/train/pick_and_place_simple-AppleSliced-None-Fridge-2/trial_T1/game.tw-pddl', game);
    put('json_2.1.1/train/pick_and_place_with_movable_recep-Egg-Bowl-Fridge-2/trial_T1/game.tw-pddl', game);
    put(
      'json_2.1.1/train/look_at_obj_in_light-Pen-None-DeskLamp-301/trial_T1/game.tw-pddl',
      JSON.stringify(game, null, 2),
    );
    put('json_2.1.1/valid_train/ignored', '');
    const world = openAlfworld({ source: 'files', root });
    expect(world.splits).toEqual(['train']);
    expect(world.tasks('train')).toEqual([
      { id: 'train/look_at_obj_in_light-Pen-None-DeskLamp-301/trial_T1', split: 'train', type: 'look_at_obj_in_light' },
      { id: 'train/pick_and_place_simple-Apple-None-Fridge-2/trial_T1', split: 'train', type: 'pick_and_place_simple' },
      { id: 'train/pick_and_place_simple-Apple-None-Fridge-2/trial_T2', split: 'train', type: 'pick_and_place_simple' },
    ]);
  });

  it('reads back what was written, observation for observation', () => {
    expect(writeGames(root, generated)).toBe(12);
    const [files, made] = [
      openAlfworld({ source: 'files', root }),
      openAlfworld({ source: 'generated', ...generated }),
    ];
    for (const split of made.splits) {
      const sorted = made
        .tasks(split)
        .map((task) => task.id)
        .sort();
      expect(files.tasks(split).map((task) => task.id)).toEqual(sorted);
      for (const task of made.tasks(split)) {
        const expert = made.expert!(task);
        let [ours, theirs] = [made.reset(task), files.reset(task)];
        let lastAction: string | undefined;
        for (let i = 0; i < 30; i++) {
          expect(theirs).toEqual(ours);
          if (made.remaining!(task, ours.state) === 0) break;
          lastAction = expert.act({ ...ours, admissible: made.admissible!(task, ours.state), lastAction });
          [ours, theirs] = [made.step(task, ours.state, lastAction), files.step(task, theirs.state, lastAction)];
        }
      }
    }
  });

  it('has a digest of content, not of place', () => {
    writeGames(join(root, 'a'), generated);
    writeGames(join(root, 'b'), generated);
    const digest = (folder: string): string =>
      openAlfworld({ source: 'files', root: join(root, folder) }).digest('train');
    expect(digest('b')).toBe(digest('a'));
    const { id } = source.tasks('train')[0]!;
    writeFileSync(
      join(root, 'b/json_2.1.1', id, 'game.tw-pddl.gz'),
      gzipSync(JSON.stringify({ ...game, grammar: `${game.grammar} ` })),
    );
    expect(digest('b')).not.toBe(digest('a'));
  });

  it('refuses a folder without games, with the remedy', () => {
    const error = errorOf(() => openAlfworld({ source: 'files', root }));
    expect(error.message).toBe(`Cannot open ALFWorld games "${root}": it holds no games, expected json_2.1.1/<split>`);
    expect({ badInput: error.badInput, hint: error.hint }).toEqual({
      badInput: true,
      hint: 'Name the folder that holds json_2.1.1 (ALFWORLD_DATA), or use generated games.',
    });
  });

  it('refuses a split that is not there, and one that is empty', () => {
    mkdirSync(join(root, 'json_2.1.1/train'), { recursive: true });
    expect(errorOf(() => openAlfworld({ source: 'files', root, splits: ['train', 'valid_sen'] })).message).toBe(
      `Cannot open ALFWorld games "${root}": it has no folder "valid_sen", expected json_2.1.1/<split>`,
    );
    const world = openAlfworld({ source: 'files', root });
    const unknown = errorOf(() => world.tasks('trian'));
    expect(unknown.message).toBe(
      'Cannot list tasks of split "trian": ALFWorld has no such split here, expected one of "train"',
    );
    expect(unknown.hint).toBe('Did you mean "train"?');
    expect(errorOf(() => world.tasks('train')).message).toContain('holds none that are solvable, expected some');
  });

  it.each([
    ['game.tw-pddl', '{"pddl_domain": "", "gram', 'Unterminated string'],
    ['game.tw-pddl.gz', new Uint8Array([31, 139, 8, 0, 1, 2, 3]), 'unexpected end of file'],
    ['game.tw-pddl', '{"pddl_domain": ""}', 'it lacks pddl_domain, grammar or pddl_problem'],
    ['game.tw-pddl', '[]', 'it lacks pddl_domain, grammar or pddl_problem'],
  ])('names a damaged %s', (name, content, what) => {
    const path = `json_2.1.1/train/pick_and_place_simple-Apple-None-Fridge-2/trial_T1/${name}`;
    put(path, content);
    const error = errorOf(() => openAlfworld({ source: 'files', root }).tasks('train'));
    expect(error.message).toContain(`Cannot read game "${join(root, path)}": `);
    expect(error.message).toContain(what);
    expect({ badInput: error.badInput, hint: error.hint }).toEqual({
      badInput: true,
      hint: 'The file is damaged: fetch it again.',
    });
  });

  it('names a game whose problem is damaged when it is played', () => {
    put('json_2.1.1/train/pick_and_place_simple-Apple-None-Fridge-2/trial_T1/game.tw-pddl', {
      ...game,
      pddl_problem: '(define (problem x))',
    });
    const world = openAlfworld({ source: 'files', root });
    const error = errorOf(() => world.reset(world.tasks('train')[0]!));
    expect(error.message).toBe(
      `Cannot compile game "train/pick_and_place_simple-Apple-None-Fridge-2/trial_T1": its text is damaged, expected ALFWorld's game.tw-pddl`,
    );
    expect(error.hint).toBe('Cannot read PDDL problem: it has no (:objects …), expected one');
  });

  it('refuses an order that is not there', () => {
    mkdirSync(join(root, 'json_2.1.1/train'), { recursive: true });
    const order = join(root, 'order.txt');
    expect(errorOf(() => openAlfworld({ source: 'files', root, order })).message).toBe(
      `Cannot read game order "${order}": the file does not exist, expected one game per line`,
    );
  });
});
