/**
 * Builds a catalogue on disk from WebShop's product files, once, reading them as a stream: products, postings, dictionary and tables.
 * Everything is written into a folder of its own beside the target and renamed at the end, so a killed build leaves no half catalogue.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { badInput } from '../../../base/error.ts';
import { temporaryPath, writeJson } from '../../../base/file.ts';
import { englishTerms } from '../search/analyse.ts';
import { ranksOf } from '../search/bm25.ts';
import { createSink, packPostings } from '../search/postings.ts';
import { inverseNorms, lengthByte } from '../search/similarity.ts';
import { type FileWriter, openWriter, writeWhole } from './byte-file.ts';
import { createFileHash } from './json-stream.ts';
import { type AttributesEntry, documentText } from './product.ts';
import { bytesOf, createProductWriter } from './product-file.ts';
import { readProducts, streamAttributes } from './read.ts';
import { createExternalSort, type ExternalSort, type ExternalSortOptions } from './runs.ts';
import { createTermWriter, type TermBlocks } from './term-file.ts';

/** The format of the folder; a change of it, of the analysis or of the scores' arithmetic asks for a new number. */
export const folderVersion = 1;

/** Marks a folder as one of ours. */
export const folderKind = 'webshop catalogue';

/** Files of a catalogue folder besides those of its products. */
export const folderFiles = {
  meta: 'meta.json',
  terms: 'terms.bin',
  blocks: 'blocks.json',
  postings: 'postings.bin',
  lengths: 'lengths.bin',
  ranks: 'ranks.bin',
} as const;

/** A file that a catalogue was made from. */
export interface SourceFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Time of its last change in ms since 1970. */
  readonly changedMs: number;
  readonly sha256: string;
}

/** `meta.json`. */
export interface FolderMeta {
  readonly kind: typeof folderKind;
  readonly version: number;
  readonly products: SourceFile;
  readonly attributes: SourceFile | null;
  /** Number of products. */
  readonly count: number;
  /** Products with at least one term, and the terms of all. */
  readonly documents: number;
  readonly terms: number;
  /** Different terms, and pairs of term and product. */
  readonly vocabulary: number;
  readonly postings: number;
}

/** How far a build is. */
export interface BuildProgress {
  /** `attributes` and `products` count bytes read, `index` counts terms merged (total unknown: 0). */
  readonly phase: 'attributes' | 'products' | 'index';
  readonly done: number;
  readonly total: number;
}

/** What to build from, and where. */
export interface BuildOptions {
  /** The folder to make; it must not exist. */
  readonly folder: string;
  /** `items_shuffle.json` or `documents.jsonl`, plain or gzip. */
  readonly products: string;
  /** `items_ins_v2.json`, plain or gzip; without it products have no mined attributes. */
  readonly attributes?: string;
  readonly onProgress?: (progress: BuildProgress) => void;
  /** When postings are spilled to disk; for tests. */
  readonly limits?: ExternalSortOptions['limits'];
}

/**
 * Builds a catalogue folder.
 * @throws {SpaError} If a source is missing or damaged, or holds no products (bad input).
 */
