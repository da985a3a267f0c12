/**
 * Learns multi-word pieces such as `, you see a` and `go to`, which shorten the sequences of a small model.
 * Numbers and the names they belong to (`drawer 17`) never join a phrase: the model has to copy and recombine them.
 */
import { type CountedSequence, learnMerges } from './pair-merge.ts';

/** The pre-tokens of a distinct text and how often the text occurs. */
export interface SplitText {
  readonly words: readonly string[];
  readonly count: number;
}

/** A word whose next word is a number in at least this share of its occurrences is a name. */
const nameShare = 0.1;

/**
 * Learns at most `limit` phrases by byte-pair merging over words; intermediate merges that no longer occur once all merges are made
 * are left out, so that no row of an embedding is wasted on them.
 * @returns Phrases as literal text, the most frequent pair first.
 */
export function learnPhrases(texts: readonly SplitText[], limit: number): string[] {
  if (limit <= 0) return [];
  const names = findNames(texts);
  const sequences = stretches(texts, (word) => isBarrier(word) || names.has(word.trim()));
  const merges = learnMerges(sequences, limit);
  const alive = new Set(sequences.flatMap((sequence) => sequence.symbols));
  return merges.map(([left, right]) => left + right).filter((phrase) => alive.has(phrase));
}

function isBarrier(word: string): boolean {
  return /\p{N}/u.test(word) || /^[^\S\r\n]+$/.test(word) || word.includes('\u0000');
}

/** Finds the words that a number follows often enough. */
function findNames(texts: readonly SplitText[]): Set<string> {
  const seen = new Map<string, { all: number; numbered: number }>();
  for (const { words, count } of texts) {
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!.trim();
      if (!/\p{L}/u.test(word)) continue;
      const tally = seen.get(word) ?? { all: 0, numbered: 0 };
      tally.all += count;
      if (/^ \p{N}+$/u.test(words[i + 1] ?? '')) tally.numbered += count;
      seen.set(word, tally);
    }
  }
  return new Set(
    [...seen].filter(([, { all, numbered }]) => numbered >= nameShare * all && numbered > 0).map(([w]) => w),
  );
}

/** Cuts texts at barriers and counts the distinct stretches of at least two words between them. */
function stretches(texts: readonly SplitText[], isCut: (word: string) => boolean): CountedSequence[] {
  const counts = new Map<string, { symbols: string[]; count: number }>();
  for (const { words, count } of texts) {
    let current: string[] = [];
    for (const word of [...words, undefined]) {
      if (word !== undefined && !isCut(word)) {
        current.push(word);
        continue;
      }
      if (current.length > 1) {
        const key = current.join('\u0000');
        const known = counts.get(key);
        if (known === undefined) counts.set(key, { symbols: current, count });
        else known.count += count;
      }
      current = [];
    }
  }
  return [...counts.values()];
}
