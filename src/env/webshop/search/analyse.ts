/**
 * Text to index terms as Anserini's default analyser does it: Lucene's standard tokens without a possessive `'s`, in lower case, without 33
 * stop words, stemmed by Porter.
 * Source: castorini/anserini src/main/java/io/anserini/analysis/DefaultEnglishAnalyzer.java; Lucene 9.5.0 EnglishPossessiveFilter,
 * LowerCaseFilter, StopFilter, EnglishAnalyzer.ENGLISH_STOP_WORDS_SET, PorterStemFilter.
 */
import { stemWord } from './porter.ts';
import { visitTokens } from './word-break.ts';

/** Turns text into terms, in order, repeats kept. */
export type Analyse = (text: string) => string[];

/** A term and where it stood. */
export interface PlacedTerm {
  readonly term: string;
  /** Number of tokens before it, stop words counted. */
  readonly position: number;
}

const stopWords = new Set(
  'a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with'.split(
    ' ',
  ),
);

/** Returns the terms of a text. */
export const englishTerms: Analyse = (text) => {
  const terms: string[] = [];
  visitTokens(text, (start, end) => {
    const term = recall(text.slice(start, end));
    if (term !== '') terms.push(term);
  });
  return terms;
};

/** Returns the terms of a text with their positions. */
export function englishPlacedTerms(text: string): PlacedTerm[] {
  const terms: PlacedTerm[] = [];
  let position = 0;
  visitTokens(text, (start, end) => {
    const term = recall(text.slice(start, end));
    if (term !== '') terms.push({ term, position });
    position += 1;
  });
  return terms;
}

/** Terms of tokens met lately: texts repeat most of their words. */
const known = new Map<string, string>();
const knownLimit = 1 << 16;

/** The same as {@link termOf}, from memory where possible. */
function recall(token: string): string {
  const found = known.get(token);
  if (found !== undefined) return found;
  if (known.size >= knownLimit) known.clear();
  const own = token.length < 13 ? token : Buffer.from(token, 'utf8').toString('utf8'); // V8 lets a longer slice keep its whole text alive
  const term = termOf(own);
  known.set(own, term);
  return term;
}

/** Returns the term of a token, or an empty text for a stop word. */
function termOf(token: string): string {
  const word = lowerCase(withoutPossessive(token));
  return stopWords.has(word) ? '' : stemWord(word);
}

/** Apostrophes: typewriter, typographic, full-width. */
function withoutPossessive(token: string): string {
  const last = token.length - 1;
  if (last < 1 || (token[last] !== 's' && token[last] !== 'S')) return token;
  const mark = token[last - 1];
  return mark === "'" || mark === '\u2019' || mark === '\uff07' ? token.slice(0, -2) : token;
}

/** Character by character, as Java: no final sigma, and `İ` becomes `i`. */
function lowerCase(token: string): string {
  if (!/[^\0-\x7f]/.test(token)) return token.toLowerCase();
  let result = '';
  for (const character of token) result += character === 'İ' ? 'i' : character.toLowerCase();
  return result;
}
