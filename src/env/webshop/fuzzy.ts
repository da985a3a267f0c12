/**
 * How alike two phrases are, whatever the order of their words: `token_set_ratio` of thefuzz 0.20 over rapidfuzz, number for number
 * (test/interop/fuzzy_cases.py made the cases). Letters younger than rapidfuzz's tables are letters here and blanks there.
 * LCS by bits: H. Hyyrö, "Bit-parallel LCS-length computation revisited" (2004).
 */

/** A phrase cut into its different words. */
export interface Words {
  /** In order of code points. */
  readonly sorted: readonly string[];
  readonly all: ReadonlySet<string>;
}

/** Cuts a phrase as thefuzz does: U+0080..U+00FF are dropped, other signs part words, case is ignored. */
export function wordsOf(text: string): Words {
  const plain = text
    .replace(/[\u0080-\u00ff]/g, '')
    .replace(/\u0130/g, 'i')
    .replace(/\u03a3/g, '\u03c3');
  const all = new Set(plain.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
  return { sorted: [...all].sort(/[\ud800-\udfff]/.test(plain) ? byCodePoint : undefined), all };
}

/** Computes the likeness of two phrases, an integer in [0, 100]; 100 if the words of one are among those of the other. */
export function tokenSetRatio(a: string | Words, b: string | Words): number {
  return ratio(typeof a === 'string' ? wordsOf(a) : a, typeof b === 'string' ? wordsOf(b) : b, 0);
}

/** True if two phrases count as the same in the reward: their likeness is above 85. Faster than comparing the number. */
export function isAlike(a: Words, b: Words): boolean {
  return ratio(a, b, 85) > 85;
}

/** Returns the ratio, or 0 if it certainly does not exceed `floor`. */
function ratio(a: Words, b: Words, floor: number): number {
  if (a.sorted.length === 0 || b.sorted.length === 0) return 0;
  const onlyA = a.sorted.filter((word) => !b.all.has(word));
  const shared = a.sorted.length - onlyA.length;
  if (shared > 0 && (onlyA.length === 0 || shared === b.sorted.length)) return 100;
  const onlyB = b.sorted.filter((word) => !a.all.has(word));
  const common = shared === 0 ? 0 : lengthOf(a.sorted.filter((word) => b.all.has(word)));
  const space = common > 0 ? 1 : 0;
  const restA = lengthOf(onlyA);
  const restB = lengthOf(onlyB);
  const lengthA = common + space + restA;
  const lengthB = common + space + restB;
  const total = lengthA + lengthB;
  const partial =
    common === 0 ? 0 : Math.max(percent(1 + restA, common + lengthA), percent(1 + restB, common + lengthB));
  const bound = Math.max(partial, percent(Math.abs(restA - restB), total));
  if (bound < floor) return 0;
  const distance = restA + restB - 2 * lcsLength(onlyA.join(' '), onlyB.join(' '));
  return roundHalfEven(Math.max(partial, percent(distance, total)));
}

/** Likeness of two texts `distance` insertions and deletions apart. */
function percent(distance: number, totalLength: number): number {
  return 100 - (100 * distance) / totalLength;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Length of the words joined by spaces, in code points. */
function lengthOf(words: readonly string[]): number {
  let length = Math.max(0, words.length - 1);
  for (const word of words) length += countCodePoints(word);
  return length;
}

function countCodePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--;
  return count;
}

/** Returns the length of the longest common subsequence of two texts, in code points. O(|a| |b| / 32). */
export function lcsLength(a: string, b: string): number {
  const left = [...a];
  const blocks = (left.length + 31) >>> 5;
  const masks = new Map<string, Uint32Array>();
  left.forEach((letter, i) => {
    const mask = masks.get(letter) ?? new Uint32Array(blocks);
    mask[i >>> 5]! |= 1 << (i & 31);
    masks.set(letter, mask);
  });
  const open = new Uint32Array(blocks).fill(0xffffffff); // a bit turns 0 where the common subsequence grows
  for (const letter of b) {
    const mask = masks.get(letter);
    if (mask === undefined) continue;
    let carry = 0;
    for (let k = 0; k < blocks; k++) {
      const v = open[k]!;
      const u = (v & mask[k]!) >>> 0;
      const sum = v + u + carry;
      carry = sum > 0xffffffff ? 1 : 0;
      open[k] = (sum >>> 0) | (v & ~mask[k]!);
    }
  }
  let length = 0;
  for (let i = 0; i < left.length; i++) if (((open[i >>> 5]! >>> (i & 31)) & 1) === 0) length++;
  return length;
}

function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((letter, i) => letter !== right[i]);
  if (at < 0) return left.length - right.length;
  return left[at]!.codePointAt(0)! - (right[at]?.codePointAt(0) ?? -1);
}
