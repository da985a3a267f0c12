/**
 * Draws the products of a generated shop. Five at a time are near-duplicates: same noun, kind and trait and almost the same options, other
 * price and details. Search cannot tell them apart, so that a wish is met by reading and comparing and not by taking the first result.
 */
import { createRng, type Rng } from '../../../base/rng.ts';
import { brands, type Family, listFamilies, type OptionName, optionValues, type ShopSize } from './lexicon.ts';

/** One product before it is put into words. */
export interface Draft {
  readonly asin: string;
  readonly family: Family;
  readonly brand: string;
  /** Attributes that the title names: kind, then traits. */
  readonly named: readonly string[];
  /** Attributes that only features or description name. */
  readonly hidden: readonly string[];
  readonly options: readonly { readonly name: OptionName; readonly values: readonly string[] }[];
  /** US dollars: one price, or the two ends of a range. */
  readonly prices: readonly number[];
}

/** Near-duplicates per kind and trait of a family. */
const twins = 5;

/** Probability that a near-duplicate lacks one value of an option that the others have. */
const lackingShare = 0.3;

/** How rich drafts are at each size: least and most. */
const richness: Readonly<
  Record<ShopSize, Readonly<Record<'traits' | 'hidden' | 'options' | 'values', readonly [number, number]>>>
> = {
  small: { traits: [1, 1], hidden: [1, 2], options: [1, 2], values: [3, 4] },
  full: { traits: [2, 3], hidden: [1, 3], options: [2, 3], values: [3, 8] },
};

/**
 * Draws all products, shuffled. The families are spread evenly over them.
 * @returns Drafts, the same for the same arguments.
 */
export function drawProducts(options: {
  readonly seed: number;
  readonly size: ShopSize;
  readonly products: number;
}): readonly Draft[] {
  const { seed, size, products } = options;
  const rng = createRng(['webshop products', seed, size, products]);
  const families = listFamilies();
  const codes = rng.shuffle(Array.from({ length: 100 }, (_, code) => code));
  const drafts: Draft[] = [];
  families.forEach((family, f) => {
    const end = Math.floor(((f + 1) * products) / families.length);
    for (const draft of drawFamily(family, end - drafts.length, { rng, size })) {
      drafts.push({ ...draft, asin: asinOf(drafts.length, codes) });
    }
  });
  return rng.shuffle(drafts);
}

/**
 * Writes a number as an asin, e.g. `B037004SPA`: two groups of three digits, which are one token each to a tokenizer of words, between
 * letters that never change. Up to a hundred neighbours differ in the first group, so that the first token to copy decides.
 */
function asinOf(index: number, codes: readonly number[]): string {
  const first = codes[index % codes.length]!.toString().padStart(3, '0');
  const second = Math.floor(index / codes.length)
    .toString()
    .padStart(3, '0');
  return `B${first}${second}SPA`.slice(0, 10);
}

interface Drawing {
  readonly rng: Rng;
  readonly size: ShopSize;
}

type Unnumbered = Omit<Draft, 'asin'>;

function drawFamily(family: Family, count: number, drawing: Drawing): Unnumbered[] {
  const { rng, size } = drawing;
  const { kinds, traits } = family.department;
  const looks = rng.shuffle(kinds.flatMap((kind) => traits.map((trait) => ({ kind, trait }))));
  const drafts: Unnumbered[] = [];
  for (let cluster = 0; drafts.length < count; cluster++) {
    const { kind, trait } = looks[cluster % looks.length]!;
    const others = rng.shuffle(traits.filter((other) => other !== trait));
    const named = [kind, trait, ...others.slice(0, between(rng, richness[size].traits) - 1)];
    const prices = drawPrices(family, twins, drawing);
    const line = drawOptions(family, drawing);
    for (const price of prices.slice(0, count - drafts.length))
      drafts.push({ ...drawDetails(family, { ...drawing, line }), family, named, prices: price });
  }
  return drafts;
}

/** Draws the options of a line of near-duplicates. */
function drawOptions({ department }: Family, { rng, size }: Drawing): Draft['options'] {
  const rich = richness[size];
  return department.options.slice(0, between(rng, rich.options)).map((name) => {
    const values = optionValues[name];
    const chosen = new Set(rng.shuffle(values).slice(0, between(rng, rich.values)));
    return { name, values: values.filter((value) => chosen.has(value)) };
  });
}

function drawDetails(
  { department }: Family,
  { rng, size, line }: Drawing & { readonly line: Draft['options'] },
): Pick<Draft, 'brand' | 'hidden' | 'options'> {
  return {
    brand: rng.pick(brands),
    hidden: rng.shuffle(department.details).slice(0, between(rng, richness[size].hidden)),
    options: line.map(({ name, values }) => {
      const lacking = rng.uniform() < lackingShare ? rng.pick(values) : undefined;
      return { name, values: values.filter((value) => value !== lacking) };
    }),
  };
}

/** Draws prices in different tens, so that a bound separates them. */
function drawPrices({ department }: Family, count: number, { rng, size }: Drawing): number[][] {
  const [least, most] = department.prices;
  const tens = rng.shuffle(
    Array.from({ length: Math.floor(most / 10) - Math.floor(least / 10) + 1 }, (_, i) => i + Math.floor(least / 10)),
  );
  return Array.from({ length: count }, (_, i) => {
    const low = tens[i % tens.length]! * 10 + rng.pick([2, 5, 8]);
    if (size === 'small') return [low];
    const cents = rng.pick([0, 0.5, 0.95, 0.99]);
    return rng.int(5) === 0 ? [low + cents, low + cents + rng.pick([4, 10, 15])] : [low + cents];
  });
}

/** Draws an integer, both ends included. */
function between(rng: Rng, [least, most]: readonly [number, number]): number {
  return least + rng.int(most - least + 1);
}
