/** A search engine over texts held in memory, ranking as Pyserini does over a Lucene index of the same texts. */
import type { Analyse } from './analyse.ts';
import { byUnits, createCollector } from './collect.ts';
import { createSink, packPostings } from './postings.ts';
import { createRanker, type SearchResult } from './rank.ts';
import { inverseNorms, lengthByte } from './similarity.ts';

/** A text to index. */
export interface Document {
  /** Its public name. Of two documents with the same score, that with the lower name comes first. */
  readonly id: string;
  readonly text: string;
}

/** A searchable set of documents. */
export interface Index {
  /** Returns the best documents for free text: none if no word of it is known. */
  search(query: string, limit: number): SearchResult;
}

/** Indexes documents in memory. @param options `analyse`: how text becomes terms. */
export function openIndex(documents: readonly Document[], options: { readonly analyse: Analyse }): Index {
  const { analyse } = options;
  const collector = createCollector();
  const lengths = new Uint8Array(documents.length);
  const total = { terms: 0, documents: 0 };
  documents.forEach(({ text }, number) => {
    const terms = analyse(text);
    collector.add(number, terms);
    lengths[number] = lengthByte(terms.length);
    total.terms += terms.length;
    total.documents += terms.length > 0 ? 1 : 0;
  });
  const averageLength = total.terms / Math.max(total.documents, 1);
  const sink = createSink();
  const offsets = new Map<string, number>();
  const norms = { lengths, inverse: inverseNorms(averageLength) };
  collector.drain((term, list) => {
    offsets.set(term, sink.length);
    packPostings(sink, list, norms);
  });
  const bytes = sink.bytes.slice(0, sink.length);
  const rank = createRanker({
    documents: total.documents,
    averageLength,
    lengths,
    ranks: ranksOf(documents.map(({ id }) => id)),
    lookup: (term) => {
      const offset = offsets.get(term);
      return offset === undefined ? undefined : { bytes, offset };
    },
  });
  return { search: (query, limit) => rank(analyse(query), limit) };
}

/** Returns the place of each name in sorted order. Names are ASCII where it matters, so units order as bytes do. */
export function ranksOf(ids: readonly string[]): Uint32Array {
  const order = Array.from(ids, (_, number) => number).sort((a, b) => byUnits(ids[a]!, ids[b]!) || a - b);
  const ranks = new Uint32Array(ids.length);
  order.forEach((number, rank) => {
    ranks[number] = rank;
  });
  return ranks;
}
