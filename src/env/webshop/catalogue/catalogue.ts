/** What a world needs of its shop: products by number or asin, and search. Two fulfilments: in memory, and a folder on disk. */
import type { Analyse } from '../search/analyse.ts';
import { englishTerms } from '../search/analyse.ts';
import { openIndex } from '../search/bm25.ts';
import type { SearchResult } from '../search/rank.ts';
import { documentText, type Product } from './product.ts';

/** A set of products with a search engine over it. Products are numbered from 0 in file order. */
export interface Catalogue {
  /** Number of products. */
  readonly size: number;
  /** SHA-256 of what it was made from. */
  readonly digest: string;
  /** Returns a product. @throws {RangeError} If `id` is not in [0, size). */
  product(id: number): Product;
  /** Returns the number of the product with this asin, or undefined. */
  find(asin: string): number | undefined;
  /** Returns the numbers of the `limit` best products for free text, best first. */
  search(query: string, limit: number): SearchResult;
}

/** Options of {@link openMemoryCatalogue}. */
export interface MemoryCatalogueOptions {
  /** SHA-256 of what the products were made from. */
  readonly digest: string;
  /** How text becomes terms; default: Lucene's English analysis. */
  readonly analyse?: Analyse;
}

/** Opens a catalogue over products held in memory, indexing them at once. */
export function openMemoryCatalogue(products: readonly Product[], options: MemoryCatalogueOptions): Catalogue {
  const analyse = options.analyse ?? englishTerms;
  const index = openIndex(
    products.map((product) => ({ id: product.asin, text: documentText(product) })),
    { analyse },
  );
  const numbers = new Map(products.map(({ asin }, id) => [asin, id]));
  const product = (id: number): Product => {
    const found = products[id];
    if (found === undefined) throw new RangeError(`Cannot read product ${id}: expected 0 to ${products.length - 1}`);
    return found;
  };
  return {
    size: products.length,
    digest: options.digest,
    product,
    find: (asin) => numbers.get(asin),
    search: index.search,
  };
}
