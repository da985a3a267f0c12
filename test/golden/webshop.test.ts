/** WebShop against the released environment run on a made-up catalogue, its unit cases, and thefuzz. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPythonRandom } from '../../src/base/python-random.ts';
import { parseAction } from '../../src/env/webshop/action.ts';
import { openMemoryCatalogue } from '../../src/env/webshop/catalogue/catalogue.ts';
import {
  type AttributesEntry,
  loadProducts,
  type Product,
  type RawProduct,
} from '../../src/env/webshop/catalogue/product.ts';
import { colours, normaliseColour } from '../../src/env/webshop/colour.ts';
import { isAlike, tokenSetRatio, wordsOf } from '../../src/env/webshop/fuzzy.ts';
import {
  type Goal,
  type HumanInstruction,
  humanGoals,
  type PriceChance,
  shuffleGoals,
} from '../../src/env/webshop/goal.ts';
import type { Nouns } from '../../src/env/webshop/nouns.ts';
import { matchGoal, offeredThing, rewardOf, wantedThing } from '../../src/env/webshop/reward.ts';
import type { Shop } from '../../src/env/webshop/shop.ts';
import { freshState } from '../../src/env/webshop/state.ts';
import { listClicks, pageReward, showPage, stepShop } from '../../src/env/webshop/step.ts';
import { type ShopView, viewShop } from '../../src/env/webshop/view.ts';

const folder = new URL('../../../shared/spec/golden/', import.meta.url);
const isHere = existsSync(new URL('webshop_env.json', folder));
const read = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

interface Step {
  readonly action: string;
  readonly availableBefore: { readonly clickables: readonly string[] };
  readonly observation: string;
  readonly reward: number;
  readonly done: boolean;
}

interface EnvGolden {
  readonly posStubStopwords: readonly string[];
  readonly items: readonly RawProduct[];
  readonly attributes: Readonly<Record<string, AttributesEntry>>;
  readonly humanInstructions: Readonly<Record<string, readonly HumanInstruction[]>>;
  readonly productPrices: Readonly<Record<string, number>>;
  readonly goalsAfterShuffle233: readonly {
    readonly asin: string;
    readonly instruction_text: string;
    readonly attributes: readonly string[];
    readonly price_upper: number;
    readonly goal_options: readonly string[];
    readonly weight: number;
  }[];
  readonly episodes: readonly { readonly session: number; readonly initial: string; readonly steps: readonly Step[] }[];
}

interface UnitGolden {
  readonly tokenSetRatio: readonly (readonly [string, string, number])[];
  readonly normalizeColor: readonly (readonly [string, string])[];
  readonly parseAction: readonly (readonly [string, readonly [string, string | null]])[];
  readonly getReward: readonly {
    readonly product: string;
    readonly goalAsin: string;
    readonly options: Readonly<Record<string, string>>;
    readonly price: number;
    readonly priceUpper: number;
    readonly reward: number;
    readonly info: Readonly<Record<string, number | boolean>>;
  }[];
}

/** The made-up shop as the released code had it: prices from random.seed(0), nouns from a list of words that are none, plain words. */
function openGolden(golden: EnvGolden) {
  const random = createPythonRandom(0);
  const products = loadProducts(golden.items, new Map(Object.entries(golden.attributes)));
  const drawn = new Map(
    products.map(({ asin, pricing: [low = 100, high] }) => [
      asin,
      high === undefined ? low : low + (high - low) * random.random(),
    ]),
  );
  const prices: PriceChance = {
    price: ({ asin }) => drawn.get(asin) ?? Number.NaN,
    upper: (candidates) => Math.max(...random.sample(candidates, 2)),
  };
  const goals = shuffleGoals(humanGoals(products, new Map(Object.entries(golden.humanInstructions)), prices), 'human');
  const stop = new Set(golden.posStubStopwords);
  const nouns: Nouns = ({ title }) =>
    (title.toLowerCase().match(/[a-z0-9]+/g) ?? []).filter((word) => /^[a-z]{3,}$/.test(word) && !stop.has(word));
  const shop: Shop = {
    catalogue: openMemoryCatalogue(products, {
      digest: 'golden',
      analyse: (text) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [],
    }),
    splits: ['test'],
    goals: () => goals,
    digest: () => 'golden',
    priceSeed: 0,
    nouns,
  };
  const released = viewShop(shop, { pageReward: 'released' });
  const view: ShopView = { ...released, product: (asin) => ({ ...released.product(asin), price: drawn.get(asin)! }) };
  return { products, drawn, goals, nouns, view };
}

