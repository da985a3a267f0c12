/**
 * Finds the best documents for a bag of terms. Terms are taken from the most to the least valuable; once the documents outside the best
 * `limit` could not catch up with what is left, no new ones are admitted and the long lists of common terms are only looked into
 * (MaxScore). The result is exactly that of scoring everything.
 * Source: H. Turtle & J. Flood, "Query evaluation: strategies and optimizations", IP&M 31(6), 1995.
 */
import { getVarint, openList, type PackedList, uint32At } from './postings.ts';
import { inverseNorms, termWeight } from './similarity.ts';

/** Everything about an indexed collection that scoring needs. */
export interface PostingSource {
  /** Number of documents that have terms. */
  readonly documents: number;
  /** Mean number of terms of those documents. */
  readonly averageLength: number;
  /** Length byte of every document. */
  readonly lengths: Uint8Array;
  /** Place of every document in the order that breaks ties; lower comes first. */
  readonly ranks: Uint32Array;
  /** Returns the packed list of a term. */
  lookup(term: string): { readonly bytes: Uint8Array; readonly offset: number } | undefined;
}

/** What a search returns: at most `limit` documents, best first. */
export interface SearchResult {
  /** Numbers of the documents in the order they were given. */
  readonly ids: readonly number[];
  /** Their scores, float32. */
  readonly scores: readonly number[];
}

interface WeightedList extends PackedList {
  readonly weight: number;
  /** No posting of the list scores more. */
  readonly bound: number;
}

/** Scores are compared as float32, so a document is only given up when it is behind by more than its rounding. */
const slack = 1 - 1e-6;

/** Makes the search over a source. Its memory, about 12 bytes per document, is reused from one search to the next. */
export function createRanker(source: PostingSource): (terms: readonly string[], limit: number) => SearchResult {
  const inverse = inverseNorms(source.averageLength);
  const scores = new Float64Array(source.lengths.length);
  const touched = new Uint32Array(source.lengths.length);

  const open = (terms: readonly string[]): WeightedList[] => {
    const repeats = new Map<string, number>();
    for (const term of terms) repeats.set(term, (repeats.get(term) ?? 0) + 1);
    const lists = [...repeats].flatMap(([term, times]) => {
      const place = source.lookup(term);
      if (place === undefined) return [];
      const list = openList(place.bytes, place.offset);
      const weight = termWeight(times, list.count, source.documents);
      return [{ ...list, weight, bound: weight - weight / (1 + list.highest) }];
    });
    return lists.sort((a, b) => b.bound - a.bound || a.count - b.count);
  };

  return (terms, limit) => {
    const lists = open(terms);
    let left = lists.reduce((sum, { bound }) => sum + bound, 0);
    let postingsLeft = lists.reduce((sum, { count }) => sum + count, 0);
    let count = 0;
    let candidates: Uint32Array | undefined;
    let sorted = false;
    for (const list of lists) {
      if (postingsLeft > 4096) {
        const documents = candidates ?? touched.subarray(0, count);
        const least = highestOf(documents, scores, limit) * slack;
        if (candidates !== undefined)
          candidates = keepFrom(documents, { scores, least: least - left, into: candidates });
        else if (least > left * (1 + 1e-6)) {
          candidates = keepFrom(documents, { scores, least: least - left, into: new Uint32Array(count) });
        }
      }
      const norms = { scores, inverse, lengths: source.lengths };
      if (candidates !== undefined && candidates.length * 16 < list.count && list.blocks > 0) {
        if (!sorted) candidates.sort();
        sorted = true;
        addSome(list, { ...norms, candidates });
      } else count = addAll(list, { ...norms, touched, count, admits: candidates === undefined });
      left -= list.bound;
      postingsLeft -= list.count;
    }
    const result = best(candidates ?? touched.subarray(0, count), { scores, ranks: source.ranks, limit });
    for (let i = 0; i < count; i++) scores[touched[i]!] = 0;
    return result;
  };
}

/** Sizes and norms that scoring a posting needs. */
interface Norms {
  readonly scores: Float64Array;
  readonly inverse: Float32Array;
  readonly lengths: Uint8Array;
}

