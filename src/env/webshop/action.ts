/** What an agent can write: `search[words]` and `click[button]`. */

/** An action as the shop reads it. */
export interface ShopAction {
  readonly name: string;
  /** What stands in the brackets, in lower case. */
  readonly argument: string;
}

/** Letters of a search that count; longer ones are cut, which the original does not do. */
const maxArgumentLength = 1_000;

/**
 * Reads an action: within the first line, the name is all before the last `[` that is followed by at least one letter and a `]`; what
 * follows the last `]` is ignored. Equal to Python's `re.match(r'(.+)\[(.+)\]', action)`, without trying.
 * @returns undefined if it has no such form.
 */
export function parseAction(action: string): ShopAction | undefined {
  const line = action.split('\n', 1)[0]!;
  const close = line.lastIndexOf(']');
  if (close < 3) return undefined;
  const open = line.lastIndexOf('[', close - 2);
  if (open < 1) return undefined;
  return {
    name: line.slice(0, open),
    argument: line
      .slice(open + 1, close)
      .toLowerCase()
      .slice(0, maxArgumentLength),
  };
}

/** True if `click[value]` reads back as a click on exactly this; values with brackets or line ends may not. */
export function isClickable(value: string): boolean {
  const read = parseAction(`click[${value}]`);
  return read?.name === 'click' && read.argument === value && value !== 'search';
}

const filler = new Set(
  `a all also am an and any anything are as at be been but buy by can color could do find for from get give going good got has have
hello help hi i id if im in into is it its just kind like located look looking lower made make me must my need needs of off on one or
our out pair please preferably price prefer product purchase searching shop should show size so some something sort suitable than that
the their them there these they thing this those to type use used using want wanted wants we which who will with would you your`.split(
    /\s+/,
  ),
);

/** Makes a search of an instruction: its words without the price limit and without words that name no product. Never empty. */
export function suggestedQuery(instruction: string): string {
  const wish = instruction.toLowerCase().replace(/,? and price lower than [\d.]+ dollars\s*$/, '');
  const words = wish.match(/[\p{L}\p{N}]+(?:['’.\-/&][\p{L}\p{N}]+)*/gu) ?? [];
  const telling = words.filter((word) => !filler.has(word.replace(/['’]/g, '')));
  const chosen = telling.length > 0 ? telling : words;
  return chosen.join(' ').slice(0, maxArgumentLength) || 'product';
}
