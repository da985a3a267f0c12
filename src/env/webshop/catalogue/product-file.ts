/**
 * Products on disk: one JSON record per line, and beside it where each begins and a hash table from asin to number.
 * A product is read when it is asked for; the last few hundred are remembered.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWriter, readAt, writeWhole } from './byte-file.ts';
import type { Product } from './product.ts';

const names = { records: 'products.jsonl', places: 'places.bin', asins: 'asins.bin' } as const;

/** A growing list of numbers, eight bytes each. */
function createNumbers(): { push(value: number): void; done(): Float64Array<ArrayBuffer> } {
  let list = new Float64Array(1 << 14);
  let length = 0;
  return {
    push: (value) => {
      if (length === list.length) {
        const larger = new Float64Array(2 * length);
        larger.set(list);
        list = larger;
      }
      list[length++] = value;
    },
    done: () => list.slice(0, length),
  };
}

/** A store being written. */
export interface ProductWriter {
  /** Adds the next product. */
  add(product: Product): void;
  /** Writes the tables and closes. @param asins All asins in order. */
  finish(asins: readonly string[]): void;
  /** Closes the file of a store that will be removed. */
  abandon(): void;
}

/** Starts a store in an existing, empty folder. */
export function createProductWriter(folder: string): ProductWriter {
  const records = openWriter(join(folder, names.records));
  const places = createNumbers();
  return {
    add: (product) => {
      places.push(records.size);
      records.write(Buffer.from(`${JSON.stringify(product)}\n`, 'utf8'));
    },
    finish: (asins) => {
      places.push(records.size);
      records.close();
      writeWhole(join(folder, names.places), bytesOf(places.done()));
      writeWhole(join(folder, names.asins), bytesOf(hashAsins(asins)));
    },
    abandon: records.abandon,
  };
}

/** Returns the bytes of a typed array. Files are little-endian, as all machines Node runs on. */
export function bytesOf(list: Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(list.buffer, list.byteOffset, list.byteLength);
}

/** Reads a whole file into its own memory, so that it can be seen as numbers. */
export function readWhole(path: string): ArrayBuffer {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer; // readFileSync never shares
}

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** A table of number + 1, 0 where empty; at least half of it is empty. */
function hashAsins(asins: readonly string[]): Uint32Array {
  const table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * asins.length + 2)));
  asins.forEach((asin, number) => {
    let at = hashText(asin) % table.length;
    while (table[at] !== 0) at = (at + 1) % table.length;
    table[at] = number + 1;
  });
  return table;
}

/** A store opened for reading. */
export interface ProductStore {
  readonly size: number;
  product(id: number): Product;
  find(asin: string): number | undefined;
}

/** Opens a store. @param open Opens a file of the folder for reading. @throws {Error} If a file of it is missing. */
export function openProducts(folder: string, open: (file: string) => number): ProductStore {
  const places = new Float64Array(readWhole(join(folder, names.places)));
  const asins = new Uint32Array(readWhole(join(folder, names.asins)));
  const descriptor = open(names.records);
  const size = places.length - 1;
  const recent = new Map<number, Product>();
  const product = (id: number): Product => {
    if (!Number.isInteger(id) || id < 0 || id >= size) {
      throw new RangeError(`Cannot read product ${id}: there is none, expected 0 to ${size - 1}`);
    }
    const known = recent.get(id);
    if (known !== undefined) return known;
    const place = places[id]!;
    const found: Product = JSON.parse(readAt(descriptor, place, places[id + 1]! - place).toString('utf8')); // written by add
    if (recent.size >= 512) recent.delete(recent.keys().next().value!); // not empty
    recent.set(id, found);
    return found;
  };
  return {
    size,
    product,
    find: (asin) => {
      for (let at = hashText(asin) % asins.length; asins[at] !== 0; at = (at + 1) % asins.length) {
        const id = asins[at]! - 1;
        if (product(id).asin === asin) return id;
      }
      return undefined;
    },
  };
}
