/** Queries that compare our search with Lucene's: from shared data and made up. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createRng } from '../../src/base/rng.ts';

/** WebShop's part of shared data. */
export const webshopData = fileURLToPath(new URL('../../../shared/data/webshop', import.meta.url));

/** True if shared data are beside the repository. */
export const hasWebshopData = existsSync(webshopData);

/** A record of `documents.jsonl`, the members used by tests. */
export interface StoredDocument {
  readonly id: string;
  readonly contents: string;
  readonly product: Readonly<Record<string, unknown>>;
}

/** Reads a gzip-compressed file of shared data as text. */
export function readShared(path: string): string {
  return gunzipSync(readFileSync(`${webshopData}/${path}`)).toString('utf8');
}

/** Reads the 1,000 products that the recorded index was made from. */
export function readDocuments(): StoredDocument[] {
  const lines = readShared('products_1k/resources_1k/documents.jsonl.gz').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line)); // trusted: PROVENANCE.md names its digest
}

/** A search of a recorded episode on the same index, and the asins of the first page it got. */
export interface RecordedSearch {
  readonly query: string;
  readonly asins: readonly string[];
}

/** Reads the searches of AgentGym's recorded episodes. */
export function readRecordedSearches(): RecordedSearch[] {
  const lines = readFileSync(`${webshopData}/transcripts/AgentGym/webshop_fncall.HJX_test.jsonl`, 'utf8').trimEnd();
  return lines.split('\n').flatMap((line) => {
    const turns: readonly { readonly value: string }[] = JSON.parse(line).conversations;
    return turns.flatMap(({ value }, i) => {
      const query = /"keywords": "(.*)"/.exec(turns[i - 1]?.value ?? '')?.[1];
      if (query === undefined || !value.includes('Page 1 (Total results')) return [];
      return [{ query, asins: [...value.matchAll(/\[SEP\] (B[0-9A-Z]{9}) \[SEP\]/g)].map((match) => match[1]!) }];
    });
  });
}

/** Lists about 700 queries, always the same. @param documents The indexed products. */
export function listQueries(documents: readonly StoredDocument[]): string[] {
  const goals: readonly string[] = JSON.parse(readShared('princeton/baseline_models/data/human_goals.json.gz'));
  const words = documents.flatMap(({ contents }) => contents.split(' ').slice(0, 20));
  const rng = createRng('webshop queries');
  const random = Array.from({ length: 300 }, (_, i) =>
    Array.from({ length: 1 + (i % 30) }, () => rng.pick(words)).join(' '),
  );
  const titles = documents.slice(0, 100).map(({ contents }) => contents.slice(0, 80));
  const recorded = readRecordedSearches().map(({ query }) => query);
  const long = documents.slice(0, 3).map(({ contents }) => contents);
  return [...goals.slice(0, 300), ...recorded, ...random, ...titles, ...odd, long.join(' ')];
}

const odd = [
  '',
  ' ',
  'the of and',
  'zzzzqqq',
  '!!! --- ???',
  'red red red red dress',
  "women's WOMEN’S Women＇s",
  'café naïve — 5" x 7" 100% cotton',
  '日本 カタカナ ひらがな 한국어',
  '👍🏻 👨‍👩‍👧 🇩🇪',
  'a b c d e f g h i j k l m n o p q r s t u v w x y z',
  '1 2 3 4 5 6 7 8 9 10 1.5 2.75 3,000',
  'wi-fi usb-c x-large t-shirt',
  'x'.repeat(600),
  'shirt '.repeat(500),
  '<r>',
  '<q> console tables',
  'size: large, and color: black',
];
