/**
 * Splits text into pre-tokens: words with their leading space, numbers of at most three digits, runs of punctuation, white space.
 * Learned phrases are alternatives in front of the words, longest first, so that the split itself finds them at word boundaries.
 * The same pattern is read by JavaScript and by Oniguruma (Python tokenizers): only constructs both define alike are used.
 */

const wordPattern = ' ?\\p{L}+| ?\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/** Returns the source of the pattern that splits text into phrases and words; every character belongs to exactly one match. */
export function preTokenPattern(phrases: readonly string[]): string {
  const ordered = [...phrases].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return [...ordered.map((phrase) => escapePattern(phrase) + boundaryAfter(phrase)), wordPattern].join('|');
}

/** Makes the function that splits text by {@link preTokenPattern}. The parts joined are the text. */
export function preTokenizer(phrases: readonly string[] = []): (text: string) => string[] {
  const pattern = new RegExp(preTokenPattern(phrases), 'gu');
  return (text) => text.match(pattern) ?? [];
}

/** A phrase ends where its last pre-token would have ended anyway: `go to` is no part of `go towards`. */
function boundaryAfter(phrase: string): string {
  if (/\p{L}$/u.test(phrase)) return '(?!\\p{L})';
  if (/[\r\n]$/.test(phrase)) return '(?!\\s*[\\r\\n])';
  return '(?![^\\s\\p{L}\\p{N}])';
}

function escapePattern(text: string): string {
  return text
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r');
}
