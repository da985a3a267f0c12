/**
 * Words of a text as Lucene's StandardTokenizer finds them: the word-break rules of Unicode Annex 29 (Unicode 12.1), South-East Asian runs kept
 * together, Han and Hiragana one character each, emoji sequences whole, and nothing longer than 255 UTF-16 units.
 * The rules are compiled once into a table of states, so that any text takes time linear in its length.
 * Source: apache/lucene@releases/lucene/9.5.0 lucene/core/src/java/org/apache/lucene/analysis/standard/StandardTokenizerImpl.jflex.
 */
import { wordBreakRuns } from './word-break-table.ts';

/** Bits of word-break-table.ts, in order. */
const property = {
  letter: 1,
  hebrew: 2,
  numeric: 4,
  katakana: 8,
  extendNumLet: 16,
  midLetter: 32,
  midNum: 64,
  midNumLet: 128,
  singleQuote: 256,
  doubleQuote: 512,
  extend: 1024,
  joiner: 2048,
  ideograph: 4096,
  southEastAsian: 8192,
  regional: 16384,
  emoji: 32768,
  modifierBase: 65536,
  modifier: 131072,
  keyCapBase: 262144,
  keyCap: 524288,
  emojiStyle: 1048576,
  textStyle: 2097152,
  tag: 4194304,
  tagEnd: 8388608,
} as const;

/** A regular expression over sets of characters. */
type Pattern =
  | { readonly kind: 'one'; readonly test: (properties: number) => boolean }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly part: Pattern };

const one = (bits: number): Pattern => ({ kind: 'one', test: (properties) => (properties & bits) !== 0 });
const sequence = (...parts: Pattern[]): Pattern => ({ kind: 'sequence', parts });
const choice = (...parts: Pattern[]): Pattern => ({ kind: 'choice', parts });
const any = (part: Pattern): Pattern => ({ kind: 'repeat', part });
const some = (part: Pattern): Pattern => sequence(part, any(part));
const maybe = (part: Pattern): Pattern => choice(part, sequence());

/** What is a token: the union of the grammar's rules, as their types do not matter here. */
function tokenPattern(): Pattern {
  const p = property;
  const extended = (bits: number): Pattern => sequence(one(bits), any(one(p.extend)));
  const styles = p.emojiStyle | p.textStyle;
  const plainExtend: Pattern = { kind: 'one', test: (bits) => (bits & p.extend) !== 0 && (bits & styles) === 0 };
  const plain = (bits: number): Pattern => sequence(one(bits), any(plainExtend));

  const anEmoji = choice(
    sequence(any(one(p.joiner)), plain(p.emoji), maybe(one(p.emojiStyle))),
    sequence(maybe(sequence(any(one(p.joiner)), plain(p.modifierBase))), plain(p.modifier)),
  );
  const emoji = choice(
    sequence(anEmoji, choice(any(sequence(one(p.joiner), anEmoji)), sequence(some(one(p.tag)), one(p.tagEnd)))),
    sequence(plain(p.keyCapBase), maybe(one(p.emojiStyle)), plain(p.keyCap)),
    sequence(extended(p.regional), extended(p.regional)),
  );

  const joints = any(extended(p.extendNumLet));
  const numbers = extended(p.numeric);
  const letters = extended(p.letter | p.hebrew);
  const katakana = extended(p.katakana);
  const chain = (item: Pattern, link: number): Pattern =>
    sequence(item, any(sequence(link === 0 ? joints : choice(joints, extended(link)), item)));
  const hebrew = extended(p.hebrew);
  const piece = choice(
    chain(katakana, 0),
    some(
      choice(
        sequence(hebrew, choice(extended(p.singleQuote), sequence(extended(p.doubleQuote), hebrew))),
        chain(numbers, p.midNum | p.midNumLet | p.singleQuote),
        chain(letters, p.midLetter | p.midNumLet | p.singleQuote),
      ),
    ),
  );
  const word = sequence(joints, piece, any(sequence(some(extended(p.extendNumLet)), piece)), joints);
  return choice(emoji, word, some(extended(p.southEastAsian)), extended(p.ideograph));
}

/** A non-deterministic machine: state 0 is the start; `skips` are free moves. */
interface Machine {
  readonly skips: number[][];
  readonly moves: { readonly test: (properties: number) => boolean; readonly to: number }[][];
  readonly end: number;
}

