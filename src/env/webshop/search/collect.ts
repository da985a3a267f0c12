/** Gathers postings document by document and gives them back term by term, each list ascending. */
import { createPostings, type PostingBuffer, pushPosting } from './postings.ts';

/** Postings gathered so far. */
export interface Collector {
  /** Number of postings gathered. */
  readonly size: number;
  /** Number of different terms gathered. */
  readonly terms: number;
  /** Adds the terms of one document; documents come in ascending order. */
  add(document: number, terms: readonly string[]): void;
  /** Calls `visit` for every term in the order of UTF-16 units, then forgets everything. The buffer is reused. */
  drain(visit: (term: string, list: PostingBuffer) => void): void;
}

/** Postings in the order they came; those of one document follow each other. */
interface Entries {
  /** Numbers of terms. */
  terms: Uint32Array;
  documents: Uint32Array;
  frequencies: Uint32Array;
}

/** Makes an empty collector. */
export function createCollector(): Collector {
  const numbers = new Map<string, number>();
  const entries: Entries = {
    terms: new Uint32Array(1024),
    documents: new Uint32Array(1024),
    frequencies: new Uint32Array(1024),
  };
  let size = 0;
  /** Per term: the place after its last posting, so that repeats in one document are counted in place; 0 says none. */
  let lastPosting = new Uint32Array(1024);
  const numberOf = (term: string): number => {
    const known = numbers.get(term);
    if (known !== undefined) return known;
    const number = numbers.size;
    numbers.set(term, number);
    if (number === lastPosting.length) lastPosting = larger(lastPosting);
    lastPosting[number] = 0;
    return number;
  };
  return {
    get size() {
      return size;
    },
    get terms() {
      return numbers.size;
    },
    add: (document, terms) => {
      const start = size;
      for (const term of terms) {
        const number = numberOf(term);
        const last = lastPosting[number]!; // numberOf has made room
        if (last > start) {
          entries.frequencies[last - 1]!++;
          continue;
        }
        if (size === entries.terms.length) grow(entries);
        entries.terms[size] = number;
        entries.documents[size] = document;
        entries.frequencies[size] = 1;
        size += 1;
        lastPosting[number] = size;
      }
    },
    drain: (visit) => {
      visitTerms({ numbers, entries, size }, visit);
      numbers.clear();
      size = 0;
    },
  };
}

function larger(list: Uint32Array): Uint32Array<ArrayBuffer> {
  const twice = new Uint32Array(2 * list.length);
  twice.set(list);
  return twice;
}

function grow(entries: Entries): void {
  entries.terms = larger(entries.terms);
  entries.documents = larger(entries.documents);
  entries.frequencies = larger(entries.frequencies);
}

function visitTerms(
  gathered: { readonly numbers: ReadonlyMap<string, number>; readonly entries: Entries; readonly size: number },
  visit: (term: string, list: PostingBuffer) => void,
): void {
  const { numbers, entries, size } = gathered;
  const { starts, order } = sortByTerm(entries.terms.subarray(0, size), numbers.size);
  const list = createPostings();
  for (const term of [...numbers.keys()].sort(byUnits)) {
    const number = numbers.get(term)!; // a key of this map
    list.length = 0;
    for (let i = starts[number]!; i < starts[number + 1]!; i++) {
      const place = order[i]!;
      pushPosting(list, entries.documents[place]!, entries.frequencies[place]!);
    }
    visit(term, list);
  }
}

/** Orders texts by their UTF-16 units. */
export function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorts places by term, keeping their order within one (counting sort). `starts` has one entry more than there are terms. */
function sortByTerm(terms: Uint32Array, count: number): { readonly starts: Uint32Array; readonly order: Uint32Array } {
  const starts = new Uint32Array(count + 1);
  for (const term of terms) starts[term + 1]!++;
  for (let i = 0; i < count; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const order = new Uint32Array(terms.length);
  for (let place = 0; place < terms.length; place++) order[next[terms[place]!]!++] = place;
  return { starts, order };
}
