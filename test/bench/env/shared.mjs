/** Real data beside the checkout, if they are there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder `../shared/data/<name>` beside the repository, or undefined. */
export function shared(name) {
  const path = fileURLToPath(new URL(`../../../../shared/data/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** The checkout of an original: named by a variable, or cloned by test/bench/python/setup.sh; undefined if it is not there. */
export function sourceOf(variable, name, holds) {
  const venv = process.env.SPA_BENCH_VENV ?? fileURLToPath(new URL('../../../.venv/bench', import.meta.url));
  const cloned = join(venv, 'source', name);
  const path = process.env[variable] ?? cloned;
  return existsSync(join(path, holds)) ? path : undefined;
}
