/** What an agent writes and how phrases are compared: properties over random texts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAction, suggestedQuery } from '../../src/env/webshop/action.ts';
import { isAlike, lcsLength, tokenSetRatio, wordsOf } from '../../src/env/webshop/fuzzy.ts';
import { recent } from '../../src/env/webshop/recent.ts';

describe('parseAction()', () => {
  it('equals the regular expression of the original, without its cost', () => {
    const sign = fc.constantFrom('[', ']', 'a', 'B', ' ', '\n', 'click[', 'search');
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 12 }), (signs) => {
        const action = signs.join('');
        const found = /^([^\n]+)\[([^\n]+)\]/.exec(action);
        const expected = found === null ? undefined : { name: found[1], argument: found[2]!.toLowerCase() };
        expect(parseAction(action)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cuts arguments at 1,000 letters', () => {
    expect(parseAction(`search[${'a'.repeat(5_000)}]`)?.argument.length).toBe(1_000);
  });
});

describe('suggestedQuery()', () => {
  it('keeps what names the thing', () => {
    const wish =
      "I'm looking for a pair of men's size 10.5 black loafers with rubber soles, and price lower than 60.00 dollars";
    expect(suggestedQuery(wish)).toBe("men's 10.5 black loafers rubber soles");
  });

  it('is never empty and always readable as an action', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const query = suggestedQuery(text);
        expect(parseAction(`search[${query}]`)).toEqual({ name: 'search', argument: query.toLowerCase() });
      }),
    );
    expect(suggestedQuery('i want it')).toBe('i want it');
    expect(suggestedQuery('?!')).toBe('product');
  });
});

describe('fuzzy match', () => {
  it('counts common subsequences as the table of the textbook does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '🧊'), maxLength: 80 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [left, right] = [[...a], [...b]];
        const row = new Array<number>(right.length + 1).fill(0);
        for (const letter of left) {
          let diagonal = 0;
          right.forEach((other, j) => {
            const above = row[j + 1]!;
            row[j + 1] = letter === other ? diagonal + 1 : Math.max(above, row[j]!);
            diagonal = above;
          });
        }
        expect(lcsLength(a, b)).toBe(row.at(-1));
      }),
    );
  });

  it('is symmetric, and its quick form agrees with the number', () => {
    const phrase = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '-', 'é'), maxLength: 24 });
    fc.assert(
      fc.property(phrase, phrase, (a, b) => {
        expect(tokenSetRatio(a, b)).toBe(tokenSetRatio(b, a));
        expect(isAlike(wordsOf(a), wordsOf(b))).toBe(tokenSetRatio(a, b) > 85);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('recent()', () => {
  it('keeps what was used last, within its limit', () => {
    const memory = recent<number, number>(3);
    let computed = 0;
    const get = (key: number): number =>
      memory.get(key, () => {
        computed += 1;
        return key * 10;
      });
    for (const key of [1, 2, 3, 1, 4]) get(key); // 2 goes
    expect(computed).toBe(4);
    expect([get(1), get(3), get(4)]).toEqual([10, 30, 40]);
    expect(computed).toBe(4);
    get(2);
    expect(computed).toBe(5);
  });
});
