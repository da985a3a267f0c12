/** WebShop's pages, plans and page rewards on a made-up shop of three products; the sums are worked out in comments. */
import { describe, expect, it } from 'vitest';
import { isClickable } from '../../src/env/webshop/action.ts';
import { humanGoals, seededPrices } from '../../src/env/webshop/goal.ts';
import { donePage } from '../../src/env/webshop/page.ts';
import type { ShopOptions } from '../../src/env/webshop/shop.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';
import { openShop, play, products } from './webshop-three.ts';

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

testEnvironment('webshop, three products', () => openShop().world);
testEnvironment('webshop, three products, released page rewards', () => openShop({ pageReward: 'released' }).world);
testAdversary('webshop, three products, released page rewards', () => openShop({ pageReward: 'released' }).world, {
  forms: ['search[%]', 'click[%]'],
  actions: 1_000,
});
testAdversary('webshop, three products', () => openShop().world, {
  forms: ['search[%]', 'click[%]', 'buy[%]'],
  actions: 3_000,
});
