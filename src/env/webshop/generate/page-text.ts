/** Reads a page as the agent sees it: which page it is, and what stands on it. */

/** A product in a list of results. */
export interface Listing {
  /** Lower-case, as actions name it. */
  readonly asin: string;
  readonly title: string;
  /** The lowest price of its tag, US dollars. */
  readonly price: number;
}

/** A page, read. Texts are in lower case. */
export type PageText =
  | { readonly kind: 'search'; readonly wish: string }
  | {
      readonly kind: 'results';
      readonly wish: string;
      /** Page number, from 1. */
      readonly page: number;
      /** Results on all pages. */
      readonly total: number;
      readonly listings: readonly Listing[];
    }
  /** `segments` are the names and values of options, in order, before the title. */
  | {
      readonly kind: 'item';
      readonly wish: string;
      readonly segments: readonly string[];
      readonly title: string;
      /** The lowest price of its tag, US dollars. */
      readonly price: number;
    }
  | { readonly kind: 'detail'; readonly wish: string; readonly text: string }
  | { readonly kind: 'other' };

/** Reads an observation; anything that is no page of the shop is `other`. */
export function readPage(observation: string): PageText {
  const all = observation
    .toLowerCase()
    .split('[sep]')
    .map((segment) => segment.trim());
  const at = all.findIndex((segment) => segment.endsWith('instruction:'));
  const wish = all[at + 1];
  if (at < 0 || wish === undefined) return { kind: 'other' };
  const rest = all.slice(at + 2);
  if (rest[0] === 'search') return { kind: 'search', wish };
  if (rest[0] !== 'back to search') return { kind: 'other' };
  const count = /^page (\d+) \(total results: (\d+)\)$/.exec(rest[1] ?? '');
  if (count !== null) {
    const listings = readListings(rest.slice(rest.indexOf('next >') + 1));
    return { kind: 'results', wish, page: Number(count[1]), total: Number(count[2]), listings };
  }
  const price = rest.findIndex((segment) => segment.startsWith('price: '));
  if (rest.at(-1) === 'buy now' && price > 1)
    return {
      kind: 'item',
      wish,
      segments: rest.slice(2, price - 1),
      title: rest[price - 1]!,
      price: readPrice(rest[price]!),
    };
  return { kind: 'detail', wish, text: rest.slice(2).join(' ') };
}

function readListings(segments: readonly string[]): Listing[] {
  const listings: Listing[] = [];
  for (let i = 0; i + 2 < segments.length; i += 3) {
    listings.push({ asin: segments[i]!, title: segments[i + 1]!, price: readPrice(segments[i + 2]!) });
  }
  return listings;
}

function readPrice(tag: string): number {
  return Number(/\d+(?:\.\d+)?/.exec(tag)?.[0] ?? 100);
}
