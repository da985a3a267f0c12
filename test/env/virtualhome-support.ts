/** Where the real households are, if they are, and how recorded observations are compared. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Folder of real households. */
export const vhRoot =
  process.env.VIRTUALHOME_DATA ?? fileURLToPath(new URL('../../../shared/data/virtualhome', import.meta.url));

/** True if the real households are there. */
export const hasHouseholds = existsSync(
  `${vhRoot}/programs_processed_precond_nograb_morepreconds/init_and_final_graphs`,
);

/** What an observation says, without its order: items (states inside one sorted) and what is held, both sorted. */
export function observationSets(text: string): { readonly items: readonly string[]; readonly hold: readonly string[] } {
  const [, seen = '', hands] = /^(.*?)(?:You have (.*)\. ?)?$/s.exec(text) ?? [];
  const split = (list: string): string[] =>
    [...new Set(list.replace(/\.\s*$/, '').split(', '))].filter((item) => item !== '');
  const items = split(seen.trim()).map((item) => {
    const [name, states] = item.split(' is ');
    return states === undefined ? item : `${name} is ${states.split(' and ').sort().join(' and ')}`;
  });
  return { items: [...new Set(items)].sort(), hold: split(hands ?? '').sort() };
}
