/**
 * A catalogue of any size: WebShop's product files, indexed once into a folder and read from there. Per product it holds about 40 bytes
 * of tables in memory; postings and products are read when asked for and a bounded amount is remembered. Opening is asynchronous, the
 * rest is not. Its three files stay open as long as the process, because a world has no end: a run opens a handful.
 */
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { badInput, messageOf } from '../../../base/error.ts';
import { hashFile, hashJson } from '../../../base/hash.ts';
import { englishTerms } from '../search/analyse.ts';
import { createRanker, type PostingSource } from '../search/rank.ts';
import {
  type BuildOptions,
  buildFolder,
  discardFolder,
  type FolderMeta,
  folderFiles,
  folderKind,
  folderVersion,
  type SourceFile,
} from './build-folder.ts';
import { readAt } from './byte-file.ts';
import type { Catalogue } from './catalogue.ts';
import { openProducts, readWhole } from './product-file.ts';
import { findTerm, type TermBlocks } from './term-file.ts';

/** Postings remembered, in bytes. */
const rememberedBytes = 128 << 20;

/** Options of {@link openCatalogueFolder}: sources and the folder of the index, which is made if it is not there or does not fit them. */
export type FolderOptions = BuildOptions;

/**
 * Opens the catalogue of some product files, indexing them first if need be.
 * @throws {SpaError} If a source is missing or damaged (bad input) or the folder cannot be read.
 */
export async function openCatalogueFolder(options: FolderOptions): Promise<Catalogue> {
  const { folder } = options;
  if (existsSync(folder) && !(await fits(options))) discardFolder(folder);
  if (!existsSync(folder)) await buildFolder(options);
  try {
    return openFolder(folder);
  } catch (error) {
    throw badInput(
      'environment',
      `Cannot open WebShop index "${folder}": ${messageOf(error)}, expected a whole index`,
      {
        hint: 'Remove the folder; it is made again from the product files.',
        cause: error,
      },
    );
  }
}

/** True if the folder was made from these sources by this version. */
async function fits(options: FolderOptions): Promise<boolean> {
  const meta = readMeta(options.folder);
  if (meta.version !== folderVersion) return false;
  if ((meta.attributes === null) !== (options.attributes === undefined)) return false;
  if (!(await isSame(options.products, meta.products))) return false;
  return options.attributes === undefined || meta.attributes === null || isSame(options.attributes, meta.attributes);
}

/** Size and time say yes, a different size says no, and else the content decides. A source that is gone is trusted to be the same. */
async function isSame(path: string, source: SourceFile): Promise<boolean> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return path === source.path;
  if (stat.size !== source.sizeBytes) return false;
  return stat.mtimeMs === source.changedMs || (await hashFile(path)) === source.sha256;
}

/** Reads the record of a folder. A folder that is not ours is never replaced. */
function readMeta(folder: string): FolderMeta {
  const text = ((): string => {
    try {
      return readFileSync(join(folder, folderFiles.meta), 'utf8');
    } catch {
      return ''; // absent: refused below
    }
  })();
  if (!text.includes(`"kind": "${folderKind}"`)) {
    throw badInput(
      'environment',
      `Cannot open WebShop index "${folder}": it is something else, expected an index or no folder`,
      {
        hint: 'Name another folder for the index.',
      },
    );
  }
  return JSON.parse(text); // an own file, published whole; its version is compared first
}

/** Opens the files of a folder; none stays open if one does not fit. */
function openFolder(folder: string): Catalogue {
  const opened: number[] = [];
  const open = (file: string): number => {
    const descriptor = openSync(join(folder, file), 'r');
    opened.push(descriptor);
    return descriptor;
  };
  try {
    return readFolder(folder, open);
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    throw error;
  }
}

function readFolder(folder: string, open: (file: string) => number): Catalogue {
  const meta = readMeta(folder);
  const blocks: TermBlocks = JSON.parse(readFileSync(join(folder, folderFiles.blocks), 'utf8'));
  const lengths = new Uint8Array(readWhole(join(folder, folderFiles.lengths)));
  const ranks = new Uint32Array(readWhole(join(folder, folderFiles.ranks)));
  const products = openProducts(folder, open);
  if (products.size !== meta.count || lengths.length !== meta.count || ranks.length !== meta.count) {
    throw new Error(
      `its files hold ${products.size}, ${lengths.length} and ${ranks.length} products instead of ${meta.count}`,
    );
  }
  const terms = open(folderFiles.terms);
  const postings = open(folderFiles.postings);
  const rank = createRanker({
    documents: meta.documents,
    averageLength: meta.terms / Math.max(meta.documents, 1),
    lengths,
    ranks,
    lookup: remember((term) => {
      const place = findTerm(terms, blocks, term);
      return place === undefined ? undefined : readAt(postings, place.offset, place.length);
    }),
  });
  return {
    size: meta.count,
    digest: hashJson(['webshop catalogue', meta.version, meta.products.sha256, meta.attributes?.sha256 ?? null]),
    product: products.product,
    find: products.find,
    search: (query, limit) => rank(englishTerms(query), limit),
  };
}

/** Remembers lists up to a number of bytes, the least recently used go first. */
function remember(read: (term: string) => Uint8Array | undefined): PostingSource['lookup'] {
  const known = new Map<string, Uint8Array>();
  let total = 0;
  return (term) => {
    const found = known.get(term);
    const bytes = found ?? read(term);
    if (bytes === undefined) return undefined;
    if (found === undefined) total += bytes.length;
    known.delete(term);
    known.set(term, bytes);
    for (const [oldest, list] of known) {
      if (total <= rememberedBytes && known.size <= 20_000) break;
      known.delete(oldest);
      total -= list.length;
    }
    return { bytes, offset: 0 };
  };
}
