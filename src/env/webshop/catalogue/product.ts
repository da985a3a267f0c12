/**
 * Products as WebShop sees them: the records of `items_shuffle.json` after `load_products`, and the text of each that search indexes.
 * Source: princeton-nlp/WebShop@64fa2a5 web_agent_site/engine/engine.py#L259-L370, search_engine/convert_product_file_format.py.
 */
import { floatRepr, stripLikePython } from './python-text.ts';

/** One record of `items_shuffle.json`: only the members that are read. */
export interface RawProduct {
  readonly asin: string;
  readonly name: string;
  readonly full_description: string;
  readonly small_description: string | readonly string[];
  readonly category: string;
  readonly query: string;
  readonly product_category: string;
  /** E.g. `$19.99` or `$25.00 - $45.50`; empty or absent: no price is known. */
  readonly pricing?: string | null;
  /** By option name; empty text where there are none. */
  readonly customization_options?: Readonly<Record<string, readonly { readonly value: string }[] | null>> | '' | null;
}

/** One entry of `items_ins_v2.json`, by asin. */
export interface AttributesEntry {
  readonly attributes?: readonly string[];
  /** The synthetic instruction, without options and price. */
  readonly instruction?: string;
  readonly instruction_attributes?: readonly string[];
}

/** One choice a product offers, e.g. `size`. */
export interface ProductOption {
  /** Lower-case. */
  readonly name: string;
  /** Lower-case, trimmed, ` | ` for `/`; in file order, repeated values kept. */
  readonly values: readonly string[];
}

/** A product after normalisation: plain data. */
export interface Product {
  /** Amazon's identifier, at most ten characters, unique in a catalogue. */
  readonly asin: string;
  /** The name, which pages call Title. */
  readonly title: string;
  readonly description: string;
  /** Bullet points ("Features"), as written. */
  readonly bullets: readonly string[];
  /** The search that found it, trimmed and in lower case; one half of the reward's type match. */
  readonly query: string;
  /** Top category, e.g. `fashion`. */
  readonly category: string;
  /** Path of categories joined by ` › `. */
  readonly productCategory: string;
  /** Mined attributes; `DUMMY_ATTR` alone if the catalogue has none for it. */
  readonly attributes: readonly string[];
  readonly options: readonly ProductOption[];
  /** US dollars: one price, or the two ends of a range; `[100]` where none is known. */
  readonly pricing: readonly number[];
  /** The price as pages show it, e.g. `$12.0` or `$25.0 to $45.5`. */
  readonly priceTag: string;
}

/** What a product without mined attributes carries instead. */
const noAttributes: readonly string[] = ['DUMMY_ATTR'];

/** True if the record is a product at all: the original skips asin `nan` and any longer than ten characters. */
export function isListed(raw: RawProduct): boolean {
  return raw.asin !== 'nan' && [...raw.asin].length <= 10;
}

/** Normalises one record. @param entry Its entry in the attributes file, if it has one. */
export function normaliseProduct(raw: RawProduct, entry?: AttributesEntry): Product {
  const { pricing, priceTag } = parsePricing(raw.pricing);
  const bullets = typeof raw.small_description === 'string' ? [raw.small_description] : raw.small_description;
  return {
    asin: raw.asin,
    title: raw.name,
    description: raw.full_description,
    bullets: [...bullets],
    query: stripLikePython(raw.query.toLowerCase()),
    category: raw.category,
    productCategory: raw.product_category,
    attributes: entry?.attributes ?? noAttributes,
    options: parseOptions(raw.customization_options),
    pricing,
    priceTag,
  };
}

/**
 * Normalises records in file order, skipping those not listed and repeated asins.
 * @param attributes Entries of the attributes file by asin.
 */
export function loadProducts(
  raws: Iterable<RawProduct>,
  attributes: ReadonlyMap<string, AttributesEntry> = new Map(),
): Product[] {
  const seen = new Set<string>();
  const products: Product[] = [];
  for (const raw of raws) {
    if (!isListed(raw) || seen.has(raw.asin)) continue;
    seen.add(raw.asin);
    products.push(normaliseProduct(raw, attributes.get(raw.asin)));
  }
  return products;
}

/**
 * Parses a price text: what follows each `$`, digits and dots only. At most two numbers are kept.
 * The original stops on a text without any number; here it means that no price is known.
 */
export function parsePricing(text: string | null | undefined): { pricing: number[]; priceTag: string } {
  const pieces = (text ?? '').split('$').slice(1);
  const numbers = pieces
    .map((piece) => piece.replace(/[^\p{Nd}.]/gu, ''))
    .filter((piece) => /^(\d+\.?\d*|\.\d+)$/.test(piece));
  const pricing = numbers.slice(0, 2).map(Number);
  if (pricing.length === 0) return { pricing: [100], priceTag: '$100.0' };
  return { pricing, priceTag: pricing.map((price) => `$${floatRepr(price)}`).join(' to ') };
}

function parseOptions(raw: RawProduct['customization_options']): ProductOption[] {
  if (!raw) return [];
  const options = new Map<string, string[]>();
  for (const [name, contents] of Object.entries(raw)) {
    if (contents === null) continue;
    const values = contents.map(({ value }) => stripLikePython(value).replaceAll('/', ' | ').toLowerCase());
    options.set(name.toLowerCase(), values);
  }
  return [...options].map(([name, values]) => ({ name, values }));
}

/** Writes the text of a product that search indexes: title, description, first bullet point and options, in lower case. */
export function documentText(product: Product): string {
  const options = product.options.map(({ name, values }) => `${name}: ${values.join(', ')}`).join(', and ');
  return [product.title, product.description, product.bullets[0] ?? '', options].join(' ').toLowerCase();
}
