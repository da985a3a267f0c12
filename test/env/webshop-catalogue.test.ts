/** Proves the catalogue: products as the original normalises them, files read as a stream, and the index folder equal to memory. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { createRng } from '../../src/base/rng.ts';
import { openMemoryCatalogue } from '../../src/env/webshop/catalogue/catalogue.ts';
import { openCatalogueFolder } from '../../src/env/webshop/catalogue/index-folder.ts';
import { readJsonItems } from '../../src/env/webshop/catalogue/json-stream.ts';
import {
  documentText,
  loadProducts,
  normaliseProduct,
  type Product,
  parsePricing,
  type RawProduct,
} from '../../src/env/webshop/catalogue/product.ts';
import { floatRepr, stripLikePython } from '../../src/env/webshop/catalogue/python-text.ts';
import { readAttributes, readProducts } from '../../src/env/webshop/catalogue/read.ts';
import { createExternalSort } from '../../src/env/webshop/catalogue/runs.ts';
import { hasWebshopData, listQueries, readDocuments, webshopData } from './webshop-queries.ts';

const folder = mkdtempSync(join(tmpdir(), 'webshop-catalogue-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function refusal(work: Promise<unknown>): Promise<{ readonly message: string; readonly badInput: boolean }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SpaError);
  const { message, badInput } = error as SpaError; // checked above
  return { message, badInput };
}

const shirt: RawProduct = {
  asin: 'B000000001',
  name: 'Acme Shirt',
  full_description: 'Soft & WARM',
  small_description: ['Machine washable', 'second'],
  category: 'fashion',
  query: "  Men's Shirts ",
  product_category: 'Clothing › Men › Shirts',
  pricing: '$12 - $1,045.50',
  customization_options: { Color: [{ value: ' Navy/Blue ' }, { value: 'Red' }], Size: null, COLOR2: [] },
};

describe('normaliseProduct()', () => {
  it('does what load_products does', () => {
    expect(normaliseProduct(shirt, { attributes: ['slim fit'] })).toEqual({
      asin: 'B000000001',
      title: 'Acme Shirt',
      description: 'Soft & WARM',
      bullets: ['Machine washable', 'second'],
      query: "men's shirts",
      category: 'fashion',
      productCategory: 'Clothing › Men › Shirts',
      attributes: ['slim fit'],
      options: [
        { name: 'color', values: ['navy | blue', 'red'] },
        { name: 'color2', values: [] },
      ],
      pricing: [12, 1045.5],
      priceTag: '$12.0 to $1045.5',
    });
  });

  it('marks a product without mined attributes and wraps a single bullet point', () => {
    const product = normaliseProduct({ ...shirt, small_description: 'one' });
    expect(product.attributes).toEqual(['DUMMY_ATTR']);
    expect(product.bullets).toEqual(['one']);
  });

  it('gives the text that is indexed', () => {
    const text = 'acme shirt soft & warm machine washable color: navy | blue, red, and color2: ';
    expect(documentText(normaliseProduct(shirt))).toBe(text);
  });
});

describe('loadProducts()', () => {
  it('skips asin "nan", asins longer than ten characters and repeats', () => {
    const raws = ['A', 'nan', 'B123456789', 'B1234567890', 'A'].map((asin, i) => ({ ...shirt, asin, name: `n${i}` }));
    expect(loadProducts(raws).map(({ asin, title }) => [asin, title])).toEqual([
      ['A', 'n0'],
      ['B123456789', 'n2'],
    ]);
  });
});

describe('parsePricing()', () => {
  it.each([
    ['$19.99', [19.99], '$19.99'],
    ['$12', [12], '$12.0'],
    ['$25.00 - $45.50', [25, 45.5], '$25.0 to $45.5'],
    ['US $1,299.00 / $5 / $7', [1299, 5], '$1299.0 to $5.0'],
    ['', [100], '$100.0'],
    [null, [100], '$100.0'],
    ['free', [100], '$100.0'],
  ])('reads %j', (text, pricing, priceTag) => {
    expect(parsePricing(text)).toEqual({ pricing, priceTag });
  });
});

describe('Python texts', () => {
  it('writes floats as repr() does', () => {
    const wanted = ['12.0', '19.99', '0.1', '1e-05', '1.5e+16', '1000000000000000.0', '-0.5', 'inf'];
    expect([12, 19.99, 0.1, 0.00001, 1.5e16, 1e15, -0.5, Number.POSITIVE_INFINITY].map(floatRepr)).toEqual(wanted);
  });

  it('strips what str.strip() strips', () => {
    expect(stripLikePython('\u00a0\u001f x \ufeff\u2003')).toBe('x \ufeff');
  });
});

describe('readJsonItems()', () => {
  const rng = createRng('json items');
  const characters = [...'abc "\\{}[],:\n\u0000é日😀'];
  const items = Array.from({ length: 400 }, (_, i) => ({
    [`key "${i}" \\`]: Array.from({ length: 3000 }, () => rng.pick(characters)).join(''),
    nested: [[i, null, true], { '}': '{"' }],
  }));
  const write = (name: string, data: string | Uint8Array): string => {
    writeFileSync(join(folder, name), data);
    return join(folder, name);
  };

  it('reads arrays, lines and members of more than one chunk, plain and compressed', async () => {
    const list = JSON.stringify(items, null, 1);
    expect(list.length).toBeGreaterThan(1.2 * 2 ** 20);
    const lines = items.map((item) => JSON.stringify(item)).join('\n');
    const read = (path: string) => all(readJsonItems(path, { shape: 'list', what: 'items' }));
    expect(await read(write('list.json', list))).toEqual(items);
    expect(await read(write('list.json.gz', gzipSync(list)))).toEqual(items);
    expect(await read(write('lines.jsonl', `${lines}\n`))).toEqual(items);
    expect(await read(write('lines2.jsonl', lines))).toEqual(items);
    const members = Object.fromEntries(items.map((item, i) => [`m${i}`, item]));
    const found = await all(
      readJsonItems(write('members.json', JSON.stringify(members)), { shape: 'members', what: 'items' }),
    );
    expect(Object.assign({}, ...found)).toEqual(members);
  });

  it('reads empty containers and refuses an empty file', async () => {
    const read = (text: string) => all(readJsonItems(write('small.json', text), { shape: 'list', what: 'items' }));
    expect(await read(' [ ] ')).toEqual([]);
    expect(await read('[1, "a,]", [2], null]')).toEqual([1, 'a,]', [2], null]);
    const path = join(folder, 'small.json');
    expect(await refusal(read(''))).toEqual({
      message: `Cannot read items "${path}": it breaks off after 0 items (byte 0), expected JSON`,
      badInput: true,
    });
  });

  it('names the place where a file is cut short, broken or followed by something else', async () => {
    const read = (data: string | Uint8Array) =>
      refusal(all(readJsonItems(write('bad.json', data), { shape: 'list', what: 'items' })));
    const path = join(folder, 'bad.json');
    expect((await read('[{"a":1},{"b":')).message).toBe(
      `Cannot read items "${path}": it breaks off after 1 items (byte 14), expected JSON`,
    );
    expect((await read('[{"a":1}')).message).toBe(
      `Cannot read items "${path}": it breaks off after 0 items (byte 8), expected JSON`,
    );
    expect((await read('[{"a":1},{b}]')).message).toContain(
      `Cannot read items "${path}": item 2 (before byte 13) is broken: `,
    );
    expect((await read('[1] [2]')).message).toContain('it breaks off after 1 items');
    expect((await read(gzipSync(JSON.stringify(items)).subarray(0, 5000))).message).toContain('unexpected end of file');
  });

  it('says that a file is missing', async () => {
    expect(await refusal(all(readProducts(join(folder, 'absent.json'))))).toEqual({
      message: `Cannot read WebShop products "${join(folder, 'absent.json')}": it does not exist, expected a file`,
      badInput: true,
    });
  });

  it('says that a file holds something else', async () => {
    const path = write('other.json', '[{"asin":"A"}]');
    expect((await refusal(all(readProducts(path)))).message).toBe(
      `Cannot read WebShop products "${path}": item 1 lacks asin, name or another text, expected records of items_shuffle.json`,
    );
    const attributes = write('attributes.json', '{"A":{"attributes":["x"]},"B":3}');
    expect((await refusal(readAttributes(attributes))).message).toBe(
      `Cannot read WebShop attributes "${attributes}": entry "B" is not an object with a list of attributes, expected items_ins_v2.json`,
    );
  });
});

const descriptors = '/proc/self/fd';

/** Counts the files below a folder that this process holds open. */
function countOpen(below: string): number {
  const links = readdirSync(descriptors).flatMap((name) => {
    try {
      return [readlinkSync(join(descriptors, name))];
    } catch {
      return []; // that of the listing itself
    }
  });
  return links.filter((path) => path.startsWith(`${below}/`)).length;
}

