/** `spa schemas`: writes the checked-in JSON Schemas, or compares them. */
import { join } from 'node:path';
import { readTextIfPresent, writeFileAtomic } from '../base/file.ts';
import { emittedSchemas } from '../schema/schemas.ts';

/** Writes `schemas/*.json` in the working folder; with `check` compares and returns 1 if one differs. */
export async function schemasCommand(options: { readonly check?: boolean }): Promise<number> {
  const stale: string[] = [];
  for (const [name, text] of Object.entries(emittedSchemas())) {
    const file = join('schemas', name);
    if ((await readTextIfPresent(file)) === text) continue;
    stale.push(file);
    if (!options.check) await writeFileAtomic(file, text);
  }
  if (stale.length === 0) process.stdout.write('schemas are up to date\n');
  for (const file of stale) {
    if (options.check)
      process.stderr.write(`Cannot accept schema "${file}": it differs from src/schema, expected the same\n`);
    else process.stdout.write(`wrote ${file}\n`);
  }
  if (options.check && stale.length > 0) process.stderr.write('Hint: `npm run schemas` writes them\n');
  return options.check && stale.length > 0 ? 1 : 0;
}
