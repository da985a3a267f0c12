/** BM25 as Lucene scores it. */
import type { Analyse } from './analyse.ts';

/** What a search returns. */
export interface SearchResult {
  /** Numbers of the documents in the order they were given, best first. */
  readonly ids: readonly number[];
  /** Their scores, float32. */
  readonly scores: readonly number[];
}

/** A text to index. */
export interface Document {
  /** Its public name; breaks ties between equal scores where the index is told so. */
  readonly id: string;
  readonly text: string;
}

/** Options of {@link openIndex}. */
export interface IndexOptions {
  readonly analyse: Analyse;
  /** Saturation of term frequency; default 0.9, as Pyserini. */
  readonly k1?: number;
  /** Weight of the document's length; default 0.4, as Pyserini. */
  readonly b?: number;
}

/** A searchable set of documents. */
export interface Index {
  search(query: string, limit: number): SearchResult;
}

/** Indexes documents in memory. */
export function openIndex(documents: readonly Document[], options: IndexOptions): Index {
  const { analyse, k1 = 0.9, b = 0.4 } = options;
  const terms = documents.map(({ text }) => analyse(text));
  const average = terms.reduce((sum, list) => sum + list.length, 0) / documents.length;
  const postings = new Map<string, Map<number, number>>();
  terms.forEach((list, id) => {
    for (const term of list) {
      const posting = postings.get(term) ?? new Map<number, number>();
      postings.set(term, posting.set(id, (posting.get(id) ?? 0) + 1));
    }
  });
  return {
    search: (query, limit) => {
      const scores = new Map<number, number>();
      for (const term of analyse(query)) {
        const posting = postings.get(term);
        if (posting === undefined) continue;
        const idf = Math.log(1 + (documents.length - posting.size + 0.5) / (posting.size + 0.5));
        for (const [id, tf] of posting) {
          const norm = k1 * (1 - b + (b * terms[id]!.length) / average);
          scores.set(id, (scores.get(id) ?? 0) + (idf * tf) / (tf + norm));
        }
      }
      const best = [...scores].sort((x, y) => y[1] - x[1] || x[0] - y[0]).slice(0, limit);
      return { ids: best.map(([id]) => id), scores: best.map(([, score]) => score) };
    },
  };
}
