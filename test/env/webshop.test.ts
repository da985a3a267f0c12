/** WebShop's rules on a made-up shop of three products; the sums are worked out in comments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/base/hash.ts';
import { isClickable, parseAction, suggestedQuery } from '../../src/env/webshop/action.ts';
import { openMemoryCatalogue } from '../../src/env/webshop/catalogue/catalogue.ts';
import { loadProducts, type RawProduct } from '../../src/env/webshop/catalogue/product.ts';
import { normaliseColour } from '../../src/env/webshop/colour.ts';
import { isAlike, lcsLength, tokenSetRatio, wordsOf } from '../../src/env/webshop/fuzzy.ts';
import {
  anyPrice,
  type Goal,
  humanGoals,
  limitCandidates,
  restateGoal,
  seededPrices,
  shuffleGoals,
  syntheticGoals,
} from '../../src/env/webshop/goal.ts';
import { knownNouns, taggedNouns, taggerVersion } from '../../src/env/webshop/nouns.ts';
import { donePage } from '../../src/env/webshop/page.ts';
import { playShop } from '../../src/env/webshop/play.ts';
import { recent } from '../../src/env/webshop/recent.ts';
import {
  bestReward,
  type Match,
  matchGoal,
  meanReward,
  offeredThing,
  rewardOf,
  wantedThing,
} from '../../src/env/webshop/reward.ts';
import type { Shop, ShopOptions } from '../../src/env/webshop/shop.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';

const shirt: RawProduct = {
  asin: 'B00000000A',
  name: 'Acme Linen Shirt',
  full_description: 'A shirt.\n',
  small_description: ['Machine washable', '', 'Slim cut '],
  category: 'fashion',
  query: ' Shirts ',
  product_category: 'Clothing › Men › Shirts',
  pricing: '$19.99',
  customization_options: {
    Color: [{ value: 'Navy Blue' }, { value: 'Red' }, { value: 'Search' }],
    Size: [{ value: 'S/M' }, { value: 'L' }, { value: 'Buy Now' }, { value: 'odd]' }, { value: 'o[dd' }],
    Fit: [{ value: 'L' }],
  },
};
const lamp: RawProduct = {
  ...shirt,
  asin: 'B00000000B',
  name: 'Desk Lamp',
  query: 'lamps',
  product_category: 'Home › Lamps',
  pricing: '$20 - $40',
  customization_options: '',
};
const shirt2: RawProduct = { ...shirt, asin: 'B00000000C', name: 'Zeta Linen Shirt', pricing: null };

const instructions = new Map([
  [
    'B00000000A',
    [
      {
        instruction: '.find me a slim linen shirt in navy, size large...',
        instruction_attributes: ['machine wash', 'slim'],
        instruction_options: ['navy blue', 'l'],
      },
    ],
  ],
  [
    'B00000000B',
    [
      { instruction: 'a lamp', instruction_attributes: [], instruction_options: [] },
      { instruction: 'i need a desk lamp', instruction_attributes: ['slim'], instruction_options: [] },
    ],
  ],
]);
const attributes = new Map([['B00000000A', { attributes: ['machine washable'] }]]);
const products = loadProducts([shirt, lamp, shirt2], attributes);
const nouns = ({ title }: { readonly title: string }): readonly string[] => title.toLowerCase().split(' ');

function openShop(options: ShopOptions = {}, extra: Partial<Shop> = {}) {
  const goals = humanGoals(products, instructions, seededPrices(1)).map((goal, i) => ({ ...goal, id: `human/${i}` }));
  const shop: Shop = {
    catalogue: openMemoryCatalogue(products, { digest: 'three' }),
    splits: ['test'],
    goals: () => goals,
    digest: () => 'three',
    priceSeed: 1,
    nouns,
    ...extra,
  };
  const world = playShop(shop, options);
  const [task, lampTask] = world.tasks('test');
  return { world, task: task!, lampTask: lampTask!, goals, shop };
}

/** Plays actions; returns the last answer. */
function play(opened: ReturnType<typeof openShop>, actions: readonly string[]) {
  const { world, task } = opened;
  let turn = { ...world.reset(task), reward: 0, done: false, success: false, grounded: true };
  for (const action of actions) turn = world.step(task, turn.state, action);
  return turn;
}

