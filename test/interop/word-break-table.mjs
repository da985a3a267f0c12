/**
 * Writes src/env/webshop/search/word-break-table.ts from Unicode's own data files, as published on npm:
 *   npm install --prefix <folder> @unicode/unicode-12.1.0 && node test/interop/word-break-table.mjs <folder>
 * The version is that of Lucene 9.5's StandardTokenizer.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = process.argv[2];
if (folder === undefined)
  throw new TypeError('Cannot write the table: no folder is named, expected one holding node_modules/@unicode');

const load = async (property) => {
  const file = join(resolve(folder), 'node_modules/@unicode', 'unicode-12.1.0', property, 'code-points.mjs');
  return new Set((await import(pathToFileURL(file).href)).default);
};
const union = (...sets) => new Set(sets.flatMap((set) => [...set]));
const both = (a, b) => new Set([...a].filter((point) => b.has(point)));
const less = (a, b) => new Set([...a].filter((point) => !b.has(point)));
const span = (first, last) => new Set(Array.from({ length: last - first + 1 }, (_, i) => first + i));

const wb = (name) => load(`Word_Break/${name}`);
const emoji = await load('Binary_Property/Emoji');
const modifier = await load('Binary_Property/Emoji_Modifier');
const regional = await wb('Regional_Indicator');
const keyCapBase = new Set([...'0123456789#*'].map((c) => c.codePointAt(0)));
const accidental = new Set([...'©®™〰〽'].map((c) => c.codePointAt(0)));
const wide = both(await load('Block/Halfwidth_And_Fullwidth_Forms'), await load('General_Category/Decimal_Number'));

/** In the order of `property` in word-break.ts. */
const properties = [
  await wb('ALetter'),
  await wb('Hebrew_Letter'),
  union(await wb('Numeric'), wide),
  await wb('Katakana'),
  await wb('ExtendNumLet'),
  await wb('MidLetter'),
  await wb('MidNum'),
  await wb('MidNumLet'),
  await wb('Single_Quote'),
  await wb('Double_Quote'),
  union(await wb('Extend'), await wb('Format'), await wb('ZWJ')),
  await wb('ZWJ'),
  union(await load('Script/Han'), await load('Script/Hiragana')),
  await load('Line_Break/Complex_Context'),
  regional,
  union(
    await load('Binary_Property/Extended_Pictographic'),
    less(emoji, union(regional, keyCapBase, accidental, modifier)),
  ),
  await load('Binary_Property/Emoji_Modifier_Base'),
  modifier,
  keyCapBase,
  new Set([0x20e3]),
  new Set([0xfe0f]),
  new Set([0xfe0e]),
  span(0xe0020, 0xe007e),
  new Set([0xe007f]),
];

const masks = new Int32Array(0x110000);
properties.forEach((set, bit) => {
  for (const point of set) masks[point] |= 1 << bit;
});
const runs = new Map();
for (let first = 0; first < masks.length; ) {
  let next = first + 1;
  while (next < masks.length && masks[next] === masks[first]) next += 1;
  if (masks[first] !== 0) runs.set(masks[first], [...(runs.get(masks[first]) ?? []), [first, next - first]]);
  first = next;
}
const lines = [...runs]
  .sort(([a], [b]) => a - b)
  .map(([mask, list]) => {
    let end = 0;
    const text = list.map(([first, length]) => {
      const gap = first - end;
      end = first + length;
      return gap.toString(36) + (length > 1 ? `+${length.toString(36)}` : '');
    });
    return `  [0x${mask.toString(16)}, '${text.join(' ')}'],`;
  });
writeFileSync(
  fileURLToPath(new URL('../../src/env/webshop/search/word-break-table.ts', import.meta.url)),
  `/**
 * Properties of characters that decide where words end: Unicode 12.1. Written by test/interop/word-break-table.mjs.
 * Source: Unicode Character Database, © Unicode, Inc. (Unicode License V3).
 */

/** Sets of properties (bits, see word-break.ts) with the characters that have just these: runs of \`gap+length\` in base 36, a length of 1 left out. */
export const wordBreakRuns: readonly (readonly [properties: number, runs: string])[] = [
${lines.join('\n')}
];
`,
);
