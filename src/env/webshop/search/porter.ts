/**
 * Porter's stemmer as Lucene's `PorterStemFilter` runs it: the 1980 rules with the author's two later changes (`bli` for `abli`, `logi`),
 * words of one or two letters left alone, and every character that is not a, e, i, o, u, y counted as a consonant.
 * Source: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980; https://tartarus.org/martin/PorterStemmer.
 */

/** Suffixes of step 2 with what replaces them where the stem before has a measure above 0. */
const step2 = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['logi', 'log'],
] as const;

/** The same for step 3. */
const step3 = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
] as const;

/** Suffixes dropped by step 4 where the measure before is above 1; `ion` only after s or t. */
const step4 = [
  'al',
  'ance',
  'ence',
  'er',
  'ic',
  'able',
  'ible',
  'ant',
  'ement',
  'ment',
  'ent',
  'ion',
  'ou',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
] as const;

function isConsonant(word: string, i: number): boolean {
  switch (word.charCodeAt(i)) {
    case 97: // a
    case 101: // e
    case 105: // i
    case 111: // o
    case 117: // u
      return false;
    case 121: // y
      return i === 0 || !isConsonant(word, i - 1);
    default:
      return true;
  }
}

/** Counts the sequences vowel-consonant in a stem. */
function measure(stem: string): number {
  let count = 0;
  let vowelBefore = false;
  let consonant = false;
  for (let i = 0; i < stem.length; i++) {
    consonant = stem[i] === 'y' ? i === 0 || !consonant : isConsonant(stem, i);
    if (consonant && vowelBefore) count += 1;
    vowelBefore = !consonant;
  }
  return count;
}

function hasVowel(stem: string): boolean {
  for (let i = 0; i < stem.length; i++) if (!isConsonant(stem, i)) return true;
  return false;
}

function endsInDouble(word: string): boolean {
  const last = word.length - 1;
  return last > 0 && word[last] === word[last - 1] && isConsonant(word, last);
}

/** True if the word ends consonant-vowel-consonant and the last is not w, x or y. */
function endsInShort(word: string): boolean {
  const last = word.length - 1;
  if (last < 2 || !isConsonant(word, last) || isConsonant(word, last - 1) || !isConsonant(word, last - 2)) return false;
  return word[last] !== 'w' && word[last] !== 'x' && word[last] !== 'y';
}

function dropPlural(word: string): string {
  if (!word.endsWith('s')) return word;
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2);
  return word.endsWith('ss') ? word : word.slice(0, -1);
}

function dropPast(word: string): string {
  if (word.endsWith('eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const stem = word.endsWith('ed') ? word.slice(0, -2) : word.endsWith('ing') ? word.slice(0, -3) : undefined;
  if (stem === undefined || !hasVowel(stem)) return word;
  if (stem.endsWith('at') || stem.endsWith('bl') || stem.endsWith('iz')) return `${stem}e`;
  if (endsInDouble(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsInShort(stem) ? `${stem}e` : stem;
}

/** Replaces the first suffix that fits, if the stem before it has a measure above 0. */
function replaceSuffix(word: string, table: readonly (readonly [string, string])[]): string {
  for (const [suffix, replacement] of table) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, -suffix.length);
    return measure(stem) > 0 ? stem + replacement : word;
  }
  return word;
}

function dropSuffix(word: string): string {
  for (const suffix of step4) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, -suffix.length);
    if (suffix === 'ion' && !/[st]$/.test(stem)) continue;
    return measure(stem) > 1 ? stem : word;
  }
  return word;
}

function tidyEnd(word: string): string {
  let result = word;
  if (result.endsWith('e')) {
    const stem = result.slice(0, -1);
    const m = measure(stem);
    if (m > 1 || (m === 1 && !endsInShort(stem))) result = stem;
  }
  return result.endsWith('l') && endsInDouble(result) && measure(result.slice(0, -1)) > 1
    ? result.slice(0, -1)
    : result;
}

/** Returns the stem of a lower-case word. */
export function stemWord(word: string): string {
  if (word.length <= 2) return word;
  let stem = dropPast(dropPlural(word));
  if (stem.endsWith('y') && hasVowel(stem.slice(0, -1))) stem = `${stem.slice(0, -1)}i`;
  if (stem.length <= 1) return stem;
  return tidyEnd(dropSuffix(replaceSuffix(replaceSuffix(stem, step2), step3)));
}