function matchOf(goal: Goal, raw: RawProduct): Match {
  const product = products.find(({ asin }) => asin === raw.asin)!;
  return matchGoal(wantedThing(goal, nouns(goal)), offeredThing(product, nouns(product)));
}

describe('parseAction()', () => {
  it('equals the regular expression of the original, without its cost', () => {
    const sign = fc.constantFrom('[', ']', 'a', 'B', ' ', '\n', 'click[', 'search');
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 12 }), (signs) => {
        const action = signs.join('');
        const found = /^([^\n]+)\[([^\n]+)\]/.exec(action);
        const expected = found === null ? undefined : { name: found[1], argument: found[2]!.toLowerCase() };
        expect(parseAction(action)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cuts arguments at 1,000 letters', () => {
    expect(parseAction(`search[${'a'.repeat(5_000)}]`)?.argument.length).toBe(1_000);
  });
});

describe('suggestedQuery()', () => {
  it('keeps what names the thing', () => {
    const wish =
      "I'm looking for a pair of men's size 10.5 black loafers with rubber soles, and price lower than 60.00 dollars";
    expect(suggestedQuery(wish)).toBe("men's 10.5 black loafers rubber soles");
  });

  it('is never empty and always readable as an action', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const query = suggestedQuery(text);
        expect(parseAction(`search[${query}]`)).toEqual({ name: 'search', argument: query.toLowerCase() });
      }),
    );
    expect(suggestedQuery('i want it')).toBe('i want it');
    expect(suggestedQuery('?!')).toBe('product');
  });
});

