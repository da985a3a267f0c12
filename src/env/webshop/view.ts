/** Products and results as pages need them, made when first looked at and kept in bounded memories that all episodes share. */
import { hashJson } from '../../base/hash.ts';
import { isClickable } from './action.ts';
import type { Product } from './catalogue/product.ts';
import type { Goal } from './goal.ts';
import { seededPrices } from './goal.ts';
import { type Nouns, taggedNouns, taggerVersion } from './nouns.ts';
import { itemBody, listing, resultsBody } from './page.ts';
import { recent } from './recent.ts';
import { type Match, matchGoal, type OfferedThing, offeredThing, type WantedThing, wantedThing } from './reward.ts';
import type { Shop, ShopOptions } from './shop.ts';

/** A product ready to be shown and clicked. */
export interface ProductView {
  readonly product: Product;
  /** Text of its line among results. */
  readonly listing: string;
  /** Text of its page below the instruction. */
  readonly body: string;
  /** The option each value belongs to: the last one that has it. */
  readonly optionOf: ReadonlyMap<string, string>;
  /** Values of options that a click can name. */
  readonly clickable: readonly string[];
  /** What it costs at the till, US dollars. */
  readonly price: number;
}

/** One page of results. */
export interface ResultsView {
  readonly body: string;
  /** Its products' asins, best first. */
  readonly asins: readonly string[];
  /** The same in lower case, as clicks name them. */
  readonly links: ReadonlySet<string>;
}

/** A shop as episodes see it. */
export interface ShopView {
  readonly shop: Shop;
  readonly pageSize: number;
  readonly pageReward: 'none' | 'released';
  /** SHA-256 of everything a split's episodes depend on. */
  digest(split: string): string;
  product(asin: string): ProductView;
  /** Lists the asins a search finds, best first. */
  search(keywords: string): readonly string[];
  results(keywords: string, pageNumber: number): ResultsView;
  match(goal: Goal, asin: string): Match;
}

/** Results are cut off here. Source: engine.py SEARCH_RETURN_N, PRODUCT_WINDOW. */
const maxResults = 50;
const defaultPageSize = 10;

/** Makes the view of a shop. */
export function viewShop(shop: Shop, options: ShopOptions = {}): ShopView {
  const { pageSize = defaultPageSize, pageReward = 'none' } = options;
  const { catalogue } = shop;
  const price = seededPrices(shop.priceSeed).price;
  const products = recent<string, ProductView>(4_096);
  const offers = recent<string, OfferedThing>(4_096);
  const wishes = recent<string, WantedThing>(4_096);
  const matches = recent<string, Match>(8_192);
  const searches = recent<string, readonly string[]>(4_096);
  const pages = recent<string, ResultsView>(4_096);
  const nouns = boundedNouns(shop.nouns ?? taggedNouns());

  const productOf = (asin: string): Product => {
    const id = catalogue.find(asin);
    if (id === undefined) throw new RangeError(`Internal: no product "${asin}" in the catalogue`);
    return catalogue.product(id);
  };
  const view: ShopView = {
    shop,
    pageSize,
    pageReward,
    digest: (split) => {
      const tagger = shop.nouns === undefined ? taggerVersion() : null; // tagged nouns decide the type part of rewards
      return hashJson(['webshop', shop.digest(split), { pageSize, pageReward, priceSeed: shop.priceSeed, tagger }]);
    },
    product: (asin) => products.get(asin, () => viewProduct(productOf(asin), price)),
    search: (keywords) =>
      searches.get(keywords, () => catalogue.search(keywords, maxResults).ids.map((id) => catalogue.product(id).asin)),
    results: (keywords, pageNumber) =>
      pages.get(`${pageNumber} ${keywords}`, () => viewResults(view, keywords, pageNumber)),
    match: (goal, asin) =>
      matches.get(`${goal.id} ${asin}`, () => {
        const wanted = wishes.get(goal.id, () => wantedThing(goal, nouns(goal)));
        const { product } = view.product(asin);
        return matchGoal(
          wanted,
          offers.get(asin, () => offeredThing(product, nouns(product))),
        );
      }),
  };
  return view;
}

function viewProduct(product: Product, price: (product: Product) => number): ProductView {
  const optionOf = new Map(
    product.options.flatMap(({ name, values }) => values.map((value) => [value, name] as const)),
  );
  return {
    product,
    listing: listing(product),
    body: itemBody(product),
    optionOf,
    clickable: [...optionOf.keys()].filter(isClickable),
    price: price(product),
  };
}

function viewResults(view: ShopView, keywords: string, pageNumber: number): ResultsView {
  const found = view.search(keywords);
  const asins = found.slice((pageNumber - 1) * view.pageSize, pageNumber * view.pageSize);
  const listings = asins.map((asin) => view.product(asin).listing);
  return {
    asins,
    links: new Set(asins.map((asin) => asin.toLowerCase())),
    body: resultsBody(listings, pageNumber, found.length),
  };
}

function boundedNouns(nouns: Nouns): Nouns {
  const known = recent<string, readonly string[]>(8_192);
  return (product) => known.get(`${product.asin} ${product.title}`, () => nouns(product));
}
