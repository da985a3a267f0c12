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

/** Makes an empty collector. */
export function createCollector(): Collector {
  const numbers = new Map<string, number>();
  let entries = { terms: new Uint32Array(1024), documents: new Uint32Array(1024), frequencies: new Uint32Array(1024) };
  let size = 0;
  /** Per term: the last document that has it and where its posting lies, so that repeats are counted in place. */
  let lastPosting = new Uint32Array(1024);
  const start = { size: 0 };
  const grow = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
    const larger = new Uint32Array(2 * old.length);
    larger.set(old);
    return larger;
  };
  const numberOf = (term: string): number => {
    const known = numbers.get(term);
    if (known !== undefined) return known;
    const number = numbers.size;
    numbers.set(term, number);
    if (number === lastPosting.length) lastPosting = grow(lastPosting);
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
      start.size = size;
      for (const term of terms) {
        const number = numberOf(term);
        const last = lastPosting[number]!; // place + 1, so that 0 says none
        if (last > start.size) {
          entries.frequencies[last - 1]!++;
          continue;
        }
        if (size === entries.terms.length) {
          entries = {
            terms: grow(entries.terms),
            documents: grow(entries.documents),
            frequencies: grow(entries.frequencies),
          };
        }
        entries.terms[size] = number;
        entries.documents[size] = document;
        entries.frequencies[size] = 1;
        size += 1;
        lastPosting[number] = size;
      }
    },
    drain: (visit) => {
      const places = sortByTerm(entries.terms.subarray(0, size), numbers.size);
      const list = createPostings();
      for (const term of [...numbers.keys()].sort(byUnits)) {
        const number = numbers.get(term)!; // a key of this map
        list.length = 0;
        for (let i = places.starts[number]!; i < places.starts[number + 1]!; i++) {
          const place = places.order[i]!;
          pushPosting(list, entries.documents[place]!, entries.frequencies[place]!);
        }
        visit(term, list);
      }
      numbers.clear();
      size = 0;
    },
  };
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
