/**
 * WebShop's own data under one folder, plain or gzip-compressed: products (`items_shuffle.json`, or `items_shuffle_1000.json`), attributes and
 * synthetic instructions (`items_ins_v2.json`, `items_ins_v2_1000.json`), human instructions (`items_human_ins.json`). May lie beside them:
 * `train_indices.json` and `test_indices.json` (SPA-RL's splits), `nouns.jsonl` (see nouns.ts), `instructions.json` (by index: sentences
 * recorded with other prices, which replace ours).
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { badInput, messageOf } from '../../base/error.ts';
import { hashFile, hashJson, sha256 } from '../../base/hash.ts';
import { type BuildProgress, folderVersion } from './catalogue/build-folder.ts';
import { type Catalogue, openMemoryCatalogue } from './catalogue/catalogue.ts';
import { openCatalogueFolder } from './catalogue/index-folder.ts';
import type { AttributesEntry, Product } from './catalogue/product.ts';
import { readAttributes, readProducts } from './catalogue/read.ts';
import {
  type Goal,
  type HumanInstruction,
  humanGoals,
  restateGoal,
  seededPrices,
  shuffleGoals,
  syntheticGoals,
} from './goal.ts';
import { knownNouns, taggerVersion } from './nouns.ts';
import { maxGoalOptions } from './reward.ts';
import type { Shop } from './shop.ts';

/** Options of {@link openFiles}. */
export interface FilesOptions {
  /** Folder that holds the files, or its parent where they are in `data`. */
  readonly root: string;
  /** Whose instructions: 12,087 written by people (default), or the ones made of attributes and options. */
  readonly goals?: 'human' | 'synthetic';
  /** Seed of prices that are ranges, and of price limits. Default 1. */
  readonly priceSeed?: number;
  /** Folder of the index of a large product file, made if need be; default `spa-index` beside that file. Small files stay in memory. */
  readonly index?: string;
  /** Called while a large file is indexed. */
  readonly onProgress?: (progress: BuildProgress) => void;
}

/** Product files up to this size, packed or not, are kept in memory: the thousand products are 1 MB and 5 MB. */
const inMemoryBytes = 32 << 20;

interface Source {
  readonly file: string;
  /** SHA-256 of the uncompressed text. */
  readonly digest: string;
  readonly value: unknown;
}

/** Names of each file, the full data first; `.gz` may follow. */
const names = {
  products: [
    'items_shuffle.json',
    'items_shuffle_1000.json',
    'items_shuffle_1000.reconstructed.json',
    'documents.jsonl',
  ],
  attributes: ['items_ins_v2.json', 'items_ins_v2_1000.json'],
  instructions: ['items_human_ins.json', 'items_human_ins.subset13.json'],
} as const;

/**
 * Opens the published data.
 * @throws {SpaError} If a file is missing or damaged (bad input).
 */
export async function openFiles(options: FilesOptions): Promise<Shop> {
  const { goals: kind = 'human', priceSeed = 1 } = options;
  const nested = join(options.root, 'data');
  const root = findFile(options.root, names.products) === undefined && existsSync(nested) ? nested : options.root;
  const files = { products: neededFile(root, 'products'), attributes: neededFile(root, 'attributes') };
  const { catalogue, attributes } = await openProducts(files, options);
  const nouns = optional(root, 'nouns.jsonl');
  const written = kind === 'human' ? readSource(neededFile(root, 'instructions')) : undefined;
  const prices = seededPrices(priceSeed);
  const all =
    written === undefined
      ? await goalsByRule(catalogue, attributes, prices)
      : goalsByHand(catalogue, readInstructions(written), prices);
  const restated = optional(root, 'instructions.json');
  const goals = restateGoals(shuffleGoals(all, kind), restated);
  const members = splitGoals(root, goals.length);
  const listed = nouns === undefined ? null : [nouns.digest, taggerVersion()]; // what the table lacks is tagged
  const content = [catalogue.digest, written?.digest ?? null, restated?.digest ?? null, listed];
  return {
    catalogue,
    splits: [...members.keys()],
    goals: (split) => (members.get(split) ?? []).map((index) => goals[index]!), // splitGoals lists indices of goals
    digest: (split) => hashJson(['webshop files', content, { kind, priceSeed }, split, members.get(split) ?? []]),
    priceSeed,
    ...(nouns === undefined ? {} : { nouns: knownNouns(readNouns(nouns)) }),
  };
}

interface Files {
  readonly products: string;
  readonly attributes: string;
}

interface Opened {
  readonly catalogue: Catalogue;
  /** Reads the attributes file, which the goals of a large catalogue may not need. */
  attributes(): Promise<ReadonlyMap<string, AttributesEntry>>;
}

