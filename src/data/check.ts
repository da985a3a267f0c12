/** Checks a row against the column kinds before any of it is written, so that a bad value never leaves half a row behind. */
import { type ColumnKind, columnKinds, columnNames, type TrajectoryRow } from './trajectory.ts';

const isInt32 = (value: unknown): boolean => typeof value === 'number' && value === (value | 0);
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isText = (value: unknown): boolean => typeof value === 'string';
const isListOf = (is: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(is);
const orNull = (is: (value: unknown) => boolean) => (value: unknown) => value === null || is(value);

const rules: Record<ColumnKind, readonly [is: (value: unknown) => boolean, expected: string]> = {
  dictionary: [isText, 'a text'],
  utf8: [isText, 'a text'],
  'utf8?': [orNull(isText), 'a text or null'],
  bool: [(value) => typeof value === 'boolean', 'true or false'],
  int32: [isInt32, 'a 32-bit integer'],
  'int32?': [orNull(isInt32), 'a 32-bit integer or null'],
  'int32[]': [isListOf(isInt32), 'a list of 32-bit integers'],
  float32: [isNumber, 'a number'],
  'float32?': [orNull(isNumber), 'a number or null'],
  'float32[]': [isListOf(isNumber), 'a list of numbers'],
  float64: [isNumber, 'a number'],
};

/**
 * Checks every value of a row.
 * @throws {TypeError} On the first value that its column cannot hold.
 */
export function checkRow(row: TrajectoryRow): void {
  for (const name of columnNames) {
    const [is, expected] = rules[columnKinds[name]];
    if (is(row[name])) continue;
    const where = `column "${name}" of episode "${row.taskId}#${row.rollout}" turn ${row.turn}`;
    throw new TypeError(`Cannot record ${where}: ${String(row[name]).slice(0, 60)}, expected ${expected}`);
  }
}
