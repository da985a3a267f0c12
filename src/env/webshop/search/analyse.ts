/** Text to index terms, as Lucene's English analysis does it. */

/** Turns text into terms, in order, repeats kept. */
export type Analyse = (text: string) => string[];

/** First version: lower-case words. */
export const englishTerms: Analyse = (text) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