function compilePattern(pattern: Pattern): Machine {
  const skips: number[][] = [];
  const moves: Machine['moves'] = [];
  const state = (): number => {
    moves.push([]);
    return skips.push([]) - 1;
  };
  const add = (part: Pattern, from: number): number => {
    switch (part.kind) {
      case 'one': {
        const to = state();
        moves[from]!.push({ test: part.test, to });
        return to;
      }
      case 'sequence':
        return part.parts.reduce((at, next) => add(next, at), from);
      case 'choice': {
        const to = state();
        for (const option of part.parts) skips[add(option, from)]!.push(to);
        return to;
      }
      case 'repeat': {
        const loop = state();
        skips[from]!.push(loop);
        skips[add(part.part, loop)]!.push(loop);
        return loop;
      }
      default:
        return part satisfies never;
    }
  };
  const start = state();
  return { skips, moves, end: add(pattern, start) };
}

/** The deterministic table. `next[state * classes + class]` is the next state, 0 where there is none; the start is 1. */
interface Table {
  readonly classOf: (point: number) => number;
  /** Class of every character below U+10000. */
  readonly plane: Uint8Array;
  readonly classes: number;
  readonly next: Uint16Array;
  readonly accepts: Uint8Array;
}

function buildTable(): Table {
  const classes = [0, ...wordBreakRuns.map(([bits]) => bits)];
  const { plane, classOf } = classify();
  const machine = compilePattern(tokenPattern());
  const close = (states: Iterable<number>): number[] => {
    const seen = new Set(states);
    for (const state of seen) for (const to of machine.skips[state]!) seen.add(to);
    return [...seen].filter((state) => machine.moves[state]!.length > 0 || state === machine.end).sort((a, b) => a - b);
  };
  const sets: number[][] = [[], close([0])];
  const known = new Map(sets.map((set, i) => [set.join(), i]));
  const next: number[] = [];
  for (let i = 0; i < sets.length; i++) {
    for (const bits of classes) {
      const reached = sets[i]!.flatMap((state) =>
        machine.moves[state]!.flatMap(({ test, to }) => (test(bits) ? [to] : [])),
      );
      const set = close(reached);
      const number = known.get(set.join()) ?? sets.push(set) - 1;
      known.set(set.join(), number);
      next.push(number);
    }
  }
  const accepts = Uint8Array.from(sets, (set) => (set.includes(machine.end) ? 1 : 0));
  return { classOf, plane, classes: classes.length, next: Uint16Array.from(next), accepts };
}

function classify(): Pick<Table, 'plane' | 'classOf'> {
  const plane = new Uint8Array(0x10000);
  const above: { readonly first: number; readonly last: number; readonly group: number }[] = [];
  wordBreakRuns.forEach(([, runs], i) => {
    let end = 0;
    for (const run of runs.split(' ')) {
      const [gap, length = '1'] = run.split('+');
      const first = end + Number.parseInt(gap!, 36);
      end = first + Number.parseInt(length, 36);
      if (first < 0x10000) plane.fill(i + 1, first, end);
      else above.push({ first, last: end - 1, group: i + 1 });
    }
  });
  above.sort((a, b) => a.first - b.first);
  const classOf = (point: number): number => {
    if (point < 0x10000) return plane[point]!;
    let low = 0;
    let high = above.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (above[middle]!.last < point) low = middle + 1;
      else high = middle;
    }
    const run = above[low];
    return run !== undefined && run.first <= point ? run.group : 0;
  };
  return { plane, classOf };
}

let built: Table | undefined;

/** Longest token in UTF-16 units; what follows is taken as the next token. */
const longest = 255;

/**
 * Calls `visit` with the place of every token, in order.
 * @param visit `start` inclusive and `end` exclusive, in UTF-16 units.
 */
export function visitTokens(text: string, visit: (start: number, end: number) => void): void {
  built ??= buildTable();
  const { plane, classOf, classes, next, accepts } = built;
  const length = text.length;
  let start = 0;
  while (start < length) {
    const limit = Math.min(length, start + longest);
    let state = 1;
    let end = start;
    let skip = 1;
    for (let at = start; at < limit; ) {
      let unit = text.charCodeAt(at);
      let width = 1;
      let group: number;
      if ((unit & 0xfc00) === 0xd800 && at + 1 < length && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
        if (at + 1 >= limit) break; // half a character does not fit
        unit = text.codePointAt(at)!;
        width = 2;
        if (at === start) skip = 2;
        group = classOf(unit);
      } else group = plane[unit]!;
      state = next[state * classes + group]!;
      if (state === 0) break;
      at += width;
      if (accepts[state] === 1) end = at;
    }
    if (end > start) visit(start, end);
    start = end > start ? end : start + skip;
  }
}
