/** The generated shop: reproducible, its splits disjoint, its wishes won by the shopper, its words safe for the reward's fuzzy matching. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { createRng } from '../../src/base/rng.ts';
import type { Environment, Task } from '../../src/env/environment.ts';
import { normaliseColour } from '../../src/env/webshop/colour.ts';
import { tokenSetRatio } from '../../src/env/webshop/fuzzy.ts';
import { drawProducts } from '../../src/env/webshop/generate/draw.ts';
import { chosenValue, readWish } from '../../src/env/webshop/generate/expert-wish.ts';
import { openGenerated } from '../../src/env/webshop/generate/generated.ts';
import { unseenNouns } from '../../src/env/webshop/generate/goals.ts';
import { brands, departments, listFamilies, optionValues } from '../../src/env/webshop/generate/lexicon.ts';
import { readPage } from '../../src/env/webshop/generate/page-text.ts';
import { renameTexts } from '../../src/env/webshop/generate/rename.ts';
import { writeProduct } from '../../src/env/webshop/generate/text.ts';
import type { Goal } from '../../src/env/webshop/goal.ts';
import type { Shop } from '../../src/env/webshop/shop.ts';
import { openWebshop } from '../../src/env/webshop/webshop.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';

const counts = { train: 200, valid_seen: 40, valid_unseen: 40 };
const small = { seed: 7, counts, size: 'small' } as const;

for (const size of ['small', 'full'] as const) {
  const few = { seed: 7, counts: { train: 24, valid_seen: 12, valid_unseen: 12 }, size };
  testEnvironment(`webshop, generated, ${size}`, () => openWebshop({ source: 'generated', ...few }), {
    expertLimit: 20,
  });
}
testAdversary('webshop, generated', () => openWebshop({ source: 'generated', ...small }), {
  forms: ['search[%]', 'click[%]'],
});

describe('generated products', () => {
  it('are the same for the same seed, others for another, each with an asin of its own', () => {
    const draw = (seed: number) => drawProducts({ seed, size: 'small', products: 1120 });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const asins = draw(1).map(({ asin }) => asin);
    expect(new Set(asins).size).toBe(1120);
    for (const asin of asins) expect(asin).toMatch(/^B\d{6}SPA$/);
  });

  it('of one family differ in the first group of their asins', () => {
    const drafts = drawProducts({ seed: 1, size: 'small', products: 1120 });
    for (const { noun } of listFamilies()) {
      const groups = drafts.filter(({ family }) => family.noun === noun).map(({ asin }) => asin.slice(1, 4));
      expect(groups).toHaveLength(20);
      expect(new Set(groups).size).toBe(20);
    }
  });

  it('have titles of four to seven words at size small, and a shop front of many words at size full', () => {
    const lengths = (size: 'small' | 'full') =>
      drawProducts({ seed: 1, size, products: 1120 }).map(
        (draft) => writeProduct(draft, size).name.split(/\s+/).length,
      );
    expect(Math.min(...lengths('small'))).toBeGreaterThanOrEqual(4);
    expect(Math.max(...lengths('small'))).toBeLessThanOrEqual(7);
    expect(Math.min(...lengths('full'))).toBeGreaterThanOrEqual(12);
  });
});

describe('the words of the generator', () => {
  const { nouns, kinds, traits, details } = {
    nouns: departments.flatMap((department) => department.nouns),
    kinds: departments.flatMap((department) => department.kinds),
    traits: departments.flatMap((department) => department.traits),
    details: departments.flatMap((department) => department.details),
  };

  it('are distinct, so that each can be renamed', () => {
    const all = [...nouns, ...kinds, ...traits, ...details, ...brands, ...Object.values(optionValues).flat()];
    expect(all.filter((word, i) => all.indexOf(word) !== i)).toEqual([]);
  });

  it('name attributes and values that the reward tells apart', () => {
    for (const department of departments) {
      const attributes = [...department.kinds, ...department.traits, ...department.details];
      for (const a of attributes)
        for (const b of attributes) expect(tokenSetRatio(a, b) > 85, `${a} / ${b}`).toBe(a === b);
      const values = department.options.flatMap((name) => optionValues[name]);
      for (const a of values)
        for (const b of values)
          expect(tokenSetRatio(normaliseColour(a), normaliseColour(b)) > 85, `${a} / ${b}`).toBe(a === b);
    }
  });
});

describe('generated wishes', () => {
  let shop: Shop;
  let goals: Readonly<Record<string, readonly Goal[]>>;

  beforeAll(() => {
    shop = openGenerated(small);
    goals = Object.fromEntries(shop.splits.map((split) => [split, shop.goals(split)]));
  });

  it('are as many as asked for, all different', () => {
    for (const [split, count] of Object.entries(counts)) expect(goals[split]).toHaveLength(count);
    const said = Object.values(goals)
      .flat()
      .map(({ instruction }) => instruction);
    expect(new Set(said).size).toBe(said.length);
  });

  it('of the splits are about other products, and unseen ones about other families', () => {
    const asins = (split: string) => new Set(goals[split]!.map(({ asin }) => asin));
    const nouns = (split: string) => new Set(goals[split]!.map(({ query }) => query));
    expect([...asins('valid_seen')].filter((asin) => asins('train').has(asin))).toEqual([]);
    expect([...nouns('valid_seen')].filter((noun) => unseenNouns(7).has(noun))).toEqual([]);
    expect([...nouns('train')].filter((noun) => unseenNouns(7).has(noun))).toEqual([]);
    expect([...nouns('valid_unseen')].filter((noun) => !unseenNouns(7).has(noun))).toEqual([]);
    expect(nouns('train').size).toBeGreaterThan(30);
  });

  it('say what their goals ask for', () => {
    for (const goal of Object.values(goals).flat()) {
      for (const asked of [...goal.attributes, ...goal.options]) expect(goal.instruction).toContain(asked);
      expect(goal.instruction).toMatch(new RegExp(`, and price lower than ${goal.priceUpper}\\.00 dollars$`));
    }
  });

  it('have a digest that counts, seed and size change', () => {
    const digest = (options: Parameters<typeof openGenerated>[0]) => openGenerated(options).digest('train');
    const all = [
      small,
      { ...small, seed: 8 },
      { ...small, counts: { ...counts, train: 100 } },
      { ...small, size: 'full' as const },
    ].map(digest);
    expect(new Set(all).size).toBe(4);
    expect(digest(small)).toBe(shop.digest('train'));
  });

  it('are refused for numbers that make no sense', () => {
    expect(() => openGenerated({ ...small, seed: -1 })).toThrow('Cannot generate a shop: seed is -1');
    expect(() => openGenerated({ ...small, products: 100 })).toThrow(
      'products is 100, expected a whole number from 280',
    );
  });
});

describe('the shopper', () => {
  it('needs five to eight turns for most wishes and never more than ten, the limit of turns', async () => {
    const world = await openWebshop({ source: 'generated', ...small });
    const turns = world.splits
      .flatMap((split) => world.tasks(split))
      .map((task) => shop(world, task))
      .sort((a, b) => a - b);
    const median = turns[turns.length >> 1]!;
    expect(median).toBeGreaterThanOrEqual(5);
    expect(median).toBeLessThanOrEqual(8);
    expect(turns.at(-1)).toBeLessThanOrEqual(10);
  });

  it('wins by reading: whoever takes the first result, options right, fails a third of the wishes or more', async () => {
    const world = await openWebshop({ source: 'generated', ...small });
    const tasks = world.tasks('train');
    const won = tasks.filter((task) => buyFirst(world, task)).length / tasks.length;
    expect(won).toBeGreaterThan(0.4);
    expect(won).toBeLessThan(0.67);
  });

  it('reads a wish: words, options, limit', () => {
    const wish = 'i want a cotton shirt with slim fit, color navy and size large, and price lower than 30.00 dollars';
    const read = readWish(wish, ['color', 'size']);
    expect([...read.words]).toEqual(['cotton', 'shirt', 'slim', 'fit']);
    expect(read.limit).toBe(30);
    expect(chosenValue(read.asked.get('color')!, ['red', 'navy'])).toBe('navy');
    expect(chosenValue(read.asked.get('color')!, ['red', 'large'])).toBeUndefined();
    expect(chosenValue(read.asked.get('size')!, ['large', 'x-large'])).toBe('large');
  });

  it('reads a page of results', () => {
    const page = readPage(
      'Instruction: [SEP] a wish [SEP] Back to Search [SEP] Page 1 (Total results: 50) [SEP] Next > [SEP] B1 [SEP] A Lamp [SEP] $25.0 to $45.5',
    );
    expect(page).toEqual({
      kind: 'results',
      wish: 'a wish',
      page: 1,
      total: 50,
      listings: [{ asin: 'b1', title: 'a lamp', price: 25 }],
    });
    expect(readPage('no page at all')).toEqual({ kind: 'other' });
  });
});

function shop(world: Environment, task: Task): number {
  const expert = world.expert!(task);
  let { state, observation } = world.reset(task);
  let lastAction: string | undefined;
  for (let turns = 1; turns <= 50; turns++) {
    lastAction = expert.act({ observation, admissible: world.admissible!(task, state), lastAction });
    const turn = world.step(task, state, lastAction);
    if (turn.done) return turn.success ? turns : Number.POSITIVE_INFINITY;
    ({ state, observation } = turn);
  }
  return Number.POSITIVE_INFINITY;
}

/** Searches, opens the first result, chooses what is asked for and buys without looking at the price or the features. */
function buyFirst(world: Environment, task: Task): boolean {
  const say = (state: JsonObject, action: string) => world.step(task, state, action);
  const { state, observation } = world.reset(task);
  const search = world.admissible!(task, state).find((action) => action.startsWith('search['))!;
  const results = say(state, search);
  const page = readPage(results.observation);
  if (page.kind !== 'results' || page.listings.length === 0) return false;
  let turn = say(results.state, `click[${page.listings[0]!.asin}]`);
  const item = readPage(turn.observation);
  const opening = readPage(observation);
  if (item.kind !== 'item' || opening.kind !== 'search') return false;
  for (const following of readWish(opening.wish, Object.keys(optionValues)).asked.values()) {
    const value = chosenValue(following, item.segments);
    if (value !== undefined) turn = say(turn.state, `click[${value}]`);
  }
  return say(turn.state, 'click[buy now]').success;
}

