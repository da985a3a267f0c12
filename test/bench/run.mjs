/** `npm run bench -- <name>`: builds dist if it is stale and runs one benchmark; without a name, lists them. */
import { readdirSync } from 'node:fs';
import { ensureBuilt } from '../../src/cli/build.mjs';

const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.mjs') && file !== 'run.mjs')
  .map((file) => file.slice(0, -4));
const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`Cannot run benchmark "${name ?? ''}": it is unknown, expected one of ${names.join(', ')}`);
  process.exit(2);
}
await ensureBuilt();
const { run } = await import(`./${name}.mjs`);
await run(rest);
