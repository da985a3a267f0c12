/**
 * Trains tokenizers and writes them as Hugging Face `tokenizer.json`, so that Python reads what was trained here.
 * Phrases and whole words are vocabulary entries of a BPE model with `ignore_merges`: a pre-token that is in the vocabulary is one
 * token, any other is spelled in bytes (`word`) or sub-words (`bpe`). Every text therefore comes back exactly.
 * Phrases are found by the pre-tokenizer's pattern and not as added tokens, because added tokens ignore word boundaries.
 */
import { byteAlphabet, toByteLevel } from './byte-level.ts';
import { type CountedSequence, learnMerges, type Merge } from './pair-merge.ts';
import { learnPhrases, type SplitText } from './phrases.ts';
import { preTokenizer, preTokenPattern } from './pre-token.ts';

/** What to train. */
export interface TrainTokenizerOptions {
  /** `word`: whole words, spelled in bytes when unknown. `bpe`: byte-level byte-pair encoding. */
  readonly kind: 'word' | 'bpe';
  /** Most tokens in the vocabulary: specials, 256 bytes, phrases, words or sub-words. At least 256 + specials. */
  readonly vocabSize: number;
  /** Most multi-word pieces to learn; 0 for none. */
  readonly phrases: number;
  /** Special tokens; they get the ids 0, 1, … in this order. */
  readonly specials: readonly string[];
}

/** An added token as `tokenizer.json` writes it. */
export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** The content of a Hugging Face `tokenizer.json`, as far as this room reads it. */
export interface TokenizerJson {
  readonly version: string;
  readonly added_tokens: readonly AddedTokenJson[];
  readonly normalizer: unknown;
  readonly pre_tokenizer: unknown;
  readonly post_processor: unknown;
  readonly decoder: unknown;
  readonly model: {
    readonly type: string;
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (Merge | string)[];
    readonly ignore_merges?: boolean;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/**
 * Trains a tokenizer. The same texts in any order give the same tokenizer.
 * @param corpus Texts as they will be encoded, e.g. the messages of conversations.
 * @throws {RangeError} If `vocabSize` has no room for the bytes and the specials, or a special is empty or given twice.
 */
export function trainTokenizer(corpus: Iterable<string>, options: TrainTokenizerOptions): TokenizerJson {
  const { kind, specials } = options;
  const room = options.vocabSize - 256 - specials.length;
  if (!Number.isInteger(room) || room < 0) {
    const least = 256 + specials.length;
    throw new RangeError(
      `Cannot train a tokenizer: vocabSize is ${options.vocabSize}, expected an integer >= ${least}`,
    );
  }
  if (new Set(specials).size < specials.length || specials.includes('')) {
    throw new RangeError('Cannot train a tokenizer: a special token is empty or repeated, expected distinct texts');
  }
  const texts = countTexts(corpus);
  const phrases = learnPhrases(texts, Math.min(options.phrases, room));
  const words = countWords(texts); // also those that phrases swallow: they occur alone in texts yet unseen
  const pieces = phrases.map(toByteLevel);
  const left = room - pieces.length;
  const merges = kind === 'bpe' ? learnSubwords(words, left) : [];
  pieces.push(...(kind === 'bpe' ? merges.map(([a, b]) => a + b) : commonWords(words, left)));
  return toJson(specials, pieces, merges, preTokenPattern(phrases));
}

/** Splits each distinct text and counts how often it occurs; sorted, so that the order of the corpus does not matter. */
function countTexts(corpus: Iterable<string>): SplitText[] {
  const counts = new Map<string, number>();
  for (const text of corpus) counts.set(text, (counts.get(text) ?? 0) + 1);
  const split = preTokenizer();
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([text, count]) => ({ words: split(text), count }));
}

function countWords(texts: readonly SplitText[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { words, count } of texts) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + count);
  return counts;
}

/** Picks the most frequent words that one byte does not already spell; ties in code-unit order. */
function commonWords(words: ReadonlyMap<string, number>, limit: number): string[] {
  const spelled = [...words].map(([word, count]) => [toByteLevel(word), count] as const);
  const long = spelled.filter(([word]) => word.length > 1);
  long.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return long.slice(0, limit).map(([word]) => word);
}

function learnSubwords(words: ReadonlyMap<string, number>, limit: number): Merge[] {
  const sequences: CountedSequence[] = [...words].map(([word, count]) => ({ symbols: [...toByteLevel(word)], count }));
  return learnMerges(sequences, limit);
}

function toJson(specials: readonly string[], pieces: readonly string[], merges: readonly Merge[], pattern: string) {
  const vocab: Record<string, number> = Object.create(null); // no prototype: `constructor` is a word like any other
  [...new Set([...specials, ...byteAlphabet, ...pieces])].forEach((token, id) => {
    vocab[token] = id;
  });
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: { ...vocab },
      merges,
    },
  } satisfies TokenizerJson;
}
