/** Reads a wish: the words that describe the product, the options asked for, the most it may cost. */

/** A wish, read. */
export interface ReadWish {
  /** Words that describe the product, without those that name options. */
  readonly words: ReadonlySet<string>;
  /** Everything said about options, as words after the option's name: `color` → `navy and size large`. */
  readonly asked: ReadonlyMap<string, readonly string[]>;
  /** US dollars; Infinity if no limit is said. */
  readonly limit: number;
}

/** Words that shoppers use around what they want. */
const fillers: ReadonlySet<string> = new Set(
  `i a an the am is are was be it its my me you your we our she he her his who for to of in on with and or that this these which
  want wants need needs looking look find get buy show like would can could please asked make made comes come prefer preferably something
  some one house sister brother`.split(/\s+/),
);

const limitPattern = /,? and price lower than (\d+(?:\.\d+)?) dollars/;

/** Reads a wish in lower case. @param optionNames Names that introduce an option's value. */
export function readWish(wish: string, optionNames: readonly string[]): ReadWish {
  const limit = limitPattern.exec(wish)?.[1];
  const words = wordsOf(wish.replace(limitPattern, ''));
  const starts = words.flatMap((word, i) => (optionNames.includes(word) ? [i] : []));
  const asked = new Map(starts.map((start) => [words[start]!, words.slice(start + 1)]));
  const described = words.slice(0, starts[0] ?? words.length).filter((word) => !fillers.has(word));
  return { words: new Set(described), asked, limit: limit === undefined ? Number.POSITIVE_INFINITY : Number(limit) };
}

/** Chooses the value that follows an option's name in the wish: the longest that does, or undefined. */
export function chosenValue(following: readonly string[], values: readonly string[]): string | undefined {
  const fitting = values.filter((value) => {
    const words = wordsOf(value);
    return words.length > 0 && words.every((word, i) => following[i] === word);
  });
  return fitting.sort((a, b) => b.length - a.length)[0];
}

/** Splits lower-case text into words and numbers. */
export function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}
