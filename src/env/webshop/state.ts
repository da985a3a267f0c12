/** Where a customer stands: one session of the shop, plain data. */

/** A page's kind. */
export type PageKind = 'search' | 'results' | 'item' | 'sub' | 'done';

/** The pages behind an item's buttons. */
export const subPages = ['description', 'features', 'reviews'] as const;

/** One of {@link subPages}. */
export type SubPage = (typeof subPages)[number];

/** One session. A type, not an interface, so that it is a JSON object to the compiler too. */
export type ShopState = {
  readonly page: PageKind;
  /** What was searched for last, in lower case; null before the first search. */
  readonly keywords: string | null;
  /** Page of results shown, or returned to from an item; from 1. */
  readonly pageNumber: number;
  /** The item looked at or bought. */
  readonly asin: string | null;
  /** Values chosen so far, by option name. */
  readonly options: { readonly [name: string]: string };
  readonly subPage: SubPage | null;
  /** What the purchase earned; null before it. */
  readonly reward: number | null;
};

/** A session that has just begun. */
export const freshState: ShopState = {
  page: 'search',
  keywords: null,
  pageNumber: 1,
  asin: null,
  options: {},
  subPage: null,
  reward: null,
};
