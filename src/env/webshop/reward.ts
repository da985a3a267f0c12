/**
 * What a purchase earns: the share of what was asked for that it has, times how far it is the right kind of thing.
 * Source: princeton-nlp/WebShop@64fa2a5 web_agent_site/engine/goal.py#L135-L262. The page rewards of the released SPA-RL environment
 * (WangHanLinHenry/SPA-RL-Agent@ed20087 web_agent_text_env.py) enumerate every combination of options; here they are computed from
 * what each option can contribute, since options are chosen independently.
 */
import type { Product } from './catalogue/product.ts';
import { stripLikePython } from './catalogue/python-text.ts';
import { colours, normaliseColour } from './colour.ts';
import { isAlike, type Words, wordsOf } from './fuzzy.ts';
import type { Goal, GoalOption } from './goal.ts';

/** A goal prepared for comparing. */
export interface WantedThing {
  readonly goal: Goal;
  readonly categories: ReadonlySet<string>;
  readonly attributes: readonly Words[];
  readonly options: readonly Words[];
  /** Nouns of the goal's title, repeats kept. */
  readonly nouns: readonly string[];
}

/** A product prepared for comparing. */
export interface OfferedThing {
  readonly product: Product;
  readonly categories: ReadonlySet<string>;
  readonly attributes: readonly Words[];
  /** Title, bullet points and description, each in lower case. */
  readonly texts: readonly string[];
  readonly nouns: ReadonlySet<string>;
  /** Values of its options, colours found. */
  readonly values: ReadonlyMap<string, Words>;
}

/** One option of a product, seen from a goal: a set of goal options is a number whose bit g is set for goal option g. */
export interface OptionMatch {
  readonly name: string;
  /** The goal options each value satisfies, by value. */
  readonly masks: ReadonlyMap<string, number>;
  /** The same for each entry of the list, repeats kept. */
  readonly list: readonly number[];
}

/** How a product answers a goal before options are chosen and the price is known. */
export interface Match {
  readonly goal: Goal;
  /** Factor for the kind of thing: 0, 0.1, 0.5 or 1. */
  readonly type: number;
  readonly isQueryMatch: boolean;
  readonly isCategoryMatch: boolean;
  /** Share of the goal title's nouns that the product's title has, in [0, 1]. */
  readonly titleScore: number;
  /** Number of goal attributes the product has. */
  readonly attributes: number;
  readonly options: readonly OptionMatch[];
}

/** A reward and what it is made of. */
export interface RewardDetails {
  /** In [0, 1]. */
  readonly reward: number;
  readonly type: number;
  readonly isQueryMatch: boolean;
  readonly isCategoryMatch: boolean;
  readonly titleScore: number;
  /** Attributes and options the purchase has, of those the goal asks for. */
  readonly attributes: number;
  readonly options: number;
  readonly isPriceMet: boolean;
}

/** Most options a goal may ask for. */
export const maxGoalOptions = 30;

/** Prepares a goal. @param nouns Nouns of its title. */
export function wantedThing(goal: Goal, nouns: readonly string[]): WantedThing {
  return {
    goal,
    categories: categoriesOf(goal.productCategory),
    attributes: goal.attributes.map(wordsOf),
    options: goal.options.map((option) => wordsOf(normaliseGoalOption(option))),
    nouns,
  };
}

/** Prepares a product. @param nouns Nouns of its title. */
export function offeredThing(product: Product, nouns: readonly string[]): OfferedThing {
  return {
    product,
    categories: categoriesOf(product.productCategory),
    attributes: product.attributes.map(wordsOf),
    texts: [product.title, product.bullets.join(' '), product.description].map((text) => text.toLowerCase()),
    nouns: new Set(nouns),
    values: new Map(
      product.options.flatMap(({ values }) => values.map((value) => [value, wordsOf(normaliseColour(value))] as const)),
    ),
  };
}

/** Compares a product with a goal. */
export function matchGoal(wanted: WantedThing, offered: OfferedThing): Match {
  const { goal } = wanted;
  const attributes = goal.attributes.filter(
    (attribute, i) =>
      offered.attributes.some((words) => isAlike(words, wanted.attributes[i]!)) ||
      offered.texts.some((text) => text.includes(attribute)),
  );
  const options = offered.product.options.map(({ name, values }): OptionMatch => {
    const masks = new Map(values.map((value) => [value, maskOf(offered.values.get(value), wanted.options)]));
    return { name, masks, list: values.map((value) => masks.get(value) ?? 0) };
  });
  return { goal, ...matchType(wanted, offered), attributes: attributes.length, options };
}

/**
 * Computes the reward of a purchase.
 * @param options Chosen values by option name; a missing one cannot match.
 * @param price What it costs, US dollars.
 */
