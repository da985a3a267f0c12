/** A made-up shop of three products, small enough to work everything out by hand. */
import { openMemoryCatalogue } from '../../src/env/webshop/catalogue/catalogue.ts';
import { loadProducts, type RawProduct } from '../../src/env/webshop/catalogue/product.ts';
import { humanGoals, seededPrices } from '../../src/env/webshop/goal.ts';
import { playShop } from '../../src/env/webshop/play.ts';
import type { Shop, ShopOptions } from '../../src/env/webshop/shop.ts';

/** A shirt with three options. */
export const shirt: RawProduct = {
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
/** A lamp without options, its price a range. */
export const lamp: RawProduct = {
  ...shirt,
  asin: 'B00000000B',
  name: 'Desk Lamp',
  query: 'lamps',
  product_category: 'Home › Lamps',
  pricing: '$20 - $40',
  customization_options: '',
};
/** The first shirt under another name, without a price. */
export const shirt2: RawProduct = { ...shirt, asin: 'B00000000C', name: 'Zeta Linen Shirt', pricing: null };

/** Human instructions; one lacks attributes. */
export const instructions = new Map([
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
/** The three, as loaded. */
export const products = loadProducts([shirt, lamp, shirt2], attributes);
/** Every word of a title. */
export const nouns = ({ title }: { readonly title: string }): readonly string[] => title.toLowerCase().split(' ');

/** Opens the shop afresh. */
export function openShop(options: ShopOptions = {}, extra: Partial<Shop> = {}) {
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
export function play(opened: ReturnType<typeof openShop>, actions: readonly string[]) {
  const { world, task } = opened;
  let turn = { ...world.reset(task), reward: 0, done: false, success: false, grounded: true };
  for (const action of actions) turn = world.step(task, turn.state, action);
  return turn;
}
