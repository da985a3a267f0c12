/**
 * Validates manifests and configs: fills in defaults and reports every problem at once, each with its file and line. The validator
 * is compiled on first use, because a run whose stages are all cached must answer in a second.
 */
import type { ValidateFunction } from 'ajv';
import { badInput } from '../base/error.ts';
import { type Config, configSchema } from './config.ts';
import { crossFieldProblems } from './cross-field.ts';
import { experimentSchema, type Manifest } from './manifest.ts';
import { lineFinder, type SourceText } from './position.ts';
import { type Problem, problemsOf, shown } from './problem.ts';
import { ROLE_KEYWORD } from './role.ts';
import { fieldsOfRole, flatten, isObject } from './semantic.ts';

/** Where a value came from, for messages. */
export interface Source {
  /** File as the user would write it, e.g. `experiments/alfworld.ts`. */
  readonly name: string;
  /** Its text; absent if it has none. */
  readonly text?: SourceText;
  /** Fields the command line has set: dotted path -> the argument, e.g. `--set ppo.epochs=three`. */
  readonly overrides?: ReadonlyMap<string, string>;
}

/** Makes every field present, at every depth. */
type Resolved<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]-?: Resolved<Exclude<T[K], undefined>> }
    : T;

/** A config with its defaults filled in. */
export type ResolvedConfig = Resolved<Config>;

/**
 * Returns the manifest with its defaults filled in; `value` is left as it is.
 * @throws {SpaError} Bad input: all problems in one message, each with file, line, field, what is and what must be.
 */
export async function validateExperiment(value: unknown, source: Source): Promise<Manifest> {
  const { value: manifest, problems } = await check(value, experimentSchema);
  // As: without problems the schema has vouched for the shape.
  const all = problems.length > 0 ? problems : crossFieldProblems(manifest as Manifest);
  if (all.length > 0) throw await complaint('manifest', 'experiment', all, source);
  return manifest as Manifest;
}

/**
 * Returns the config with its defaults filled in.
 * @throws {SpaError} Bad input, as {@link validateExperiment}.
 */
export async function validateConfig(value: unknown, source: Source): Promise<ResolvedConfig> {
  const { value: config, problems } = await check(value, configSchema);
  if (problems.length > 0) throw await complaint('config', 'config', problems, source);
  return config as ResolvedConfig; // the schema has vouched for it
}

/** Returns the fields of a manifest that decide its results, by dotted path. */
export function semanticParams(manifest: Manifest): Record<string, unknown> {
  return flatten(fieldsOfRole(manifest, experimentSchema, 'semantic'));
}

const compiled = new WeakMap<object, ValidateFunction>();

async function check(value: unknown, schema: object): Promise<{ value: unknown; problems: Problem[] }> {
  if (!isObject(value)) {
    return { value, problems: [{ path: [], is: shown(value), expected: 'an object of fields' }] };
  }
  let validate = compiled.get(schema);
  if (validate === undefined) {
    const { Ajv } = await import('ajv');
    const ajv = new Ajv({
      allErrors: true,
      useDefaults: true,
      verbose: true,
      discriminator: true,
      strict: true,
      strictRequired: false,
      validateSchema: false,
      keywords: [ROLE_KEYWORD],
    });
    // A JSON copy drops TypeBox's own non-enumerable members.
    validate = ajv.compile(JSON.parse(JSON.stringify(schema)));
    compiled.set(schema, validate);
  }
  const copy: unknown = structuredClone(value);
  validate(copy);
  return { value: copy, problems: problemsOf(validate.errors ?? [], schema) };
}

async function complaint(boundary: 'manifest' | 'config', object: string, problems: Problem[], source: Source) {
  const find = source.text === undefined ? undefined : await lineFinder(source.text);
  const lines = problems.map((problem) => {
    const path = problem.path.join('.');
    const override = [...(source.overrides ?? [])].find(([set]) => set === path || path.startsWith(`${set}.`));
    const line = override === undefined ? find?.(problem.path) : undefined;
    const place = override?.[1] ?? (line === undefined ? source.name : `${source.name}:${line}`);
    const near = problem.nearest === undefined ? '' : `; did you mean "${problem.nearest}"?`;
    return `  ${place}  ${path === '' ? '' : `${path}: `}${problem.is}, expected ${problem.expected}${near}`;
  });
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  return badInput(boundary, `Cannot read ${object} "${source.name}": ${count}\n${lines.join('\n')}`);
}
