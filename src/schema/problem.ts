/** Turns ajv's errors into problems a person can act on: one per field, with what is, what must be and the nearest spelling. */
import type { ErrorObject } from 'ajv';
import { nearest } from '../base/suggest.ts';
import { isObject, pathsOf } from './semantic.ts';

/** One thing wrong with a manifest or a config. */
export interface Problem {
  readonly path: readonly string[];
  /** What is the case, e.g. `"three"` or `unknown field`. */
  readonly is: string;
  /** What must be, e.g. `a number above 0`. */
  readonly expected: string;
  /** The nearest right spelling. */
  readonly nearest?: string | undefined;
}

/** Returns the problems behind the errors of one validation, one per path, in the order of the schema. */
export function problemsOf(errors: readonly ErrorObject[], schema: object): Problem[] {
  const byPath = new Map<string, ErrorObject[]>();
  for (const error of errors) {
    const key = [error.instancePath, ...ownKey(error)].join('/');
    byPath.set(key, [...(byPath.get(key) ?? []), error]);
  }
  return [...byPath.values()].map((group) => problemOf(group, schema));
}

/** The key an error is about when ajv reports it at the parent. */
const ownKey = ({ params }: ErrorObject): string[] =>
  [params.additionalProperty, params.missingProperty].filter((key) => typeof key === 'string');

function problemOf(group: readonly ErrorObject[], schema: object): Problem {
  const error = group[0]!;
  const path = [...error.instancePath.split('/').slice(1), ...ownKey(error)];
  if (error.keyword === 'additionalProperties') return unknownField(error, path, schema);
  if (error.keyword === 'required') return { path, is: 'missing', expected: 'a value' };
  const types = group.filter(({ keyword }) => keyword === 'type').map(({ params }) => String(params.type));
  const expected = types.length > 0 ? types.map(article).join(' or ') : group.map(expectation).join(' and ');
  const words = error.keyword === 'enum' ? (error.params.allowedValues as readonly unknown[]).map(String) : [];
  const near = typeof error.data === 'string' ? nearest(error.data, words) : undefined;
  return { path, is: shown(error.data), expected, nearest: near };
}

function unknownField(error: ErrorObject, path: readonly string[], schema: object): Problem {
  const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
  const name = path.at(-1)!;
  const elsewhere = pathsOf(schema).filter((other) => other.split('.').at(-1) === name);
  return {
    path,
    is: 'unknown field',
    expected: known.length <= 12 ? `one of ${known.join(', ')}` : `one of the ${known.length} fields of its group`,
    nearest: nearest(name, known) ?? (elsewhere.length === 1 ? elsewhere[0] : undefined),
  };
}

const article = (type: string): string => {
  if (type === 'null') return 'null';
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type === 'array' ? 'list' : type}`;
};

/** What each keyword asks for, in words. */
function expectation({ keyword, params, message }: ErrorObject): string {
  const limit = String(params.limit);
  switch (keyword) {
    case 'enum':
      return `one of ${(params.allowedValues as readonly unknown[]).map((word) => JSON.stringify(word)).join(', ')}`;
    case 'minimum':
      return `at least ${limit}`;
    case 'maximum':
      return `at most ${limit}`;
    case 'exclusiveMinimum':
      return `above ${limit}`;
    case 'exclusiveMaximum':
      return `below ${limit}`;
    case 'minLength':
      return `at least ${limit} characters`;
    case 'maxLength':
      return `at most ${limit} characters`;
    case 'minItems':
      return `at least ${limit} ${limit === '1' ? 'entry' : 'entries'}`;
    case 'uniqueItems':
      return 'entries that differ';
    case 'pattern':
      return `text that matches ${String(params.pattern)}`;
    default:
      return String(message);
  }
}

/** Returns a value as short JSON. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  const text =
    isObject(value) || Array.isArray(value) ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
