/** Proves WebShop's search: analysis and ranking against worked examples, brute force and recorded answers of the real Lucene. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import { englishPlacedTerms, englishTerms } from '../../src/env/webshop/search/analyse.ts';
import { openIndex } from '../../src/env/webshop/search/bm25.ts';
import { stemWord } from '../../src/env/webshop/search/porter.ts';
import { inverseNorms, lengthByte, lengthOf, termWeight } from '../../src/env/webshop/search/similarity.ts';
import { visitTokens } from '../../src/env/webshop/search/word-break.ts';
import { digestHits } from './webshop-digest.ts';
import { hasWebshopData, listQueries, readDocuments, readRecordedSearches, readShared } from './webshop-queries.ts';

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  visitTokens(text, (start, end) => tokens.push(text.slice(start, end)));
  return tokens;
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

describe('visitTokens()', () => {
  it.each([
    ["women's t-shirt, size 5x-large", ["women's", 't', 'shirt', 'size', '5x', 'large']],
    ['1.5 3,000 7.8cm description:solid a_b _', ['1.5', '3,000', '7.8cm', 'description:solid', 'a_b']],
    ['日本カタカナひら 한국어 ไทย', ['日', '本', 'カタカナ', 'ひ', 'ら', '한국어', 'ไทย']],
    ['👍🏻 👨‍👩‍👧 🇩🇪🇫🇷 1️⃣ ©', ['👍🏻', '👨‍👩‍👧', '🇩🇪', '🇫🇷', '1️⃣', '©']],
    ['wood/metal — 5" x 7" (red)', ['wood', 'metal', '5', 'x', '7', 'red']],
    ['', []],
  ])('finds the words of %j', (text, expected) => {
    expect(tokensOf(text)).toEqual(expected);
  });

  it('cuts words of more than 255 units and never half a character', () => {
    expect(tokensOf('x'.repeat(600)).map((token) => token.length)).toEqual([255, 255, 90]);
    const letter = '\u{10400}'; // a letter of two units
    expect(tokensOf(letter.repeat(200)).map((token) => token.length)).toEqual([254, 146]);
  });

  it('takes linear time on texts made to be looked at again and again', () => {
    for (const unit of ['_', '\u200d', '#\ufe0f', '\u0301', '1.', "a'", 'א"']) {
      const start = performance.now();
      tokensOf(unit.repeat(100_000));
      expect(performance.now() - start).toBeLessThan(5000);
    }
  });

  it('gives tokens in order, inside the text, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        let before = 0;
        visitTokens(text, (start, end) => {
          if (start < before || end <= start) throw new Error(`token ${start} to ${end} follows ${before}`);
          before = end;
        });
        expect(before).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});

describe('englishTerms()', () => {
  it('drops possessives and stop words, lowers and stems', () => {
    expect(englishTerms("The Women's running shoes ARE not for the happiest relational ponies")).toEqual([
      'women',
      'run',
      'shoe',
      'happiest',
      'relat',
      'poni',
    ]);
  });

  it('counts stop words in positions', () => {
    expect(englishPlacedTerms('a red and blue')).toEqual([
      { term: 'red', position: 1 },
      { term: 'blue', position: 3 },
    ]);
  });

  it('lowers letter by letter, as Java does', () => {
    expect(englishTerms('İSTANBUL ΣΑΣ')).toEqual(['istanbul', 'σασ']);
  });
});

describe('stemWord()', () => {
  // From the definition of the algorithm (Porter 1980), one or more per step.
  it.each(
    words(
      'caresses:caress ponies:poni ties:ti caress:caress cats:cat feed:feed agreed:agre plastered:plaster bled:bled motoring:motor sing:sing ' +
        'conflated:conflat troubled:troubl sized:size hopping:hop tanned:tan falling:fall hissing:hiss fizzed:fizz failing:fail filing:file ' +
        'happy:happi sky:sky conditional:condit rational:ration digitizer:digit operator:oper decisiveness:decis sensibiliti:sensibl ' +
        'triplicate:triplic formative:form formalize:formal electrical:electr hopeful:hope goodness:good revival:reviv allowance:allow ' +
        'adjustable:adjust adoption:adopt homologou:homolog probate:probat rate:rate cease:ceas controll:control roll:roll is:is',
    ).map((pair) => pair.split(':')),
  )('takes %s to %s', (word, stem) => {
    expect(stemWord(word!)).toBe(stem);
  });
});

describe('similarity', () => {
  it('keeps lengths below 40 exactly and rounds longer ones down', () => {
    for (let length = 0; length < 40; length++) expect(lengthOf(lengthByte(length))).toBe(length);
    // 158 - 24 = 134 = 0b10000110: four leading bits 1000, three dropped bits and one more -> 128; 128 + 24 = 152.
    expect(lengthOf(lengthByte(158))).toBe(152);
    expect(lengthByte(2 ** 31 - 1)).toBe(255);
  });

  it('computes the weight of a term', () => {
    // ln(1 + (10 - 2 + 0.5) / (2 + 0.5)) = ln 4.4 = 1.4816045; twice in the query: 2.963209
    expect(termWeight(2, 2, 10)).toBeCloseTo(2.963209, 6);
  });
});

describe('openIndex()', () => {
  it('scores three documents as worked out by hand', () => {
    const documents = ['red dress', 'red red shoe', 'blue hat with red band'].map((text, i) => ({ id: `d${i}`, text }));
    const { ids, scores } = openIndex(documents, { analyse: words }).search('red', 10);
    // idf = ln(1 + 0.5/3.5) = 0.1335314; avgdl = 10/3; norm(dl) = 0.9 (0.6 + 0.4 dl / avgdl): 0.756, 0.864, 1.08
    // d0: 1/(1 + 0.756) = 0.569476; d1: 2/(2 + 0.864) = 0.698324; d2: 1/(1 + 1.08) = 0.480769; each times idf
    expect(ids).toEqual([1, 0, 2]);
    [0.0932482, 0.0760429, 0.0641978].forEach((score, i) => {
      expect(scores[i]).toBeCloseTo(score, 6);
    });
  });

  it('breaks ties by name and returns nothing for unknown words', () => {
    const documents = ['c', 'a', 'b'].map((id) => ({ id, text: 'same text' }));
    const index = openIndex(documents, { analyse: words });
    expect(index.search('text', 2).ids).toEqual([1, 2]);
    expect(index.search('other', 2)).toEqual({ ids: [], scores: [] });
    expect(index.search('', 2).ids).toEqual([]);
    expect(openIndex([], { analyse: words }).search('text', 2).ids).toEqual([]);
  });

  it('finds exactly what scoring everything finds, on lists long enough for short cuts', () => {
    const rng = createRng('short cuts');
    const word = (): string => `w${Math.floor(2000 ** rng.uniform())}`;
    const texts = Array.from({ length: 8000 }, () => Array.from({ length: 3 + rng.int(60) }, word));
    const documents = texts.map((text, i) => ({ id: String(i).padStart(5, '0'), text: text.join(' ') }));
    const index = openIndex(documents, { analyse: words });
    const expected = scoreAll(texts);
    for (let i = 0; i < 50; i++) {
      const query = Array.from({ length: 1 + rng.int(14) }, word);
      const limit = rng.pick([1, 10, 50]);
      expect(index.search(query.join(' '), limit).ids).toEqual(expected(query, limit));
    }
  });
});

/** Ranks by scoring every document, without any index. */
function scoreAll(texts: readonly (readonly string[])[]): (query: readonly string[], limit: number) => number[] {
  const inverse = inverseNorms(texts.reduce((sum, text) => sum + text.length, 0) / texts.length);
  const counts = texts.map((text) => {
    const count = new Map<string, number>();
    for (const word of text) count.set(word, (count.get(word) ?? 0) + 1);
    return count;
  });
  const { fround } = Math;
  return (query, limit) => {
    const weights = [...new Set(query)].map((term) => {
      const frequency = counts.filter((count) => count.has(term)).length;
      return { term, weight: termWeight(query.filter((word) => word === term).length, frequency, texts.length) };
    });
    const hits = counts.map((count, id) => {
      let score = 0;
      for (const { term, weight } of weights) {
        const ratio = fround((count.get(term) ?? 0) * inverse[lengthByte(texts[id]!.length)]!);
        score += fround(weight - fround(weight / fround(1 + ratio)));
      }
      return { id, score: fround(score) };
    });
    const known = hits.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score || a.id - b.id);
    return known.slice(0, limit).map(({ id }) => id);
  };
}

