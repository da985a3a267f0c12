/** Compares analysis and search with the real Lucene 9.5, and keeps digests of its answers for the tests that run without it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import { englishPlacedTerms, englishTerms } from '../../src/env/webshop/search/analyse.ts';
import { openIndex } from '../../src/env/webshop/search/bm25.ts';
import { digestHits } from '../env/webshop-digest.ts';
import { hasWebshopData, listQueries, readDocuments, webshopData } from '../env/webshop-queries.ts';
import { fetchLucene, hasJava, luceneAnalyse, luceneSearch } from './lucene.ts';

const pieces = [
  ...'abcxyzsSE019 .,:;\'"_-’·‧＇ 😀🏻👍🇩🇪1#*\u20e3\ufe0f\ufe0e\u200d\u0301\u00adאבカタ字ひกขကា가나',
  ...'\u{e0067}\u{e007f}❤♂©®ßİIſσςΣ№٣٤߀１２〰々ｶﾞ\n\t',
];

describe.skipIf(!hasJava())('Lucene 9.5', () => {
  beforeAll(fetchLucene);

  const compare = (texts: readonly string[]): void => {
    const wanted = luceneAnalyse(texts);
    const wrong = texts.filter((text, i) => JSON.stringify(englishPlacedTerms(text)) !== JSON.stringify(wanted[i]));
    expect(wanted).toHaveLength(texts.length);
    expect(wrong).toEqual([]);
  };

  it('analyses every character, alone and beside others, as we do', () => {
    const texts: string[] = [];
    for (let point = 0; point < 0x110000; point++) {
      const isHalf = point >= 0xd800 && point < 0xe000;
      const isEmpty = (point >= 0x30000 && point < 0xe0000) || point >= 0xe1000;
      if (isHalf || isEmpty) continue;
      const c = String.fromCodePoint(point);
      texts.push(`${c} a${c}b 1${c}2 ${c}${c} カ${c}カ _${c} א${c}א ${c}\u200d${c} 🏻${c} ${c}\ufe0f ${c}running`);
    }
    compare(texts);
  });

  it('analyses random mixtures and over-long words as we do', () => {
    const rng = createRng('lucene');
    const mixed = Array.from({ length: 60_000 }, () =>
      Array.from({ length: 1 + rng.int(14) }, () => rng.pick(pieces)).join(''),
    );
    const long = Array.from({ length: 3000 }, () => {
      const base = rng.pick(['a', 'b', '0', '_']);
      return Array.from({ length: 480 + rng.int(80) }, () => (rng.int(60) === 0 ? rng.pick(pieces) : base)).join('');
    });
    compare([...mixed, ...long]);
  });

  describe.skipIf(!hasWebshopData)('over the recorded index', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lucene-index-'));
    afterAll(() => rmSync(folder, { recursive: true }));

    it('finds the same 50 in the same order with the same scores for every query', async () => {
      execFileSync('tar', ['xJf', `${webshopData}/lucene_1k/indexes_1k_lucene90.tar.xz`, '-C', folder]);
      const documents = readDocuments();
      const queries = listQueries(documents);
      const wanted = luceneSearch(folder, queries);
      const texts = documents.map(({ id, contents }) => ({ id, text: contents }));
      const index = openIndex(texts, { analyse: englishTerms });
      const found = queries.map((query) => {
        const { ids, scores } = index.search(query, 50);
        return ids.map((number, i) => ({ id: documents[number]!.id, score: scores[i]! }));
      });
      expect(found).toEqual(wanted);
      const digests = wanted.map(digestHits);
      await expect(`${JSON.stringify(digests, null, 2)}\n`).toMatchFileSnapshot('../env/fixtures/webshop-lucene.json');
    });
  });
});