export function rewardOf(
  match: Match,
  purchase: { readonly options: Readonly<Record<string, string>>; readonly price: number },
): RewardDetails {
  let mask = 0;
  for (const value of Object.values(purchase.options)) {
    for (const option of match.options) mask |= option.masks.get(value) ?? 0;
  }
  const { type, isQueryMatch, isCategoryMatch, titleScore, attributes } = match;
  const details = { type, isQueryMatch, isCategoryMatch, titleScore, attributes, options: bitCount(mask) };
  const isPriceMet = purchase.price <= match.goal.priceUpper;
  return { ...details, isPriceMet, reward: total(match, { options: details.options, isPriceMet }) };
}

/** Computes the released reward of a results page's product: the mean over all combinations of its options. */
export function meanReward(match: Match, price: number): number {
  let options = 0;
  if (match.options.every(({ list }) => list.length > 0)) {
    for (let g = 0; g < match.goal.options.length; g++) {
      const missed = match.options.map(
        ({ list }) => list.filter((mask) => ((mask >>> g) & 1) === 0).length / list.length,
      );
      options += 1 - missed.reduce((product, share) => product * share, 1);
    }
  }
  return total(match, { options, isPriceMet: price <= match.goal.priceUpper });
}

/**
 * Computes the released reward of an item page: the best over the combinations of options that contain every chosen value,
 * whatever the name of the option it was chosen for.
 */
export function bestReward(match: Match, chosen: readonly string[], price: number): number {
  const isPriceMet = price <= match.goal.priceUpper;
  if (match.options.some(({ list }) => list.length === 0)) return total(match, { options: 0, isPriceMet });
  let reached = new Set([pair(0, 0)]);
  for (const { masks } of match.options) {
    const next = new Set<string>();
    for (const [value, mask] of masks) {
      const held = chosen.reduce((bits, other, i) => (other === value ? bits | (1 << i) : bits), 0);
      for (const before of reached) {
        const [goals = 0, values = 0] = before.split(' ').map(Number);
        next.add(pair(goals | mask, values | held));
      }
    }
    reached = next;
  }
  const all = 2 ** chosen.length - 1;
  const counts = [...reached].map((key) => key.split(' ').map(Number)).filter(([, values]) => values === all);
  return total(match, { options: Math.max(...counts.map(([goals]) => bitCount(goals!))), isPriceMet });
}

/** Counts the set bits of a 32-bit number. */
export function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

const pair = (goals: number, values: number): string => `${goals} ${values}`;

function total(match: Match, got: { readonly options: number; readonly isPriceMet: boolean }): number {
  const { attributes, options } = match.goal;
  const points = match.attributes + got.options + (got.isPriceMet ? 1 : 0);
  return (points / (attributes.length + options.length + 1)) * match.type;
}

function matchType(wanted: WantedThing, offered: OfferedThing) {
  const isQueryMatch = offered.product.query === wanted.goal.query;
  const isCategoryMatch = countShared(offered.categories, wanted.categories) >= 2;
  const shared = countShared(offered.nouns, new Set(wanted.nouns));
  const titleScore = wanted.nouns.length === 0 ? 0.2 : shared / wanted.nouns.length;
  const isMatch = isQueryMatch || isCategoryMatch || titleScore > 0.2;
  const type = titleScore === 0 ? 0 : titleScore < 0.1 ? 0.1 : isMatch ? 1 : 0.5;
  return { type, isQueryMatch, isCategoryMatch, titleScore };
}

function countShared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0;
  for (const item of a) if (b.has(item)) count++;
  return count;
}

function categoriesOf(path: string): ReadonlySet<string> {
  return new Set(path.split('›').map(stripLikePython));
}

function maskOf(words: Words | undefined, wanted: readonly Words[]): number {
  if (words === undefined) return 0;
  return wanted.reduce((mask, other, g) => (isAlike(words, other) ? mask | (1 << g) : mask), 0);
}

/**
 * The original compares a synthetic goal's option as a Python tuple: it is a colour if its name or value is exactly one, otherwise the
 * text of the tuple, in which only letters and digits count.
 */
function normaliseGoalOption(option: GoalOption): string {
  if (typeof option === 'string') return normaliseColour(option);
  const { name, value } = option;
  return colours.find((colour) => colour === name || colour === value) ?? `${pythonText(name)} ${pythonText(value)}`;
}

/** The text between the quotes of Python's `repr(str)`, as far as its letters and digits go. */
function pythonText(text: string): string {
  return text.replace(/[\p{C}\p{Z}]/gu, (sign) => {
    const code = sign.codePointAt(0)!;
    if (sign === ' ') return ' ';
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[sign];
    if (short !== undefined) return short;
    if (code > 0xffff) return `\\U${code.toString(16).padStart(8, '0')}`;
    return code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}
