/**
 * Renames what an episode is about, the same way in everything that was said: other numbers in asins, other brands, nouns, kinds, traits,
 * details and option values. A model trained on renamed episodes has to read wish and page instead of remembering products.
 */
import type { Rng } from '../../../base/rng.ts';
import { brands, departments, optionValues } from './lexicon.ts';

const distinct = (phrases: readonly string[]): readonly string[] => [...new Set(phrases)];

/** Phrases that may be exchanged among each other. */
const classes: readonly (readonly string[])[] = [
  brands,
  distinct(departments.flatMap(({ nouns }) => nouns)),
  distinct(departments.flatMap(({ kinds }) => kinds)),
  distinct(departments.flatMap(({ traits }) => traits)),
  distinct(departments.flatMap(({ details }) => details)),
  ...Object.values(optionValues),
];

const phrasePattern = new RegExp(
  `\\b(?:${classes
    .flat()
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .join('|')})\\b`,
  'gi',
);

/** Two groups of three digits, as generated asins have them. */
const asinPattern = /\b(b)(\d{3})(\d{3})(spa)\b/gi;

/**
 * Renames consistently. Each class of phrases is permuted, and each group of the asins' digits, with probability one half.
 * @param texts Everything said in one episode.
 * @returns The texts, renamed; capitals stay where they were, word by word.
 */
export function renameTexts(texts: readonly string[], rng: Rng): string[] {
  const fresh = new Map(classes.flatMap((phrases) => (rng.uniform() < 0.5 ? permute(phrases, rng) : [])));
  const [first, second] = [permuteCodes(rng), permuteCodes(rng)];
  return texts.map((text) =>
    text
      .replace(phrasePattern, (phrase) => likeCase(phrase, fresh.get(phrase.toLowerCase())))
      .replace(
        asinPattern,
        (_, head: string, a: string, b: string, tail: string) =>
          `${head}${first.get(a) ?? a}${second.get(b) ?? b}${tail}`,
      ),
  );
}

function permute(phrases: readonly string[], rng: Rng): [string, string][] {
  const others = rng.shuffle(phrases);
  return phrases.map((phrase, index) => [phrase, others[index]!]); // same length
}

/** Permutes the codes 000 to 099, which are all that shops of up to ten thousand products use. */
function permuteCodes(rng: Rng): ReadonlyMap<string, string> {
  if (rng.uniform() >= 0.5) return new Map();
  return new Map(
    permute(
      Array.from({ length: 100 }, (_, code) => code.toString().padStart(3, '0')),
      rng,
    ),
  );
}

function likeCase(old: string, fresh: string | undefined): string {
  if (fresh === undefined) return old;
  if (old === old.toUpperCase()) return fresh.toUpperCase();
  if (old[0] !== old[0]!.toUpperCase()) return fresh;
  return fresh.replace(/(^|\s)\p{L}/gu, (letter) => letter.toUpperCase());
}
