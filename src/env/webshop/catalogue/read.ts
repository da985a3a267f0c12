/** Reads WebShop's own files: products (`items_shuffle.json` or Pyserini's `documents.jsonl`) and mined attributes (`items_ins_v2.json`). */
import { badInput } from '../../../base/error.ts';
import { type JsonItemsOptions, readJsonItems } from './json-stream.ts';
import { type AttributesEntry, isListed, normaliseProduct, type Product, type RawProduct } from './product.ts';

/** What a reader reports while it reads; see {@link JsonItemsOptions}. */
export type ReadOptions = Pick<JsonItemsOptions, 'onBytes' | 'hash'>;

/** Options of {@link readProducts}. */
export interface ReadProductsOptions extends ReadOptions {
  /** Returns the mined attributes of a product; used with `items_shuffle.json` only. */
  readonly attributes?: (asin: string) => AttributesEntry | undefined;
}

/**
 * Yields the products of a file in order, normalised, without those that are not listed and without repeats.
 * @throws {SpaError} If the file is missing, damaged or holds something else (bad input).
 */
export async function* readProducts(
  path: string,
  options: ReadProductsOptions = {},
): AsyncGenerator<Product, void, void> {
  const seen = new Set<string>();
  let items = 0;
  for await (const value of readJsonItems(path, { ...options, shape: 'list', what: 'WebShop products' })) {
    items += 1;
    const product = productOf(value, options.attributes ?? (() => undefined));
    if (product === 'broken') {
      const is = `item ${items} lacks asin, name or another text`;
      throw badInput(
        'environment',
        `Cannot read WebShop products "${path}": ${is}, expected records of items_shuffle.json`,
        {
          hint: 'Name items_shuffle.json or documents.jsonl of the WebShop release; .gz is fine.',
        },
      );
    }
    if (product === 'unlisted' || seen.has(product.asin)) continue;
    seen.add(product.asin);
    yield product;
  }
}

/**
 * Reads mined attributes by asin.
 * @throws {SpaError} If the file is missing, damaged or holds something else (bad input).
 */
export async function readAttributes(path: string, options: ReadOptions = {}): Promise<Map<string, AttributesEntry>> {
  const entries = new Map<string, AttributesEntry>();
  for await (const [asin, entry] of streamAttributes(path, options)) entries.set(asin, entry);
  return entries;
}

/** Yields the entries of an attributes file one by one. */
export async function* streamAttributes(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<readonly [asin: string, entry: AttributesEntry], void, void> {
  for await (const value of readJsonItems(path, { ...options, shape: 'members', what: 'WebShop attributes' })) {
    for (const [asin, entry] of Object.entries(value as object)) {
      if (!isAttributesEntry(entry)) {
        const is = `entry "${asin}" is not an object with a list of attributes`;
        throw badInput('environment', `Cannot read WebShop attributes "${path}": ${is}, expected items_ins_v2.json`, {
          hint: 'Name items_ins_v2.json of the WebShop release; .gz is fine.',
        });
      }
      yield [asin, entry];
    }
  }
}

function isAttributesEntry(value: unknown): value is AttributesEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { attributes } = value as AttributesEntry; // checked next
  return (
    attributes === undefined || (Array.isArray(attributes) && attributes.every((item) => typeof item === 'string'))
  );
}

type Fields = Readonly<Record<string, unknown>>;

const texts = ['asin', 'name', 'full_description', 'category', 'query', 'product_category'] as const;

function productOf(
  value: unknown,
  attributes: (asin: string) => AttributesEntry | undefined,
): Product | 'broken' | 'unlisted' {
  if (typeof value !== 'object' || value === null) return 'broken';
  const record = value as Fields; // only read, member by member
  const stored = record.product;
  if (typeof stored === 'object' && stored !== null) return storedProduct(stored as Fields);
  if (!texts.every((name) => typeof record[name] === 'string')) return 'broken';
  const raw = record as unknown as RawProduct; // its texts are checked above, the rest is read with care
  const bullets: unknown = raw.small_description;
  if (typeof bullets !== 'string' && !isTexts(bullets)) return 'broken';
  return isListed(raw) ? normaliseProduct(raw, attributes(raw.asin)) : 'unlisted';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Reads a product that `load_products` has normalised before it was written into `documents.jsonl`. */
function storedProduct(record: Fields): Product | 'broken' {
  const { Title, Description, BulletPoints, Attributes, options, pricing, Price } = record;
  const known = [Title, Description, Price, record.asin, record.category, record.query, record.product_category];
  if (!known.every((text) => typeof text === 'string') || !isTexts(BulletPoints) || !isTexts(Attributes))
    return 'broken';
  if (!Array.isArray(pricing) || !pricing.every((price) => typeof price === 'number')) return 'broken';
  if (typeof options !== 'object' || options === null || !Object.values(options).every(isTexts)) return 'broken';
  const text = (name: string): string => String(record[name]); // a text, as checked above
  return {
    asin: text('asin'),
    title: text('Title'),
    description: text('Description'),
    bullets: BulletPoints,
    query: text('query'),
    category: text('category'),
    productCategory: text('product_category'),
    attributes: Attributes,
    options: Object.entries(options as Readonly<Record<string, readonly string[]>>).map(([name, values]) => ({
      name,
      values,
    })),
    pricing,
    priceTag: text('Price'),
  };
}
