/** What every world says to a split it does not have. */
import { badInput, type SpaError } from '../base/error.ts';
import { nearest } from '../base/suggest.ts';

/**
 * Makes the error for an unknown split.
 * @param world Name of the world for readers, e.g. `ALFWorld`.
 * @param hint What to do where no known name is near; default: nothing is said.
 */
export function unknownSplit(
  split: string,
  { world, splits, hint }: { readonly world: string; readonly splits: readonly string[]; readonly hint?: string },
): SpaError {
  const guess = nearest(split, splits);
  const advice = guess === undefined ? hint : `Did you mean "${guess}"?`;
  const known = splits.map((name) => `"${name}"`).join(', ');
  return badInput(
    'environment',
    `Cannot list tasks of split "${split}": ${world} has no such split here, expected one of ${known}`,
    advice === undefined ? {} : { hint: advice },
  );
}