describe('fuzzy match', () => {
  it('counts common subsequences as the table of the textbook does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '🧊'), maxLength: 80 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [left, right] = [[...a], [...b]];
        const row = new Array<number>(right.length + 1).fill(0);
        for (const letter of left) {
          let diagonal = 0;
          right.forEach((other, j) => {
            const above = row[j + 1]!;
            row[j + 1] = letter === other ? diagonal + 1 : Math.max(above, row[j]!);
            diagonal = above;
          });
        }
        expect(lcsLength(a, b)).toBe(row.at(-1));
      }),
    );
  });

  it('is symmetric, and its quick form agrees with the number', () => {
    const phrase = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '-', 'é'), maxLength: 24 });
    fc.assert(
      fc.property(phrase, phrase, (a, b) => {
        expect(tokenSetRatio(a, b)).toBe(tokenSetRatio(b, a));
        expect(isAlike(wordsOf(a), wordsOf(b))).toBe(tokenSetRatio(a, b) > 85);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('goals', () => {
  it('strip dots, state a limit above the price, skip instructions without attributes', () => {
    const goals = humanGoals(products, instructions, { price: () => 19.99, upper: (candidates) => candidates[2]! });
    expect(goals.map(({ instruction, priceUpper }) => [instruction, priceUpper])).toEqual([
      ['find me a slim linen shirt in navy, size large, and price lower than 40.00 dollars', 40],
      ['i need a desk lamp, and price lower than 40.00 dollars', 40],
    ]);
  });

  it('have limits from the first four tens above the price, or none when fewer than two are left', () => {
    expect(limitCandidates(20)).toEqual([30, 40, 50, 60]);
    expect(limitCandidates(975)).toEqual([980, 990]);
    const dear = humanGoals([{ ...products[0]!, pricing: [985] }], instructions, seededPrices(1));
    expect(dear[0]).toMatchObject({
      priceUpper: anyPrice,
      instruction: 'find me a slim linen shirt in navy, size large',
    });
  });

  it('draw prices from seed and asin alone, inside the range, and limits by the larger of two', () => {
    const range = { asin: 'B1', pricing: [20, 40] };
    const prices = Array.from({ length: 200 }, (_, seed) => seededPrices(seed).price(range));
    expect(Math.min(...prices)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...prices)).toBeLessThan(40);
    expect(new Set(prices).size).toBeGreaterThan(190);
    expect(seededPrices(7).price(range)).toBe(seededPrices(7).price(range));
    // of four, the larger of two is the second, third or fourth with chance 1/6, 2/6, 3/6
    const uppers = Array.from({ length: 1_200 }, (_, seed) =>
      seededPrices(seed).upper([10, 20, 30, 40], { asin: 'B1', number: 0 }),
    );
    const share = (limit: number): number => uppers.filter((upper) => upper === limit).length / uppers.length;
    expect([share(10), share(20)]).toEqual([0, expect.closeTo(1 / 6, 1)]);
    expect([share(30), share(40)]).toEqual([expect.closeTo(2 / 6, 1), expect.closeTo(3 / 6, 1)]);
  });

  it('are made of every combination of options when synthetic, names sorted, weighted by rarity', () => {
    const entry = { attributes: [], instruction: 'Find me slim shirts', instruction_attributes: ['slim', 'linen'] };
    const goals = syntheticGoals(products.slice(0, 1), new Map([['B00000000A', entry]]), {
      price: () => 5,
      upper: () => 10,
    });
    expect(goals.length).toBe(3 * 5 * 1);
    expect(goals[1]).toMatchObject({
      instruction:
        'Find me slim shirts with color: navy blue, and fit: l, and size: l, and price lower than 10.00 dollars',
      options: [
        { name: 'color', value: 'navy blue' },
        { name: 'fit', value: 'l' },
        { name: 'size', value: 'l' },
      ],
      weight: 1 / 15, // both attributes occur in all 15 goals
    });
  });

  it('are shuffled like random.seed(233); random.shuffle and named by place', () => {
    const goals = humanGoals(products, instructions, seededPrices(1));
    const many = Array.from({ length: 10 }, (_, i) => ({ ...goals[0]!, asin: `${i}` }));
    // python3 -c "import random; x=list('0123456789'); random.seed(233); random.shuffle(x); print(''.join(x))"
    expect(
      shuffleGoals(many, 'human')
        .map(({ asin }) => asin)
        .join(''),
    ).toBe('5901476382');
    expect(shuffleGoals(many, 'human')[3]!.id).toBe('human/3');
  });

  it('can be restated with the limit of the sentence', () => {
    const [goal] = humanGoals(products, instructions, seededPrices(1));
    expect(restateGoal(goal!, 'x, and price lower than 70.00 dollars').priceUpper).toBe(70);
    expect(restateGoal(goal!, 'x').priceUpper).toBe(anyPrice);
  });
});

describe('reward', () => {
  const [goal] = humanGoals(products, instructions, { price: () => 19.99, upper: () => 30 });

  it('is the share of attributes, options and price that is met', () => {
    const match = matchOf(goal!, shirt);
    // attributes: `machine wash` by likeness 86, `slim` in the third bullet: 2; options: both contain blue, l: 2; price: 1; of 5
    const bought = { color: 'navy blue', size: 'l' };
    expect(rewardOf(match, { options: bought, price: 19.99 })).toEqual({
      reward: 1,
      type: 1,
      isQueryMatch: true,
      isCategoryMatch: true,
      titleScore: 1,
      attributes: 2,
      options: 2,
      isPriceMet: true,
    });
    expect(rewardOf(match, { options: {}, price: 30 }).reward).toBeCloseTo(3 / 5, 12); // 30 is not more than 30
    expect(rewardOf(match, { options: { color: 'red' }, price: 31 }).reward).toBeCloseTo(2 / 5, 12);
  });

  it('is multiplied by how far it is the right kind of thing', () => {
    const other = matchOf(goal!, shirt2); // linen and shirt of acme, linen, shirt
    expect([other.titleScore, other.type]).toEqual([2 / 3, 1]);
    const wrong = matchOf(goal!, lamp);
    expect([wrong.isQueryMatch, wrong.isCategoryMatch, wrong.titleScore, wrong.type]).toEqual([false, false, 0, 0]);
    const long = wantedThing(goal!, ['desk', ...'abcd']); // one noun of five: 0.2 is not enough
    expect(matchGoal(long, offeredThing(products[1]!, ['desk'])).type).toBe(0.5);
    const longer = wantedThing(goal!, ['desk', ...'abcdefghijk']); // one of twelve is below 0.1
    expect(matchGoal(longer, offeredThing(products[1]!, ['desk'])).type).toBe(0.1);
    expect(matchGoal(wantedThing(goal!, []), offeredThing(products[1]!, ['desk'])).titleScore).toBe(0.2);
  });

  it('compares the named options of a synthetic goal as the original compares tuples', () => {
    const options = [
      { name: 'color', value: 'navy blue' },
      { name: 'size', value: 'l' },
      { name: 'fit', value: 'red' },
    ];
    const match = matchOf({ ...goal!, options }, shirt);
    const masks = new Map(match.options.flatMap((option) => [...option.masks]));
    // `navy blue` -> `blue` against `color navy blue`; `red` is exactly a colour of the third
    expect([masks.get('navy blue'), masks.get('l'), masks.get('red'), masks.get('s | m')]).toEqual([
      0b001, 0b010, 0b100, 0,
    ]);
  });

  it('of released pages equals the enumeration of all combinations', () => {
    const value = fc.constantFrom('navy blue', 'red', 'small', 'large', 'navy large', 'red small', 'none');
    const lists = fc.array(fc.uniqueArray(value, { minLength: 1, maxLength: 4 }), { maxLength: 4 });
    const wanted = fc.array(fc.constantFrom('navy', 'red', 'large', 'small'), { maxLength: 4 });
    fc.assert(
      fc.property(lists, wanted, fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }), (values, options, picks) => {
        const product = { ...products[0]!, options: values.map((list, k) => ({ name: `o${k}`, values: list })) };
        const match = matchGoal(
          wantedThing({ ...goal!, options }, nouns(goal!)),
          offeredThing(product, nouns(product)),
        );
        const all = values.reduce<string[][]>(
          (rows, list) => rows.flatMap((row) => list.map((v) => [...row, v])),
          [[]],
        );
        const worth = all.map(
          (row) => rewardOf(match, { options: Object.fromEntries(row.entries()), price: 19.99 }).reward,
        );
        expect(meanReward(match, 19.99)).toBeCloseTo(worth.reduce((a, b) => a + b, 0) / all.length, 10);
        const chosen = values.flatMap((list, k) => (picks[k]! > 1 ? [list[picks[k]! % list.length]!] : []));
        const fitting = worth.filter((_, i) => chosen.every((one) => all[i]!.includes(one)));
        expect(bestReward(match, chosen, 19.99)).toBeCloseTo(Math.max(...fitting), 12);
      }),
      { numRuns: 300 },
    );
  });

  it('finds a colour anywhere, in alphabetical order', () => {
    expect(['dark red', 'constant', 'size 9'].map(normaliseColour)).toEqual(['dark', 'tan', 'size 9']);
  });
});