describe('renameTexts()', () => {
  const texts = [
    'i want a cotton shirt with slim fit, color navy',
    'B037004SPA [SEP] norvane cotton shirt slim fit [SEP] $25.0 [SEP] B037005SPA [SEP] Orlani Linen Shirt [SEP] $12.0',
    'click[b037004spa]',
  ];

  it('renames the same way everywhere, and keeps capitals', () => {
    for (let seed = 0; seed < 50; seed++) {
      const [wish, page, click] = renameTexts(texts, createRng(seed)) as [string, string, string];
      const [, first, , second] = /^(\w+) .* (B\w+) \[SEP\] (.*) \[SEP\]/.exec(page)!.map(String);
      expect(click).toBe(`click[${first!.toLowerCase()}]`);
      expect(second).not.toBe(first);
      const [, kind, noun, trait] = /^i want a (\w+) (\w+) with (.+), color \w+$/.exec(wish)!;
      expect(page).toContain(`${kind} ${noun} ${trait} [SEP] $25.0`);
      expect(page).toMatch(/[A-Z][a-z]+ [A-Z][a-z]+ [A-Z][a-z]+ \[SEP\] \$12\.0$/);
    }
  });

  it('leaves the furniture of pages alone', () => {
    const page =
      'WebShop [SEP] Instruction: [SEP] Search [SEP] Back to Search [SEP] Page 1 (Total results: 50) [SEP] < Prev [SEP] Next > [SEP] Price: $25.0 [SEP] Rating: N.A. [SEP] Description [SEP] Features [SEP] Reviews [SEP] Buy Now';
    for (let seed = 0; seed < 50; seed++) expect(renameTexts([page], createRng(seed))).toEqual([page]);
  });
});
