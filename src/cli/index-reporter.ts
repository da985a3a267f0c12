/** Says how far the index of a large catalogue is: it is made once, takes minutes, and must not look like a standstill. */
import type { OpenOptions } from '../stage/world.ts';

/** Time between two lines, milliseconds. */
const QUIET_MS = 2000;

/** Makes a listener that writes a line to stderr now and then; silent for an index that is there already. */
export function indexReporter(
  write: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
  now: () => number = () => performance.now(),
): NonNullable<OpenOptions['onIndex']> {
  let said = Number.NEGATIVE_INFINITY;
  return ({ phase, done, total }) => {
    if (now() - said < QUIET_MS) return;
    said = now();
    const far = total === 0 ? `${done.toLocaleString('en')} terms` : `${Math.floor((100 * done) / total)} %`;
    write(`Indexing the catalogue, once: ${phase} ${far}`);
  };
}
