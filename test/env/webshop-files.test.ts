/** WebShop on a thousand real products: the recorded goals, four recorded episodes, and the contract. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/env/environment.ts';
import { openFiles } from '../../src/env/webshop/files.ts';
import { restateGoal } from '../../src/env/webshop/goal.ts';
import { playShop } from '../../src/env/webshop/play.ts';
import type { ShopState } from '../../src/env/webshop/state.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';
import { hasWebshop, openThousand, readThousand, webshopRoot, winnable } from './webshop-support.ts';

const recordings = join(webshopRoot, 'transcripts/AgentGym');
const hasRecordings = hasWebshop && existsSync(recordings);

interface Recorded {
  readonly item_id: string;
  readonly reward: number;
  readonly conversations: readonly { readonly from: 'human' | 'gpt'; readonly value: string }[];
}

const readJson = <T>(name: string): T => JSON.parse(readFileSync(join(recordings, name), 'utf8'));
const withoutLimit = (text: string): string => text.replace(/, and price lower than [\d.]+ dollars$/, '');

/** The call in a recorded message, as an action. */
function actionOf(message: string): string {
  const call: { readonly function_name: string; readonly arguments: Readonly<Record<string, string>> } =
    JSON.parse(message);
  return `${call.function_name}[${Object.values(call.arguments)[0]}]`;
}

describe.skipIf(!hasRecordings)('WebShop against AgentGym (needs ../shared/data/webshop)', () => {
  it('lists every recorded goal at its recorded index, and a limit its product could have been given', async () => {
    const shop = await readThousand('synthetic');
    const goals = new Map(shop.splits.flatMap((split) => shop.goals(split)).map((goal) => [goal.id, goal]));
    expect(goals.size).toBe(6_910);
    const recorded = Object.entries(readJson<Record<string, readonly string[]>>('goal_index_to_instruction.json'));
    expect(recorded.length).toBe(200);
    for (const [index, texts] of recorded) {
      const goal = goals.get(`synthetic/${index}`)!;
      for (const text of texts) expect(withoutLimit(goal.instruction)).toBe(withoutLimit(text));
      const { pricing } = shop.catalogue.product(shop.catalogue.find(goal.asin)!);
      for (const text of texts) {
        const { priceUpper } = restateGoal(goal, text);
        expect(priceUpper).toBeGreaterThan(Math.min(...pricing));
        expect(priceUpper).toBeLessThanOrEqual(10 * (Math.floor(Math.max(...pricing) / 10) + 4));
      }
    }
  });

  it('replays the recorded episodes page by page, with their rewards', async () => {
    const lines = readFileSync(join(recordings, 'webshop_fncall.HJX_test.jsonl'), 'utf8').split('\n').filter(Boolean);
    const shop = await readThousand('synthetic');
    const goals = new Map(shop.splits.flatMap((split) => shop.goals(split)).map((goal) => [goal.id, goal]));
    const rewards = lines.map((line) => {
      const { conversations, item_id, reward } = JSON.parse(line) as Recorded; // PROVENANCE.md: its shape
      const goal = goals.get(`synthetic/${/\d+/.exec(item_id)![0]}`)!;
      const [first, ...turns] = conversations.slice(2);
      const instruction = first!.value.split(' [SEP] ')[2]!;
      const world = playShop({ ...shop, splits: ['test'], goals: () => [restateGoal(goal, instruction)] });
      const task = world.tasks('test')[0]!;
      let { state, observation } = world.reset(task);
      expect(observation).toBe(first!.value);
      let earned = 0;
      for (let i = 0; i + 1 < turns.length; i += 2) {
        const turn = world.step(task, state, actionOf(turns[i]!.value));
        expect(turn.observation, turns[i]!.value).toBe(turns[i + 1]!.value);
        expect(turn.done).toBe(i + 2 >= turns.length);
        earned += turn.reward;
        state = turn.state;
      }
      expect(earned).toBeCloseTo(reward, 12);
      return reward;
    });
    expect(rewards).toEqual([1, 1, 1, 0.8]);
  });
});

describe.skipIf(!hasWebshop)('WebShop on real products (needs ../shared/data/webshop)', () => {
  testEnvironment('webshop, 13 human goals', () => openThousand('human'), { expertLimit: 15 });
  testEnvironment('webshop, synthetic goals', async () => winnable(await openThousand('synthetic'), 20), {
    expertLimit: 15,
  });
  testAdversary('webshop, synthetic goals', () => openThousand('synthetic'), {
    forms: ['search[%]', 'click[%]', 'Search[%]', 'search[%', 'click[%]]', 'think[%]', '%[%]'],
  });
});