export async function buildFolder(options: BuildOptions): Promise<void> {
  removeAbandoned(options.folder);
  const work = workPath(options.folder);
  mkdirSync(work, { recursive: true });
  try {
    await writeJson(join(work, folderFiles.meta), await fill(work, options));
    await rename(work, options.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error; // another process was faster: its folder is as good
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Returns a fresh name beside a folder: `<folder>.<host>.<process>.<number>.tmp`. */
function workPath(folder: string): string {
  return temporaryPath(`${folder}.${hostname()}`);
}

/** A build writes all the time; one of another host that has written nothing for so long is taken for dead. Milliseconds. */
const silenceMs = 24 * 3_600_000;

/** Removes the work of builds whose process is gone. Processes of other hosts cannot be seen: there the time of the last change tells. */
function removeAbandoned(folder: string): void {
  const parent = dirname(folder);
  mkdirSync(parent, { recursive: true });
  const prefix = `${basename(folder)}.`;
  for (const name of readdirSync(parent)) {
    const [, owner, pid] =
      (name.startsWith(prefix) && /^(.*)\.(\d+)\.\d+\.tmp$/.exec(name.slice(prefix.length - 1))) || [];
    if (owner === undefined) continue;
    const work = join(parent, name);
    const isAbandoned =
      owner === `.${hostname()}` ? !isRunning(Number(pid)) : Date.now() - lastChangeMs(work) > silenceMs;
    if (isAbandoned) rmSync(work, { recursive: true, force: true });
  }
}

/** Returns when a folder or a file in it last changed, in ms since 1970; now if it is just being removed. */
function lastChangeMs(folder: string): number {
  try {
    const paths = [folder, ...readdirSync(folder).map((name) => join(folder, name))];
    return Math.max(...paths.map((path) => statSync(path).mtimeMs));
  } catch {
    return Date.now();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // of another user
  }
}

/** Writes all files but `meta.json`, which it returns. */
async function fill(work: string, options: BuildOptions): Promise<FolderMeta> {
  const { attributes, source: attributesSource } = await loadAttributes(options);
  const sort = createExternalSort({ folder: work, ...(options.limits && { limits: options.limits }) });
  const read = await storeProducts(work, { options, sort, attributes });
  if (read.asins.length === 0) {
    throw badInput('environment', `Cannot index WebShop products "${options.products}": it holds none, expected some`, {
      hint: 'Name items_shuffle.json or documents.jsonl of the WebShop release.',
    });
  }
  writeWhole(join(work, folderFiles.lengths), read.lengths);
  writeWhole(join(work, folderFiles.ranks), bytesOf(ranksOf(read.asins)));
  const averageLength = read.terms / Math.max(read.documents, 1);
  const norms = { lengths: read.lengths, inverse: inverseNorms(averageLength) };
  const index = await writeIndex(work, { sort, norms, onProgress: options.onProgress });
  return {
    kind: folderKind,
    version: folderVersion,
    products: read.source,
    attributes: attributesSource,
    count: read.asins.length,
    documents: read.documents,
    terms: read.terms,
    ...index,
  };
}

/** Attributes are kept as JSON text, a third of the memory of lists. */
async function loadAttributes(
  options: BuildOptions,
): Promise<{ readonly attributes: ReadonlyMap<string, string>; readonly source: SourceFile | null }> {
  const attributes = new Map<string, string>();
  if (options.attributes === undefined) return { attributes, source: null };
  const { reading, source } = watch(options.attributes, 'attributes', options);
  for await (const [asin, entry] of streamAttributes(options.attributes, reading)) {
    if (entry.attributes !== undefined) attributes.set(asin, JSON.stringify(entry.attributes));
  }
  return { attributes, source: source() };
}

/** Prepares to read a source: reports progress and hashes it on the way. */
function watch(path: string, phase: BuildProgress['phase'], options: BuildOptions) {
  const stat = statSync(path, { throwIfNoEntry: false }); // a missing file is refused by the reader
  const total = stat?.size ?? 0;
  const hash = createFileHash();
  return {
    reading: { hash, onBytes: (done: number): void => options.onProgress?.({ phase, done, total }) },
    source: (): SourceFile => ({ path, sizeBytes: total, changedMs: stat?.mtimeMs ?? 0, sha256: hash.digest('hex') }),
  };
}

interface ReadResult {
  readonly asins: readonly string[];
  readonly lengths: Uint8Array;
  readonly documents: number;
  readonly terms: number;
  readonly source: SourceFile;
}

async function storeProducts(
  work: string,
  given: {
    readonly options: BuildOptions;
    readonly sort: ExternalSort;
    readonly attributes: ReadonlyMap<string, string>;
  },
): Promise<ReadResult> {
  const { options, sort } = given;
  const { reading, source } = watch(options.products, 'products', options);
  const attributes = (asin: string): AttributesEntry | undefined => {
    const list = given.attributes.get(asin);
    return list === undefined ? undefined : { attributes: JSON.parse(list) }; // written by loadAttributes
  };
  const writer = createProductWriter(work);
  const asins: string[] = [];
  let lengths = new Uint8Array(1 << 14);
  let documents = 0;
  let total = 0;
  try {
    for await (const product of readProducts(options.products, { ...reading, attributes })) {
      const terms = englishTerms(documentText(product));
      if (asins.length === lengths.length) {
        const larger = new Uint8Array(2 * lengths.length);
        larger.set(lengths);
        lengths = larger;
      }
      lengths[asins.length] = lengthByte(terms.length);
      sort.add(asins.length, terms);
      writer.add(product);
      asins.push(product.asin);
      total += terms.length;
      if (terms.length > 0) documents += 1;
    }
  } catch (error) {
    writer.abandon();
    throw error;
  }
  writer.finish(asins);
  return { asins, lengths: lengths.slice(0, asins.length), documents, terms: total, source: source() };
}

interface Indexing {
  readonly sort: ExternalSort;
  readonly norms: { readonly lengths: Uint8Array; readonly inverse: Float32Array };
  readonly onProgress: BuildOptions['onProgress'];
}

/** Writes postings and dictionary; both files are closed, also if the merge throws. */
async function writeIndex(
  work: string,
  given: Indexing,
): Promise<{ readonly vocabulary: number; readonly postings: number }> {
  const writers: FileWriter[] = [];
  const open = (file: string): FileWriter => {
    const writer = openWriter(join(work, file));
    writers.push(writer);
    return writer;
  };
  try {
    const files = { dictionary: open(folderFiles.terms), postings: open(folderFiles.postings) };
    const { blocks, ...counts } = await mergeInto(files, given);
    for (const writer of writers) writer.close();
    await writeJson(join(work, folderFiles.blocks), blocks);
    return counts;
  } finally {
    for (const writer of writers) writer.abandon();
  }
}

async function mergeInto(
  files: { readonly dictionary: FileWriter; readonly postings: FileWriter },
  { sort, norms, onProgress }: Indexing,
): Promise<{ readonly blocks: TermBlocks; readonly vocabulary: number; readonly postings: number }> {
  const writer = createTermWriter(files.dictionary);
  const sink = createSink();
  let vocabulary = 0;
  let postings = 0;
  await sort.merge((term, list) => {
    sink.length = 0;
    packPostings(sink, list, norms);
    writer.add(term, { offset: files.postings.size, length: sink.length });
    files.postings.write(sink.bytes.subarray(0, sink.length));
    vocabulary += 1;
    postings += list.length;
    if (vocabulary % 100_000 === 0) onProgress?.({ phase: 'index', done: vocabulary, total: 0 });
  });
  return { blocks: writer.finish(), vocabulary, postings };
}

/** Moves a folder that does not fit its sources out of the way, so that it can be built anew. */
export function discardFolder(folder: string): void {
  const aside = workPath(folder);
  renameSync(folder, aside);
  rmSync(aside, { recursive: true, force: true });
}
