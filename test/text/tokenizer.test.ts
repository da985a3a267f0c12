import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteAlphabet, toByteLevel } from '../../src/text/byte-level.ts';
import { loadTokenizer } from '../../src/text/load-tokenizer.ts';
import { learnMerges } from '../../src/text/pair-merge.ts';
import { learnPhrases } from '../../src/text/phrases.ts';
import { preTokenizer } from '../../src/text/pre-token.ts';
import { type TokenizerJson, trainTokenizer } from '../../src/text/train-tokenizer.ts';

fc.configureGlobal({ seed: 2505 });

const specials = ['<|bos|>', '<|obs|>', '<|act|>'];
const corpus = [
  'You are in a room. Around you, you see a desk 1, a drawer 2, a drawer 1, and a shelf 1.\n\nYour task is to: look.',
  'go to desk 1',
  'On the desk 1, you see a pen 2, and a mug 1.',
  'go to drawer 2',
  'On the drawer 2, you see nothing.',
  'go to shelf 1',
  'On the shelf 1, you see a mug 3.',
];
const train = (kind: 'word' | 'bpe', phrases: number): TokenizerJson =>
  trainTokenizer(corpus, { kind, vocabSize: 400, phrases, specials });
const tokensOf = (json: TokenizerJson, text: string): string[] => {
  const byId = new Map(Object.entries(json.model.vocab).map(([token, id]) => [id, token]));
  return loadTokenizer(json)
    .encode(text)
    .map((id) => byId.get(id)!);
};

describe('the byte-level alphabet', () => {
  it('has 256 different printable characters and writes a space as Ġ', () => {
    expect(new Set(byteAlphabet).size).toBe(256);
    expect(toByteLevel(' gö\n')).toBe('ĠgÃ¶Ċ');
  });
});

describe('preTokenizer()', () => {
  it('keeps a leading space with its word, splits off numbers of three digits and keeps blank lines together', () => {
    expect(preTokenizer()('go to desk 12345.\n\nYou, see')).toEqual(
      ['go', ' to', ' desk', ' 123', '45', '.', '\n\n', 'You', ',', ' see'], // 12345 = 123 and 45
    );
  });

  it('finds phrases only at word boundaries', () => {
    const split = preTokenizer(['go to', ', you see a', ', you']);
    expect(split('go to, you see a mug')).toEqual(['go to', ', you see a', ' mug']);
    expect(split('cargo to go towards, you see an egg')).toEqual(
      ['cargo', ' to', ' go', ' towards', ', you', ' see', ' an', ' egg'], // ` go` has a space, `towards` goes on
    );
  });

  it('loses no character', () => {
    const split = preTokenizer(['go to', '. (']);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => split(text).join('') === text));
  });
});

describe('learnMerges()', () => {
  it('joins the most frequent pair first and breaks ties by order', () => {
    // aab x3, ab x2: the pair (a,b) occurs 5 times, (a,a) 3 times. After joining ab: (a,ab) 3 times
    const sequences = [
      { symbols: ['a', 'a', 'b'], count: 3 },
      { symbols: ['a', 'b'], count: 2 },
    ];
    expect(learnMerges(sequences, 5)).toEqual([
      ['a', 'b'],
      ['a', 'ab'],
    ]);
    expect(sequences.map((sequence) => sequence.symbols)).toEqual([['aab'], ['ab']]);
  });

  it('learns no pair that occurs once', () => {
    expect(learnMerges([{ symbols: ['a', 'b'], count: 1 }], 5)).toEqual([]);
  });
});

describe('learnPhrases()', () => {
  const split = preTokenizer();
  const learn = (texts: readonly string[], limit: number): string[] =>
    learnPhrases(
      texts.map((text) => ({ words: split(text), count: 1 })),
      limit,
    );

  it('keeps numbers and the names before numbers out of phrases', () => {
    const phrases = learn(corpus, 50);
    expect(phrases).toContain('go to');
    expect(phrases).toContain(', you see a');
    expect(phrases.filter((phrase) => /\d|desk|drawer|shelf|mug|pen/.test(phrase))).toEqual([]);
  });

  it('leaves out merges that later merges used up', () => {
    // 'a b c' three times: a+b, then ab+c; `a b` alone never remains
    expect(learn(['a b c', 'a b c.', 'a b c!'], 2)).toEqual(['a b c']);
  });
});