describe.skipIf(!isHere)('WebShop against the released environment (needs ../shared/spec/golden)', () => {
  const golden = isHere ? read<EnvGolden>('webshop_env.json') : undefined!;
  const units = isHere ? read<UnitGolden>('webshop_units.json') : undefined!;

  it('draws the same prices and makes the same goals in the same order', () => {
    const { drawn, goals } = openGolden(golden);
    expect(Object.fromEntries(drawn)).toEqual(golden.productPrices);
    expect(
      goals.map(({ asin, instruction, attributes, priceUpper, options, weight }) => ({
        asin,
        instruction_text: instruction,
        attributes,
        price_upper: priceUpper,
        goal_options: options,
        weight,
      })),
    ).toEqual(golden.goalsAfterShuffle233);
  });

  it.each([0, 1, 2, 3])(
    'replays episode %i page by page: text, buttons, released page rewards and their sum',
    (number) => {
      const { goals, view } = openGolden(golden);
      const episode = golden.episodes[number]!;
      const errand = { view, goal: goals[episode.session]! };
      let state = freshState;
      let total = 0;
      expect(showPage(errand, state)).toBe(episode.initial);
      for (const step of episode.steps) {
        const buttons = step.availableBefore.clickables.filter((button) => button !== 'search');
        expect(new Set(listClicks(errand, state))).toEqual(new Set(buttons));
        const turn = stepShop(errand, state, step.action);
        expect(turn.observation, step.action).toBe(step.observation);
        const value = turn.grounded ? (turn.state.reward ?? pageReward(errand, turn.state)) : 0;
        expect(value, step.action).toBeCloseTo(step.reward, 12);
        total += turn.reward;
        if (turn.grounded)
          expect(total, step.action).toBeCloseTo(step.reward, 7); // summed in single precision
        else expect(turn.reward, step.action).toBe(0);
        expect(turn.done, step.action).toBe(step.done);
        expect(turn.success).toBe(step.done && step.reward === 1);
        state = turn.state;
      }
      expect(episode.steps.length).toBeGreaterThan(4);
    },
  );

  it('reads actions', () => {
    for (const [action, [name, argument]] of units.parseAction) {
      const expected = argument === null ? undefined : { name, argument: argument.toLowerCase() };
      expect(parseAction(action), action).toEqual(expected);
    }
    expect(units.parseAction.length).toBe(9);
  });

  it('compares phrases', () => {
    for (const [a, b, ratio] of units.tokenSetRatio) expect(tokenSetRatio(a, b), `${a} / ${b}`).toBe(ratio);
    expect(units.tokenSetRatio.length).toBe(16);
  });

  it('finds colours', () => {
    for (const [text, colour] of units.normalizeColor) expect(normaliseColour(text)).toBe(colour);
    expect(units.normalizeColor.length).toBe(10);
    expect(colours).toEqual(read<{ COLOR_SET: string[] }>('webshop_colors.json').COLOR_SET);
  });

  it('computes rewards and their parts', () => {
    const { products, goals, nouns } = openGolden(golden);
    const productOf = (asin: string): Product => products.find((product) => product.asin === asin)!;
    for (const unit of units.getReward) {
      const base = goals.find(({ asin }) => asin === unit.goalAsin)!;
      const goal: Goal = { ...base, priceUpper: unit.priceUpper };
      const product = productOf(unit.product);
      const match = matchGoal(wantedThing(goal, nouns(goal)), offeredThing(product, nouns(product)));
      const details = rewardOf(match, { options: unit.options, price: unit.price });
      const parts = goal.attributes.length + goal.options.length + 1;
      expect(details.reward).toBeCloseTo(unit.reward, 12);
      expect({
        r_type: details.type,
        r_att: details.attributes / goal.attributes.length,
        w_att: goal.attributes.length / parts,
        query_match: details.isQueryMatch,
        category_match: details.isCategoryMatch,
        title_score: details.titleScore,
        ...(goal.options.length > 0 && {
          r_option: details.options / goal.options.length,
          w_option: goal.options.length / parts,
        }),
        r_price: details.isPriceMet,
        w_price: 1 / parts,
      }).toEqual(unit.info);
    }
    expect(units.getReward.length).toBe(7);
  });
});

describe('tokenSetRatio()', () => {
  const cases: readonly (readonly [string, string, number])[] = JSON.parse(
    readFileSync(new URL('../env/fixtures/fuzzy-cases.json', import.meta.url), 'utf8'),
  );

  it('equals thefuzz 0.20 over rapidfuzz 3.14 on 400 made-up pairs', () => {
    for (const [a, b, ratio] of cases) {
      expect(tokenSetRatio(a, b), JSON.stringify([a, b])).toBe(ratio);
      expect(isAlike(wordsOf(a), wordsOf(b)), JSON.stringify([a, b])).toBe(ratio > 85);
    }
    expect(cases.length).toBe(400);
    expect(cases.filter(([, , ratio]) => ratio > 85).length).toBeGreaterThan(100);
  });
});
