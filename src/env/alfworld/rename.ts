/**
 * Renames what an episode is about, the same way in everything that was said: other numbers for things and places, other names for
 * classes. A model trained on renamed episodes has to read the room instead of remembering it.
 */
import type { Rng } from '../../base/rng.ts';
import { homes } from './home.ts';

/** Places whose name decides what they can do, or that the task text names as a tool; they keep their names. */
const fixedClasses: ReadonlySet<string> = new Set([
  'fridge',
  'microwave',
  'sinkbasin',
  'bathtubbasin',
  'sink',
  'bathtub',
  'desklamp',
  'floorlamp',
  'loc',
]);

/** A named thing or place: class and number. */
const namePattern = /\b([a-z]+) (\d+)\b/g;

/** Names that may be exchanged among each other: classes of objects, and classes of receptacles. */
const objectClasses = Object.keys(homes).filter((word) => !fixedClasses.has(word));
const receptacleClasses = [...new Set(Object.values(homes).flat())].filter((word) => !fixedClasses.has(word));

/**
 * Renames consistently. Each of three changes happens with probability one half: numbers inside every class (any injection into
 * 1 … m + 2, m being the largest number seen), names of object classes, names of receptacle classes (permutations).
 * @param texts Everything said in one episode, the opening first; actions and observations in any order.
 * @returns The texts, renamed.
 */
export function renameTexts(texts: readonly string[], rng: Rng): string[] {
  const numbers = new Map<string, Set<number>>();
  for (const text of texts) {
    for (const [, word, digits] of text.matchAll(namePattern)) {
      const known = numbers.get(word!) ?? new Set<number>(); // both groups of the pattern always match
      numbers.set(word!, known.add(Number(digits)));
    }
  }
  const renumbering = rng.uniform() < 0.5 ? renumber(numbers, rng) : undefined;
  const classes = new Map([
    ...(rng.uniform() < 0.5 ? permute(objectClasses, rng) : []),
    ...(rng.uniform() < 0.5 ? permute(receptacleClasses, rng) : []),
  ]);
  const rename = (word: string): string => classes.get(word) ?? word;
  return texts.map((text) =>
    text.replace(/\b([a-z]+)\b(?: (\d+)\b)?/g, (whole, word: string, digits: string | undefined) => {
      if (digits === undefined) return rename(word);
      const number = renumbering?.get(`${word} ${digits}`) ?? digits;
      return numbers.has(word) ? `${rename(word)} ${number}` : whole;
    }),
  );
}

function renumber(numbers: ReadonlyMap<string, ReadonlySet<number>>, rng: Rng): Map<string, string> {
  const result = new Map<string, string>();
  for (const [word, used] of numbers) {
    const highest = Math.max(...used) + 2;
    const fresh = rng.shuffle(Array.from({ length: highest }, (_, index) => index + 1));
    [...used].forEach((number, index) => {
      result.set(`${word} ${number}`, String(fresh[index]!)); // highest >= used.size
    });
  }
  return result;
}

function permute(words: readonly string[], rng: Rng): [string, string][] {
  const others = rng.shuffle(words);
  return words.map((word, index) => [word, others[index]!]); // same length
}
