/** CPython's order of small integer sets, which decides what an object lay on and which container hides it. */
import { expect, it } from 'vitest';
import { setOrder } from '../../src/env/virtualhome/set-order.ts';

it('setOrder() lists integers as CPython 3.11 lists a set filled with them', () => {
  // python3 -c "s = set(); [s.add(x) for x in FILLED]; print(list(s))"
  const cases: readonly (readonly [filled: readonly number[], listed: readonly number[]])[] = [
    [
      [8, 0, 16, 3],
      [8, 0, 3, 16],
    ],
    [
      [1001, 65, 1000, 42, 319],
      [65, 1000, 1001, 42, 319],
    ],
    [
      [24, 8, 16, 0, 32, 40],
      [32, 0, 8, 40, 16, 24],
    ],
    [
      [100, 93, 86, 79, 72, 65, 58, 51, 44],
      [65, 100, 72, 44, 79, 51, 86, 58, 93],
    ],
    [
      [5, 5, 13, 21, 5, 29],
      [29, 13, 21, 5],
    ],
  ];
  for (const [filled, listed] of cases) expect(setOrder(filled)).toEqual(listed);
});