describe('nouns', () => {
  it('are tagged in a title, or looked up', () => {
    const tagged = taggedNouns();
    expect(tagged({ asin: 'a', title: 'Desk lamp with a USB port' })).toEqual(['desk', 'lamp', 'usb', 'port']);
    const known = knownNouns(new Map([['a', ['thing']]]), tagged);
    expect(known({ asin: 'a', title: 'Desk lamp' })).toEqual(['thing']);
    expect(known({ asin: 'b', title: 'a table' })).toEqual(['table']);
  });

  it('that are tagged bring the version of their tagger into the digest', () => {
    expect(taggerVersion()).toMatch(/^wink-nlp \d+\.\d+\.\d+, wink-eng-lite-web-model \d+\.\d+\.\d+$/);
    const { shop } = openShop();
    const { nouns: _given, ...bare } = shop;
    const rules = { pageSize: 10, pageReward: 'none', priceSeed: 1 };
    const digestWith = (tagger: string | null): string => hashJson(['webshop', 'three', { ...rules, tagger }]);
    expect(playShop(shop).digest('test')).toBe(digestWith(null));
    expect(playShop(bare).digest('test')).toBe(digestWith(taggerVersion()));
  });
});

describe('pages', () => {
  const opened = openShop();
  const item = ['search[linen shirt]', 'click[b00000000a]'];

  it('show description and features as the text nodes of the original', () => {
    const head = 'Instruction: [SEP] find me a slim linen shirt in navy, size large, and price lower than';
    const description = play(opened, [...item, 'click[Description]']).observation;
    expect(description.startsWith(head)).toBe(true);
    expect(description.endsWith('dollars [SEP] Back to Search [SEP] < Prev [SEP] A shirt.')).toBe(true);
    // the empty bullet point is a lone space in the page, which the original does not drop
    const features = play(opened, [...item, 'click[FEATURES]']).observation;
    expect(features.endsWith('< Prev [SEP] Machine washable [SEP]  [SEP] Slim cut')).toBe(true);
  });

  it('give a value to the last option that has it, and clicks to buttons before values', () => {
    expect(play(opened, [...item, 'click[L]']).state.options).toEqual({ fit: 'l' });
    expect(play(opened, [...item, 'click[Buy Now]']).done).toBe(true);
    expect(play(opened, [...item, 'click[search]']).grounded).toBe(false);
  });

  it('list only values a click can name', () => {
    expect([isClickable('odd]'), isClickable('o[dd'), isClickable('search'), isClickable('a\nb')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    const { state } = play(opened, item);
    const listed = opened.world.admissible!(opened.task, state);
    expect(listed).toContain('click[odd]]');
    expect(listed).not.toContain('click[o[dd]');
    expect(listed).not.toContain('click[search]');
  });

  it('remember the page of results, and forget options when left', () => {
    const paged = openShop({ pageSize: 1 });
    const second = play(paged, ['search[shirt]', 'click[next >]']);
    const asin = /B00000000[ABC]/.exec(second.observation)![0];
    const back = play(paged, ['search[shirt]', 'click[next >]', `click[${asin}]`, 'click[red]', 'click[< prev]']);
    expect(back.observation).toBe(second.observation);
    expect(back.state).toEqual(second.state);
  });

  it('write the options of a purchase as Flask does', () => {
    const page = donePage({ asin: 'A', options: { size: "men's <9>", color: 'café & "x"' }, reward: 0.5 });
    expect(page).toContain(
      '{"color": "caf\\u00e9 \\u0026 \\"x\\"", "size": "men\\u0027s \\u003c9\\u003e"} [SEP] attrs',
    );
    expect(page).toContain('Your score (min 0.0, max 1.0) [SEP] 0.5 [SEP]');
  });

  it('answer nothing but the last page once bought', () => {
    const bought = play(opened, [...item, 'click[buy now]']);
    const after = opened.world.step(opened.task, bought.state, 'search[shirt]');
    expect([after.grounded, after.reward, after.done, after.observation]).toEqual([
      false,
      0,
      false,
      bought.observation,
    ]);
    expect(opened.world.admissible!(opened.task, bought.state)).toEqual([]);
    expect(opened.world.remaining!(opened.task, bought.state)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the shortest way', () => {
  it('counts what is missing from each page', () => {
    const opened = openShop();
    const left = (...actions: string[]): number => opened.world.remaining!(opened.task, play(opened, actions).state);
    const item = ['search[linen shirt]', 'click[b00000000a]'];
    expect(left()).toBe(5); // search, open, navy blue, l, buy
    expect(left('search[linen shirt]')).toBe(4);
    expect(left('search[linen shirt]', 'click[next >]')).toBe(5);
    expect(left('search[lamp]', 'click[b00000000b]')).toBe(5); // a new search is possible everywhere
    expect(left(...item, 'click[navy blue]')).toBe(2);
    expect(left(...item, 'click[navy blue]', 'click[red]', 'click[features]')).toBe(4);
    expect(left(...item, 'click[navy blue]', 'click[l]')).toBe(1);
    expect(left(...item, 'click[navy blue]', 'click[l]', 'click[buy now]')).toBe(0);
    expect(left(...item, 'click[buy now]')).toBe(Number.POSITIVE_INFINITY);
  });

  it('searches for the title where the words of the wish do not lead to the product', () => {
    const odd = new Map([
      ['B00000000A', [{ instruction: 'qqq', instruction_attributes: ['slim'], instruction_options: [] }]],
    ]);
    const goals = humanGoals(products, odd, seededPrices(1)).map((goal) => ({ ...goal, id: 'human/0' }));
    const { world, task } = openShop({}, { goals: () => goals });
    const { state } = world.reset(task);
    expect(world.admissible!(task, state)).toEqual(['search[qqq]']); // what is listed does not name the product
    expect(world.remaining!(task, state)).toBe(3);
    const admissible = world.admissible!(task, state);
    const turn = { observation: world.reset(task).observation, admissible, lastAction: undefined };
    expect(world.expert!(task).act(turn)).toBe('search[acme linen shirt]');
  });
});

describe('released page rewards', () => {
  const actions = ['search[linen shirt]', 'click[b00000000a]', 'click[red]', 'click[features]', 'click[buy later]'];

  it('sum to the value of the page shown when asked for, and only then', () => {
    const sums = (options: ShopOptions): number[] => {
      let total = 0;
      return actions.map((_, i) => {
        total += play(openShop(options), actions.slice(0, i + 1)).reward;
        return total;
      });
    };
    expect(sums({})).toEqual([0, 0, 0, 0, 0]);
    // results: mean over 3 colours x 5 sizes x 1 fit of (2 + options + 1) / 5, options: blue 1/3, l always (fit) -> (3 + 4/3) / 5
    expect(sums({ pageReward: 'released' })).toEqual([Math.fround(13 / 15), 1, Math.fround(0.8), 0, 0]);
  });

  it('sum to the reward of the purchase, whatever was looked at before', () => {
    const opened = openShop({ pageReward: 'released' });
    const back = ['click[< prev]', 'click[navy blue]', 'click[l]', 'click[buy now]'];
    const all = [...actions, ...back];
    const total = all.reduce((sum, _, i) => sum + play(opened, all.slice(0, i + 1)).reward, 0);
    expect(play(opened, all)).toMatchObject({ success: true, state: { reward: 1 } });
    expect(total).toBe(1);
  });
});

describe('recent()', () => {
  it('keeps what was used last, within its limit', () => {
    const memory = recent<number, number>(3);
    let computed = 0;
    const get = (key: number): number =>
      memory.get(key, () => {
        computed += 1;
        return key * 10;
      });
    for (const key of [1, 2, 3, 1, 4]) get(key); // 2 goes
    expect(computed).toBe(4);
    expect([get(1), get(3), get(4)]).toEqual([10, 30, 40]);
    expect(computed).toBe(4);
    get(2);
    expect(computed).toBe(5);
  });
});

testEnvironment('webshop, three products', () => openShop().world as ReturnType<typeof playShop>);
testEnvironment('webshop, three products, released page rewards', () => openShop({ pageReward: 'released' }).world);
testAdversary('webshop, three products, released page rewards', () => openShop({ pageReward: 'released' }).world, {
  forms: ['search[%]', 'click[%]'],
  actions: 1_000,
});
testAdversary('webshop, three products', () => openShop().world, {
  forms: ['search[%]', 'click[%]', 'buy[%]'],
  actions: 3_000,
});
