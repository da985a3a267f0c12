/** Real data beside the checkout, if they are there. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder `../shared/data/<name>` beside the repository, or undefined. */
export function shared(name) {
  const path = fileURLToPath(new URL(`../../../../shared/data/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
