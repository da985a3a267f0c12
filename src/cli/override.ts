/** Fields set on the command line: `--set ppo.epochs=2`. They change the manifest before it is validated, by the same schema. */
import { badInput } from '../base/error.ts';
import { isObject } from '../schema/semantic.ts';

/** One field to set. */
export interface Override {
  /** Dotted path, e.g. `ppo.epochs`. */
  readonly path: string;
  readonly value: unknown;
  /** What the user wrote, for messages, e.g. `--set ppo.epochs=2`. */
  readonly origin: string;
}

/**
 * Reads `path=value`. The value is JSON where it parses as JSON and else text, so that `--set sft.schedule=linear` needs no quotes.
 * @throws {SpaError} Bad input: there is no `=`.
 */
export function parseOverride(text: string): Override {
  const at = text.indexOf('=');
  if (at < 1) {
    throw badInput('manifest', `Cannot read option "--set ${text}": it has no "=", expected path=value`, {
      hint: 'For example --set ppo.epochs=2',
    });
  }
  return { path: text.slice(0, at).trim(), value: parseValue(text.slice(at + 1)), origin: `--set ${text}` };
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a bare word
  }
}

/**
 * Reads `--seeds`: a number n means seeds 1 to n, a list `1,2,3` means itself.
 * @throws {SpaError} Bad input: neither.
 */
export function parseSeeds(text: string): Override {
  const numbers = text.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : Number.NaN));
  if (numbers.some(Number.isNaN) || (numbers.length === 1 && numbers[0] === 0)) {
    throw badInput(
      'manifest',
      `Cannot read option "--seeds ${text}": it is no number of seeds and no list, expected 5 or 1,2,3`,
    );
  }
  const value = numbers.length === 1 ? Array.from({ length: numbers[0]! }, (_, i) => i + 1) : numbers; // length 1
  return { path: 'seeds', value, origin: `--seeds ${text}` };
}

/** Returns the manifest with fields set; groups on the way are made. A manifest that is no object is left to the validator. */
export function applyOverrides(manifest: unknown, overrides: readonly Override[]): unknown {
  if (!isObject(manifest)) return manifest;
  const copy = structuredClone(manifest) as Record<string, unknown>; // a fresh copy may be written to
  for (const { path, value } of overrides) {
    const names = path.split('.');
    let group = copy;
    for (const name of names.slice(0, -1)) {
      if (!isObject(group[name])) group[name] = {};
      group = group[name] as Record<string, unknown>; // made just above, in the copy
    }
    group[names.at(-1)!] = value; // split gives at least one name
  }
  return copy;
}