/** Writes products with random words in the form of items_shuffle.json. */
function writeProducts(path: string, count: number): void {
  const rng = createRng(['catalogue', count]);
  const text = (length: number): string =>
    Array.from({ length }, () => `w${Math.floor(3000 ** rng.uniform())}`).join(' ');
  const raws = Array.from({ length: count }, (_, i) => ({
    ...shirt,
    asin: `B${(i * 7919) % count}`,
    name: text(6),
    full_description: text(rng.int(30)),
    pricing: i % 3 === 0 ? '$5 - $9.5' : `$${i}`,
  }));
  writeFileSync(path, JSON.stringify([...raws.slice(0, 10), raws[3], { ...shirt, asin: 'nan' }, ...raws.slice(10)]));
}

describe('openCatalogueFolder()', () => {
  const products = join(folder, 'products.json');
  const attributes = join(folder, 'ins.json');
  writeProducts(products, 6000);
  writeFileSync(attributes, JSON.stringify({ B1: { attributes: ['red', 'soft'] }, B2: {}, none: { attributes: [] } }));
  const limits = { postings: 20_000, terms: 2500 }; // makes about ten runs
  const target = join(folder, 'index');

  it('answers as the catalogue in memory does, from many merged runs', async () => {
    const entries = await readAttributes(attributes);
    const list = await all(readProducts(products, { attributes: (asin) => entries.get(asin) }));
    const memory = openMemoryCatalogue(list, { digest: '' });
    const phases: string[] = [];
    const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }): void => {
      if (done === total) phases.push(phase);
    };
    const disk = await openCatalogueFolder({ folder: target, products, attributes, limits, onProgress });
    expect(phases).toEqual(['attributes', 'products']);
    expect(disk.size).toBe(6000);
    const rng = createRng('folder queries');
    for (let i = 0; i < 200; i++) {
      const query = Array.from({ length: 1 + rng.int(12) }, () => `w${Math.floor(3200 ** rng.uniform())}`).join(' ');
      expect(disk.search(query, 50)).toEqual(memory.search(query, 50));
    }
    for (let id = 0; id < disk.size; id += 97) {
      const product = disk.product(id);
      expect(product).toEqual(list[id]);
      expect(disk.find(product.asin)).toBe(id);
    }
    expect(disk.product(disk.find('B1') ?? -1).attributes).toEqual(['red', 'soft']);
    expect(disk.find('B6000')).toBeUndefined();
    expect(() => disk.product(6000)).toThrow(
      new RangeError('Cannot read product 6000: there is none, expected 0 to 5999'),
    );
  });

  it('leaves nothing but the index behind', () => {
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(readdirSync(target).filter((name) => name.startsWith('run-'))).toEqual([]);
  });

  it('opens what is there, also after a mere touch, and builds anew when a source has changed', async () => {
    let builds = 0;
    const open = async (): Promise<readonly [string, number]> => {
      const catalogue = await openCatalogueFolder({ folder: target, products, attributes, onProgress: () => builds++ });
      return [catalogue.digest, catalogue.size];
    };
    const [first] = await open();
    utimesSync(products, 1, 1);
    expect((await open())[0]).toBe(first);
    expect(builds).toBe(0);
    writeProducts(products, 500);
    const [second, size] = await open();
    expect(size).toBe(500);
    expect(second).not.toBe(first);
    expect(builds).toBeGreaterThan(0);
  });

  it('removes what a killed build left, but not the work of a living one or of another host', async () => {
    const dead = `${target}.${hostname()}.999999999.1.tmp`;
    const living = `${target}.${hostname()}.${process.ppid}.1.tmp`;
    const elsewhere = `${target}.other.example.999999999.1.tmp`;
    const working = `${target}.other.example.999999999.2.tmp`; // its folder is old, a file in it is being written
    const old = `${target}.other.example.${process.ppid}.3.tmp`;
    for (const work of [dead, living, elsewhere, working, old]) mkdirSync(work);
    for (const work of [working, old]) {
      writeFileSync(join(work, 'terms.bin'), '');
      if (work === old) utimesSync(join(work, 'terms.bin'), 1, 1);
      utimesSync(work, 1, 1);
    }
    rmSync(target, { recursive: true });
    await openCatalogueFolder({ folder: target, products });
    expect([dead, living, elsewhere, working, old].map((work) => existsSync(work))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
  });

  it('keeps nothing of a build that failed', async () => {
    const cut = join(folder, 'cut.json');
    writeFileSync(cut, readFileSync(products).subarray(0, 100_000));
    const { message } = await refusal(openCatalogueFolder({ folder: join(folder, 'failed'), products: cut, limits }));
    expect(message).toContain(`Cannot read WebShop products "${cut}": it breaks off after `);
    expect(readdirSync(folder).filter((name) => name.startsWith('failed'))).toEqual([]);
  });

  it.skipIf(!existsSync(descriptors))('holds no file of a merge or an index that broke (needs /proc)', async () => {
    const runs = join(folder, 'runs');
    mkdirSync(runs);
    const sort = createExternalSort({ folder: runs, limits: { postings: 4, terms: 4 } });
    for (let document = 0; document < 8; document++) sort.add(document, ['a', 'b', `c${document}`]);
    const breaking = (): void => {
      expect(countOpen(runs)).toBeGreaterThan(1);
      throw new Error('the disk is full');
    };
    await expect(sort.merge(breaking)).rejects.toThrow('the disk is full');
    expect(countOpen(runs)).toBe(0);
    const torn = join(folder, 'torn');
    await openCatalogueFolder({ folder: torn, products });
    const held = countOpen(torn);
    expect(held).toBe(3);
    rmSync(join(torn, 'postings.bin'));
    const { message } = await refusal(openCatalogueFolder({ folder: torn, products }));
    expect(message).toMatch(/^Cannot open WebShop index ".*torn": ENOENT.*, expected a whole index$/);
    expect(countOpen(torn)).toBe(held);
  });

  it('never replaces a folder that is something else', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    appendFileSync(join(other, 'precious'), 'x');
    expect(await refusal(openCatalogueFolder({ folder: other, products }))).toEqual({
      message: `Cannot open WebShop index "${other}": it is something else, expected an index or no folder`,
      badInput: true,
    });
    expect(readdirSync(other)).toEqual(['precious']);
  });

  it('refuses a file without products', async () => {
    const empty = join(folder, 'empty.json');
    writeFileSync(empty, '[]');
    expect((await refusal(openCatalogueFolder({ folder: join(folder, 'none'), products: empty }))).message).toBe(
      `Cannot index WebShop products "${empty}": it holds none, expected some`,
    );
  });
});

