/** Digests of search results: they let a test compare with Lucene's answers without keeping product data in this repository. */
import { sha256 } from '../../src/base/hash.ts';

/** Returns twelve hex digits that stand for hits in order, with their float32 scores. */
export function digestHits(hits: readonly { readonly id: string; readonly score: number }[]): string {
  return sha256(hits.map(({ id, score }) => `${id}:${Math.fround(score)}`).join(' ')).slice(0, 12);
}
