/**
 * What a customer wants: goals made of products, human instructions or the synthetic ones, in the original order.
 * Source: princeton-nlp/WebShop@64fa2a5 web_agent_site/engine/goal.py#L17-L132, engine/engine.py `generate_product_prices`.
 */
import { createPythonRandom } from '../../base/python-random.ts';
import { createRng } from '../../base/rng.ts';
import type { AttributesEntry, Product } from './catalogue/product.ts';
import { stripLikePython } from './catalogue/python-text.ts';

/** An option a goal asks for: a value alone (human), or a named one (synthetic). */
export type GoalOption = string | { readonly name: string; readonly value: string };

/** What is to be bought; plain data. */
export interface Goal {
  /** Unique inside a world, e.g. `human/17`. */
  readonly id: string;
  /** The product it was written for; others can satisfy it too. */
  readonly asin: string;
  /** Of that product: its search, categories and title. */
  readonly query: string;
  readonly category: string;
  readonly productCategory: string;
  readonly title: string;
  /** The sentence the customer says, with the price limit if there is one. */
  readonly instruction: string;
  readonly attributes: readonly string[];
  readonly options: readonly GoalOption[];
  /** The most the customer pays, US dollars; {@link anyPrice} if no limit is stated. */
  readonly priceUpper: number;
  /** Weight with which the original draws it when no index is given. */
  readonly weight: number;
}

/** One record of `items_human_ins.json`: only the members that are read. */
export interface HumanInstruction {
  readonly instruction: string;
  readonly instruction_attributes: readonly string[];
  readonly instruction_options: readonly string[];
}

/** The limit of goals without one. */
export const anyPrice = 1_000_000;

/** Where prices come from: the original draws them from an unseeded generator, so that they differ from run to run. */
export interface PriceChance {
  /** Returns what a product costs at the till, US dollars. */
  price(product: Pick<Product, 'asin' | 'pricing'>): number;
  /** Chooses the limit of the `number`-th goal of a product from at least two candidates, ascending. */
  upper(candidates: readonly number[], goal: { readonly asin: string; readonly number: number }): number;
}

/** Draws prices from a seed and the asin alone, so that no product's price depends on another's. */
export function seededPrices(seed: number): PriceChance {
  return {
    price: ({ asin, pricing: [low = 100, high] }) =>
      high === undefined ? low : low + (high - low) * createRng(['webshop price', seed, asin]).uniform(),
    upper: (candidates, { asin, number }) => {
      const rng = createRng(['webshop price limit', seed, asin, number]);
      const first = rng.int(candidates.length);
      const second = (first + 1 + rng.int(candidates.length - 1)) % candidates.length;
      return candidates[Math.max(first, second)]!;
    },
  };
}

/** Makes the goals of human instructions, in order of the products; instructions without attributes are skipped. */
export function humanGoals(
  products: Iterable<Product>,
  instructions: ReadonlyMap<string, readonly HumanInstruction[]>,
  prices: PriceChance,
): Goal[] {
  const goals: Goal[] = [];
  for (const product of products) {
    let number = 0;
    for (const written of instructions.get(product.asin) ?? []) {
      if (written.instruction_attributes.length === 0) continue;
      const { priceUpper, sentence } = limitOf(product, prices, number++);
      goals.push({
        ...subjectOf(product),
        id: '',
        instruction: shownInstruction(written.instruction.replace(/^\.+|\.+$/g, '') + sentence),
        attributes: written.instruction_attributes,
        options: written.instruction_options,
        priceUpper,
        weight: 1,
      });
    }
  }
  return goals;
}

/** Makes the synthetic goals, one for each combination of a product's options, in order of the products. */
export function syntheticGoals(
  products: Iterable<Product>,
  attributes: ReadonlyMap<string, AttributesEntry>,
  prices: PriceChance,
): Goal[] {
  const goals: Goal[] = [];
  const counts = new Map<string, number>();
  for (const product of products) {
    const entry = attributes.get(product.asin);
    if (typeof entry?.instruction !== 'string') continue;
    const wanted = entry.instruction_attributes ?? [];
    const { priceUpper, sentence } = limitOf(product, prices, 0);
    for (const options of combinations(product)) {
      const named = options.map(({ name, value }) => `${name}: ${value}`).join(', and ');
      const text = `${entry.instruction}${named === '' ? '' : ` with ${named}`}${sentence}`;
      const instruction = shownInstruction(text);
      goals.push({ ...subjectOf(product), id: '', instruction, attributes: wanted, options, priceUpper, weight: 1 });
      for (const attribute of wanted) counts.set(attribute, (counts.get(attribute) ?? 0) + 1);
    }
  }
  return goals.map((goal) => ({ ...goal, weight: rarity(goal.attributes, counts) }));
}

/** Puts goals in the published order and names them by their place in it, e.g. `human/17`. */
export function shuffleGoals(goals: readonly Goal[], kind: string): Goal[] {
  return createPythonRandom(233)
    .shuffle(goals)
    .map((goal, index) => ({ ...goal, id: `${kind}/${index}` }));
}

/** Puts another sentence in a customer's mouth, with the price limit it names: for goals recorded when other prices were drawn. */
export function restateGoal(goal: Goal, instruction: string): Goal {
  const limit = /, and price lower than (\d+(?:\.\d+)?) dollars$/.exec(instruction)?.[1];
  return { ...goal, instruction, priceUpper: limit === undefined ? anyPrice : Number(limit) };
}

/** Lists the price limits a goal may get: the first four of 10, 20, ..., 990 above the price. */
export function limitCandidates(price: number): number[] {
  const candidates: number[] = [];
  for (let limit = 10; limit <= 990 && candidates.length < 4; limit += 10) if (limit > price) candidates.push(limit);
  return candidates;
}

function subjectOf({ asin, query, category, productCategory, title }: Product) {
  return { asin, query, category, productCategory, title };
}

function limitOf(product: Product, prices: PriceChance, number: number): { priceUpper: number; sentence: string } {
  const candidates = limitCandidates(prices.price(product));
  if (candidates.length < 2) return { priceUpper: anyPrice, sentence: '' };
  const priceUpper = prices.upper(candidates, { asin: product.asin, number });
  return { priceUpper, sentence: `, and price lower than ${priceUpper.toFixed(2)} dollars` };
}

/** Pages show every text trimmed, so an instruction is kept the way it is shown. */
const shownInstruction = (text: string): string => stripLikePython(text);

/** All ways to choose one value of each option, option names sorted, the last one varying fastest. */
function* combinations(product: Product): Iterable<{ readonly name: string; readonly value: string }[]> {
  const options = [...product.options].sort((a, b) => (a.name < b.name ? -1 : 1));
  const walk = function* (at: number): Iterable<{ readonly name: string; readonly value: string }[]> {
    const option = options[at];
    if (option === undefined) return void (yield []);
    for (const value of option.values) for (const rest of walk(at + 1)) yield [{ name: option.name, value }, ...rest];
  };
  yield* walk(0);
}

function rarity(attributes: readonly string[], counts: ReadonlyMap<string, number>): number {
  const inverse = attributes.map((attribute) => 1 / (counts.get(attribute) ?? 1));
  return inverse.reduce((sum, value) => sum + value, 0) / attributes.length;
}
