/**
 * The nouns of a title, on which the reward's type part rests. The original asks spaCy (en_core_web_lg); here wink-nlp tags them, which
 * is another tagger: on some titles it finds other nouns, so that the type part can differ. For equality give spaCy's nouns beside the
 * data: `nouns.jsonl`, one line per product, {"asin": "B000000001", "nouns": ["lamp", "port"]}, the lower-cased texts of tokens tagged
 * NOUN or PROPN, in order, repeats kept.
 */
import { createRequire } from 'node:module';
import type { ItemToken, WinkMethods } from 'wink-nlp';

/** Returns the nouns of a product's title, in lower case and in order, repeats kept. */
export type Nouns = (product: { readonly asin: string; readonly title: string }) => readonly string[];

/** The tagger remembers each new word it meets, so it is made anew after this many titles. */
const titlesPerTagger = 20_000;

/** Makes a source of nouns that tags a title when asked; the tagger is loaded at the first one (0.1 s). */
export function taggedNouns(): Nouns {
  let tagger: WinkMethods | undefined;
  let count = 0;
  return ({ title }) => {
    if (tagger === undefined || count % titlesPerTagger === 0) tagger = loadTagger();
    count += 1;
    const { its } = tagger;
    const nouns: string[] = [];
    tagger
      .readDoc(title)
      .tokens()
      .each((token: ItemToken) => {
        const tag = token.out(its.pos);
        if (tag === 'NOUN' || tag === 'PROPN') nouns.push(token.out().toLowerCase());
      });
    return nouns;
  };
}

/** Makes a source of nouns that looks them up by asin and asks another one for what is not there. */
export function knownNouns(known: ReadonlyMap<string, readonly string[]>, otherwise: Nouns = taggedNouns()): Nouns {
  return (product) => known.get(product.asin) ?? otherwise(product);
}

/** Names the tagger and its model with their versions, e.g. `wink-nlp 2.4.0, wink-eng-lite-web-model 1.8.1`: others may find other nouns. */
export function taggerVersion(): string {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string): string => {
    const { version }: { readonly version: string } = require(`${name}/package.json`);
    return `${name} ${version}`;
  };
  return ['wink-nlp', 'wink-eng-lite-web-model'].map(versionOf).join(', ');
}

/** Both packages are CommonJS and large, so they are loaded when first needed. */
function loadTagger(): WinkMethods {
  const require = createRequire(import.meta.url);
  const open: typeof import('wink-nlp').default = require('wink-nlp');
  return open(require('wink-eng-lite-web-model'), ['sbd', 'pos']);
}