describe.skipIf(!hasWebshopData)('on the recorded 1,000 products (needs shared data)', () => {
  const documents = hasWebshopData ? readDocuments() : [];
  const texts = documents.map(({ id, contents }) => ({ id, text: contents }));

  it('analyses every document to the terms, positions and length of the real index', () => {
    const vectors = readShared('lucene_1k/termvectors.jsonl.gz').trimEnd().split('\n');
    expect(vectors).toHaveLength(1000);
    vectors.forEach((line, i) => {
      const found: Record<string, number[]> = Object.create(null);
      const terms = englishPlacedTerms(documents[i]!.contents);
      for (const { term, position } of terms) found[term] = [...(found[term] ?? []), position];
      expect({ id: documents[i]!.id, length: terms.length, terms: { ...found } }).toEqual(JSON.parse(line));
    });
  });

  it('answers every query as the real Lucene did: the same 50, order and scores', () => {
    const digests: readonly string[] = JSON.parse(
      readFileSync(new URL('fixtures/webshop-lucene.json', import.meta.url), 'utf8'),
    );
    const index = openIndex(texts, { analyse: englishTerms });
    const queries = listQueries(documents);
    const found = queries.map((query) => {
      const { ids, scores } = index.search(query, 50);
      return digestHits(ids.map((number, i) => ({ id: documents[number]!.id, score: scores[i]! })));
    });
    expect(queries.length).toBeGreaterThan(700);
    expect(found).toEqual(digests);
  });

  it('finds the first page of each of the four recorded episodes', () => {
    const index = openIndex(texts, { analyse: englishTerms });
    const searches = readRecordedSearches();
    expect(searches.map(({ asins }) => asins.length)).toEqual([10, 10, 10, 10]);
    for (const { query, asins } of searches) {
      expect(
        index
          .search(query, 50)
          .ids.slice(0, 10)
          .map((number) => documents[number]!.id),
      ).toEqual(asins);
    }
  });
});