describe('trainTokenizer()', () => {
  it('gives one token to each known word and phrase, and bytes to the rest', () => {
    expect(tokensOf(train('word', 0), 'go to desk 1')).toEqual(['go', 'Ġto', 'Ġdesk', 'Ġ1']);
    expect(tokensOf(train('word', 10), 'go to desk 1')).toEqual(['goĠto', 'Ġdesk', 'Ġ1']);
    expect(tokensOf(train('word', 10), 'go é')).toEqual(['go', 'Ġ', 'Ã', '©']);
  });

  it('gives the specials the first ids and recognises them in text', () => {
    const tokenizer = loadTokenizer(train('word', 10));
    expect(specials.map((token) => tokenizer.idOf(token))).toEqual([0, 1, 2]);
    expect(tokenizer.encode('<|act|>go to<|obs|>')).toEqual([2, tokenizer.idOf('goĠto'), 1]);
    expect(tokenizer.decode(tokenizer.encode('<|act|>go to<|obs|>'))).toBe('go to');
  });

  it('does not depend on the order of the texts', () => {
    expect(trainTokenizer([...corpus].reverse(), { kind: 'bpe', vocabSize: 400, phrases: 5, specials })).toEqual(
      train('bpe', 5),
    );
  });

  it('stays within vocabSize', () => {
    const tokenizer = loadTokenizer(trainTokenizer(corpus, { kind: 'word', vocabSize: 265, phrases: 4, specials }));
    expect(tokenizer.vocabSize).toBe(265);
  });

  it('refuses a vocabulary without room for the bytes', () => {
    expect(() => trainTokenizer(corpus, { kind: 'word', vocabSize: 258, phrases: 0, specials })).toThrow(
      new RangeError('Cannot train a tokenizer: vocabSize is 258, expected an integer >= 259'),
    );
  });

  it.each([
    ['word', 0],
    ['word', 20],
    ['bpe', 0],
    ['bpe', 20],
  ] as const)('gives back every text exactly (%s, %i phrases)', (kind, phrases) => {
    const tokenizer = loadTokenizer(train(kind, phrases));
    expect(corpus.map((text) => tokenizer.decode(tokenizer.encode(text)))).toEqual(corpus);
    const pieces = fc.constantFrom(
      'go to',
      ', you see a',
      ' ',
      '\n',
      'desk',
      ' 1',
      'constructor',
      '__proto__',
      '"',
      'é',
      '👩‍🔬',
    );
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(pieces).map((list) => list.join('')),
    );
    fc.assert(fc.property(text, (value) => tokenizer.decode(tokenizer.encode(value)) === value));
  });
});

describe('loadTokenizer()', () => {
  it('returns a fresh list each time, so that a caller cannot spoil the memory', () => {
    const tokenizer = loadTokenizer(train('word', 0));
    const first = tokenizer.encode('go to');
    first.push(0);
    expect(tokenizer.encode('go to')).toHaveLength(2);
  });

  it('refuses what is not a tokenizer.json', () => {
    expect(() => loadTokenizer('{}')).toThrow(SyntaxError);
  });
});

const transcripts = new URL(
  '../../../shared/data/alfworld/transcripts/eto_expert_train_gt_traj.jsonl.gz',
  import.meta.url,
);

describe.skipIf(!existsSync(transcripts))('on recorded ALFWorld episodes (../shared/data; skipped when absent)', () => {
  it('phrases shorten the text at least 1.4 times and every message comes back', { timeout: 60_000 }, () => {
    const lines = gunzipSync(readFileSync(transcripts)).toString().trim().split('\n');
    const messages = lines
      .filter((_, index) => index % 10 === 0)
      .flatMap((line) =>
        (JSON.parse(line) as { conversations: { value: string }[] }).conversations.map((m) => m.value),
      );
    const load = (phrases: number) =>
      loadTokenizer(trainTokenizer(messages, { kind: 'word', vocabSize: 1024, phrases, specials }));
    const [plain, phrased] = [load(0), load(64)];
    const count = (tokenizer: typeof plain) => messages.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);
    expect(count(plain) / count(phrased)).toBeGreaterThan(1.4);
    expect(messages.filter((text) => phrased.decode(phrased.encode(text)) !== text)).toEqual([]);
  });
});