describe.skipIf(!hasWebshop)('openFiles() on real products (needs ../shared/data/webshop)', () => {
  let folder: string;
  let human: Environment<ShopState>;
  const source = join(webshopRoot, 'products_1k/data');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spa-webshop-'));
    human = await openThousand('human');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function copyTo(name: string, files: Readonly<Record<string, string>>): string {
    const root = join(folder, name);
    mkdirSync(root);
    writeFileSync(
      join(root, 'items_shuffle_1000.json.gz'),
      readFileSync(join(source, 'items_shuffle_1000.reconstructed.json.gz')),
    );
    writeFileSync(join(root, 'items_ins_v2_1000.json.gz'), readFileSync(join(source, 'items_ins_v2_1000.json.gz')));
    writeFileSync(
      join(root, 'items_human_ins.json.gz'),
      gzipSync(readFileSync(join(source, 'items_human_ins.subset13.json'))),
    );
    for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
    return root;
  }

  it('has the same digest under another name of folder and files, another one with another seed', async () => {
    const same = playShop(await openFiles({ root: copyTo('copy', {}) }));
    const other = playShop(await openFiles({ root: join(folder, 'copy'), priceSeed: 2 }));
    expect(same.digest('test')).toBe(human.digest('test'));
    expect(other.digest('test')).not.toBe(human.digest('test'));
  });

  it('plays the same from an index on disk', async () => {
    const index = join(folder, 'index');
    const onDisk = playShop(await openFiles({ root: copyTo('large', {}), index }));
    expect(onDisk.digest('test')).toBe(human.digest('test'));
    expect(existsSync(index)).toBe(true);
    for (const task of human.tasks('test')) {
      let { state } = human.reset(task);
      for (let i = 0; i < 15 && state.page !== 'done'; i++) {
        const actions = human.admissible!(task, state);
        expect(onDisk.admissible!(task, state)).toEqual(actions);
        const action = actions[(i * 7) % actions.length]!;
        const turn = human.step(task, state, action);
        expect(onDisk.step(task, state, action)).toEqual(turn);
        state = turn.state;
      }
    }
  });

  it('takes splits from index lists, and keeps what stands in both out of train', async () => {
    const root = copyTo('lists', { 'train_indices.json': '[0, 5, 2, 9]', 'test_indices.json': '[3, 5]' });
    const world = playShop(await openFiles({ root }));
    expect(world.splits).toEqual(['train', 'test']);
    expect(world.tasks('train').map(({ id }) => id)).toEqual(['human/0', 'human/2', 'human/9']);
    expect(world.tasks('test').map(({ id }) => id)).toEqual(['human/3', 'human/5']);
  });

  it('takes nouns and sentences that lie beside the data', async () => {
    const [task] = human.tasks('test');
    const plain = await openFiles({ root: join(folder, 'copy') });
    const goal = plain.goals('test')[0]!;
    const text = 'a thing, and price lower than 70.00 dollars';
    const root = copyTo('beside', {
      'nouns.jsonl': `${JSON.stringify({ asin: goal.asin, nouns: ['thing'] })}\n`,
      'instructions.json': JSON.stringify({ 0: text }),
    });
    const shop = await openFiles({ root });
    expect(shop.nouns?.(goal)).toEqual(['thing']);
    expect(shop.goals('test')[0]).toEqual({ ...goal, instruction: text, priceUpper: 70 });
    expect(playShop(shop).reset(task!).observation).toBe(`WebShop [SEP] Instruction: [SEP] ${text} [SEP] Search`);
  });

  it('refuses a missing, damaged or other file by name', async () => {
    await expect(openFiles({ root: join(folder, 'nowhere') })).rejects.toThrow(
      /it holds no products, expected items_shuffle\.json/,
    );
    await expect(openFiles({ root: copyTo('cut', { 'items_shuffle.json': '[{"asin": "B0' }) })).rejects.toThrow(
      /Cannot read WebShop products .*items_shuffle\.json": /,
    );
    await expect(openFiles({ root: copyTo('other', { 'items_shuffle.json': '[{"asin": "B0"}]' }) })).rejects.toThrow(
      /item 1 lacks asin, name or another text/,
    );
    const unsaid = copyTo('unsaid', { 'items_human_ins.json': '{"B07FYPSNH8": [{"instruction": "x"}]}' });
    await expect(openFiles({ root: unsaid })).rejects.toThrow(/an instruction of "B07FYPSNH8" lacks its sentence/);
    await expect(openFiles({ root: copyTo('far', { 'test_indices.json': '[99]' }) })).rejects.toThrow(
      /it names goal 99 of 13/,
    );
  });
});