describe.skipIf(!hasWebshopData)('on the original 1,000 products (needs shared data)', () => {
  const data = `${webshopData}/products_1k`;

  it('normalises items_shuffle.json to what the original wrote into documents.jsonl, and indexes the same text', async () => {
    const entries = await readAttributes(`${data}/data/items_ins_v2_1000.json.gz`);
    const raw = `${data}/data/items_shuffle_1000.reconstructed.json.gz`;
    const mine: Product[] = await all(readProducts(raw, { attributes: (asin) => entries.get(asin) }));
    expect(mine).toEqual(await all(readProducts(`${data}/resources_1k/documents.jsonl.gz`)));
    expect(mine.map(documentText)).toEqual(readDocuments().map(({ contents }) => contents));
    expect(mine).toHaveLength(1000);
  });

  it('searches the folder as it searches memory', async () => {
    const source = `${data}/resources_1k/documents.jsonl.gz`;
    const memory = openMemoryCatalogue(await all(readProducts(source)), { digest: '' });
    const disk = await openCatalogueFolder({ folder: join(folder, 'thousand'), products: source });
    const queries = listQueries(readDocuments()).filter((_, i) => i % 5 === 0);
    expect(queries.map((query) => disk.search(query, 50))).toEqual(queries.map((query) => memory.search(query, 50)));
  });
});