/** Adds a whole list. @param into `admits`: whether to new documents too. @returns The number of documents touched. */
function addAll(
  list: WeightedList,
  into: Norms & { readonly touched: Uint32Array; readonly count: number; readonly admits: boolean },
): number {
  const { bytes, weight } = list;
  const { scores, touched, inverse, lengths, admits } = into;
  let { count } = into;
  const cursor = { bytes, at: list.data };
  let document = 0;
  for (let i = 0; i < list.count; i++) {
    const head = getVarint(cursor);
    document += head >>> 1;
    const frequency = (head & 1) === 0 ? 1 : getVarint(cursor);
    const before = scores[document]!;
    if (before === 0) {
      if (!admits) continue;
      touched[count++] = document;
    }
    const ratio = Math.fround(frequency * inverse[lengths[document]!]!);
    scores[document] = before + Math.fround(weight - Math.fround(weight / Math.fround(1 + ratio)));
  }
  return count;
}

/** Adds a list to a few documents, ascending, jumping over the blocks that have none of them. */
function addSome(list: WeightedList, into: Norms & { readonly candidates: Uint32Array }): void {
  const { bytes, weight, table, blocks, data } = list;
  const { scores, candidates, inverse, lengths } = into;
  let next = 0;
  for (let block = 0; block < blocks && next < candidates.length; block++) {
    const entry = table + 8 * block;
    const last = uint32At(bytes, entry);
    if (candidates[next]! > last) continue;
    const cursor = { bytes, at: block === 0 ? data : data + uint32At(bytes, entry - 4) };
    let document = block === 0 ? 0 : uint32At(bytes, entry - 8);
    while (next < candidates.length && candidates[next]! <= last) {
      const head = getVarint(cursor);
      document += head >>> 1;
      const frequency = (head & 1) === 0 ? 1 : getVarint(cursor);
      while (next < candidates.length && candidates[next]! < document) next += 1;
      if (candidates[next] !== document) continue;
      const ratio = Math.fround(frequency * inverse[lengths[document]!]!);
      scores[document]! += Math.fround(weight - Math.fround(weight / Math.fround(1 + ratio)));
      next += 1;
    }
  }
}

/** Returns the score of the `limit`-th best document, 0 if there are fewer. Uses a heap whose root is the least of the best. */
function highestOf(documents: Uint32Array, scores: Float64Array, limit: number): number {
  if (documents.length < limit || limit === 0) return 0;
  const heap = new Float64Array(limit).fill(0);
  for (let i = 0; i < documents.length; i++) {
    const score = scores[documents[i]!]!;
    if (score <= heap[0]!) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= limit) break;
      if (child + 1 < limit && heap[child + 1]! < heap[child]!) child += 1;
      if (heap[child]! >= score) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = score;
  }
  return heap[0]!;
}

/** Copies the documents that score at least `least` to the front of `into`, which may be the same array, and returns that part. */
function keepFrom(
  documents: Uint32Array,
  options: { readonly scores: Float64Array; readonly least: number; readonly into: Uint32Array },
): Uint32Array {
  const { scores, least, into } = options;
  let count = 0;
  for (let i = 0; i < documents.length; i++) {
    const document = documents[i]!;
    if (scores[document]! >= least) into[count++] = document;
  }
  return into.subarray(0, count);
}

function best(
  documents: Uint32Array,
  options: { readonly scores: Float64Array; readonly ranks: Uint32Array; readonly limit: number },
): SearchResult {
  const { scores, ranks, limit } = options;
  const least = highestOf(documents, scores, limit) * slack;
  const kept = keepFrom(documents, { scores, least, into: new Uint32Array(documents.length) });
  const hits = Array.from(kept, (id) => ({ id, score: Math.fround(scores[id]!), rank: ranks[id]! }));
  hits.sort((x, y) => y.score - x.score || x.rank - y.rank);
  const top = hits.slice(0, limit);
  return { ids: top.map(({ id }) => id), scores: top.map(({ score }) => score) };
}