async function openProducts(files: Files, options: FilesOptions): Promise<Opened> {
  const { index, onProgress } = options;
  if (index !== undefined || statSync(files.products).size > inMemoryBytes) {
    const folder = index ?? join(dirname(files.products), 'spa-index');
    const catalogue = await openCatalogueFolder({
      ...files,
      folder,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return { catalogue, attributes: () => readAttributes(files.attributes) };
  }
  const attributes = await readAttributes(files.attributes);
  const products: Product[] = [];
  for await (const product of readProducts(files.products, { attributes: (asin) => attributes.get(asin) }))
    products.push(product);
  const contents = [await hashFile(files.products), await hashFile(files.attributes)];
  const digest = hashJson(['webshop catalogue', folderVersion, ...contents]); // as an index folder of these files has it
  return { catalogue: openMemoryCatalogue(products, { digest }), attributes: async () => attributes };
}

async function goalsByRule(
  catalogue: Catalogue,
  read: Opened['attributes'],
  prices: ReturnType<typeof seededPrices>,
): Promise<Goal[]> {
  const attributes = await read();
  const written = [...attributes].flatMap(([asin, { instruction }]) => (instruction === undefined ? [] : [asin]));
  return syntheticGoals(inOrder(catalogue, written), attributes, prices);
}

/** Lists products in file order, which is the order the goals were made in. */
function* inOrder(catalogue: Catalogue, asins: Iterable<string>) {
  const ids = [...asins].flatMap((asin) => catalogue.find(asin) ?? []);
  for (const id of ids.sort((a, b) => a - b)) yield catalogue.product(id);
}

function goalsByHand(
  catalogue: Catalogue,
  instructions: ReadonlyMap<string, readonly HumanInstruction[]>,
  prices: ReturnType<typeof seededPrices>,
): Goal[] {
  const goals = humanGoals(inOrder(catalogue, instructions.keys()), instructions, prices);
  const many = goals.find(({ options }) => options.length > maxGoalOptions);
  if (many === undefined) return goals;
  throw badInput(
    'environment',
    `Cannot read the goal of "${many.asin}": it asks for ${many.options.length} options, expected at most ${maxGoalOptions}`,
  );
}

function restateGoals(goals: readonly Goal[], source: Source | undefined): readonly Goal[] {
  if (source === undefined) return goals;
  const sentences = readEntries<string>(source);
  return goals.map((goal, index) => {
    const sentence = sentences.get(`${index}`);
    return sentence === undefined ? goal : restateGoal(goal, sentence);
  });
}

/**
 * Without lists beside the data, as upstream: goals 0-499 test, 500-1499 valid, the rest train. With SPA-RL's lists, theirs; goals that
 * stand in both (12 of its 200) stay in test only.
 */
function splitGoals(root: string, count: number): ReadonlyMap<string, readonly number[]> {
  const [train, test] = [optional(root, 'train_indices.json'), optional(root, 'test_indices.json')];
  const members = new Map<string, readonly number[]>();
  if (train === undefined && test === undefined) {
    const range = (from: number, to: number): number[] =>
      Array.from({ length: Math.max(0, Math.min(to, count) - from) }, (_, i) => from + i);
    members.set('train', range(1_500, count)).set('valid', range(500, 1_500)).set('test', range(0, 500));
  } else {
    const held = test === undefined ? [] : readIndices(test, count);
    const heldOut = new Set(held);
    members.set('train', train === undefined ? [] : readIndices(train, count).filter((index) => !heldOut.has(index)));
    members.set('test', held);
  }
  return new Map([...members].filter(([, indices]) => indices.length > 0));
}

function readIndices(source: Source, count: number): readonly number[] {
  const { value, file } = source;
  if (!Array.isArray(value)) throw damaged(file, 'it is no list of goal numbers');
  const wrong = value.find((index) => !Number.isInteger(index) || index < 0 || index >= count);
  if (wrong !== undefined) throw damaged(file, `it names goal ${wrong} of ${count}`);
  return [...new Set(value as number[])]; // checked above
}

function neededFile(root: string, what: keyof typeof names): string {
  const file = findFile(root, names[what]);
  if (file !== undefined) return file;
  throw badInput('environment', `Cannot open WebShop data "${root}": it holds no ${what}, expected ${names[what][0]}`, {
    hint: 'Name the folder of the downloaded files (WEBSHOP_DATA), or use a generated shop.',
  });
}

function optional(root: string, name: string): Source | undefined {
  const file = findFile(root, [name]);
  return file === undefined ? undefined : readSource(file);
}

function findFile(root: string, candidates: readonly string[]): string | undefined {
  return candidates.flatMap((name) => [join(root, name), join(root, `${name}.gz`)]).find((file) => existsSync(file));
}

function readSource(file: string): Source {
  try {
    const bytes = readFileSync(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    const isLines = /\.jsonl(\.gz)?$/.test(file);
    const value: unknown = isLines
      ? text
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : JSON.parse(text);
    return { file, digest: sha256(text), value };
  } catch (error) {
    throw damaged(file, messageOf(error));
  }
}

function readEntries<T>({ file, value }: Source): ReadonlyMap<string, T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(file, 'it is no object');
  return new Map(Object.entries(value as Record<string, T>)); // the published files' own shape
}

function readInstructions(source: Source): ReadonlyMap<string, readonly HumanInstruction[]> {
  const entries = readEntries<unknown>(source);
  for (const [asin, written] of entries) {
    if (!Array.isArray(written) || !written.every(isInstruction))
      throw damaged(source.file, `an instruction of "${asin}" lacks its sentence, attributes or options`);
  }
  return entries as ReadonlyMap<string, readonly HumanInstruction[]>; // each was looked at above
}

function isInstruction(value: unknown): value is HumanInstruction {
  if (typeof value !== 'object' || value === null) return false;
  const { instruction, instruction_attributes, instruction_options } = value as Partial<HumanInstruction>; // checked next
  const isTexts = (list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === 'string');
  return typeof instruction === 'string' && isTexts(instruction_attributes) && isTexts(instruction_options);
}

function readNouns({ file, value }: Source): ReadonlyMap<string, readonly string[]> {
  const lines = value as readonly { readonly asin: string; readonly nouns: readonly string[] }[]; // looked at next
  const broken = lines.findIndex((line) => typeof line?.asin !== 'string' || !Array.isArray(line.nouns));
  if (broken >= 0) throw damaged(file, `line ${broken + 1} lacks asin or nouns`);
  return new Map(lines.map(({ asin, nouns }) => [asin, nouns]));
}

function damaged(file: string, what: string) {
  return badInput('environment', `Cannot read WebShop file "${file}": ${what}, expected the published form`, {
    hint: 'The file is damaged or another one: fetch it again.',
  });
}
