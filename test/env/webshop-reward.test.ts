/** WebShop's goals, rewards and nouns on a made-up shop of three products; the sums are worked out in comments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/base/hash.ts';
import type { RawProduct } from '../../src/env/webshop/catalogue/product.ts';
import { normaliseColour } from '../../src/env/webshop/colour.ts';
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
import { playShop } from '../../src/env/webshop/play.ts';
import {
  bestReward,
  type Match,
  matchGoal,
  meanReward,
  offeredThing,
  rewardOf,
  wantedThing,
} from '../../src/env/webshop/reward.ts';
import { instructions, lamp, nouns, openShop, products, shirt, shirt2 } from './webshop-three.ts';

function matchOf(goal: Goal, raw: RawProduct): Match {
  const product = products.find(({ asin }) => asin === raw.asin)!;
  return matchGoal(wantedThing(goal, nouns(goal)), offeredThing(product, nouns(product)));
}

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
