/** Text as CPython writes and trims it, where the original catalogue code relies on it. */

/** Characters `str.strip()` removes: Unicode white space by CPython's table, which has U+001C..1F and U+0085 but not U+FEFF. */
const space = '\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const edges = new RegExp(`^[${space}]+|[${space}]+$`, 'g');

/** Returns the text without white space at its ends, as Python's `str.strip()` does. */
export function stripLikePython(text: string): string {
  return text.replace(edges, '');
}

/** Writes a number as Python's `repr(float)`: 12 -> `12.0`, 19.99 -> `19.99`, 1e16 -> `1e+16`, 0.00001 -> `1e-05`. */
export function floatRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
