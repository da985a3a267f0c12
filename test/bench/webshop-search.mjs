/**
 * WebShop search at scale: writes a seeded file of products, indexes it in one process and searches it in another, and prints time, disk
 * and peak memory of each. `npm run bench -- webshop-search [products, default 50000] [folder, default a temporary one]`.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRng } from '../../dist/base/rng.js';
import { openCatalogueFolder } from '../../dist/env/webshop/catalogue/index-folder.js';

const vocabulary = 400_000;
const searches = 1000;

/** Makes a sampler of words whose frequencies follow Zipf's law; rank 0 is the most common. */
function createWords() {
  const syllables = ['ba', 'ce', 'di', 'fo', 'gu', 'la', 'me', 'ni', 'po', 'ru', 'sha', 'te', 'vi', 'wo', 'xu', 'zy'];
  const words = Array.from({ length: vocabulary }, (_, rank) => {
    let word = '';
    for (let rest = rank + 16; rest > 0; rest = Math.floor(rest / 16)) word += syllables[rest % 16];
    return word;
  });
  const sums = new Float64Array(vocabulary);
  let sum = 0;
  for (let rank = 0; rank < vocabulary; rank++) {
    sum += 1 / (rank + 5);
    sums[rank] = sum;
  }
  const sample = (rng) => {
    const wanted = rng.uniform() * sum;
    let low = 0;
    let high = vocabulary - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return words[low];
  };
  return { sample, text: (rng, length) => Array.from({ length }, () => sample(rng)).join(' ') };
}

/** Writes products in the form of items_shuffle.json; bullets but the first are not indexed, as in the original. */
function writeProducts(path, count) {
  const words = createWords();
  const file = openSync(path, 'w');
  let lines = ['['];
  for (let i = 0; i < count; i++) {
    const rng = createRng(['webshop bench', i]);
    const product = {
      asin: `B${String(i).padStart(9, '0')}`,
      name: words.text(rng, 8 + rng.int(14)),
      full_description: words.text(rng, rng.int(160)),
      small_description: Array.from({ length: 4 }, () => words.text(rng, 14)),
      category: 'garden',
      query: words.text(rng, 2),
      product_category: 'Home › Furniture › Tables',
      pricing: `$${(rng.uniform() * 200).toFixed(2)}`,
      customization_options: { Color: Array.from({ length: rng.int(6) }, () => ({ value: words.text(rng, 2) })) },
      images: [''],
    };
    lines.push(JSON.stringify(product) + (i < count - 1 ? ',' : ']'));
    if (lines.length > 1000 || i === count - 1) {
      writeSync(file, `${lines.join('\n')}\n`);
      lines = [];
    }
  }
  closeSync(file);
}

const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const peak = () => process.resourceUsage().maxRSS * 1024;

/** Indexes, or opens what is indexed and searches. Runs in a process of its own. */
async function runPhase(phase, folder) {
  const start = performance.now();
  const catalogue = await openCatalogueFolder({
    folder: join(folder, 'index'),
    products: join(folder, 'items_shuffle.json'),
  });
  const openMs = performance.now() - start;
  const cpu = process.cpuUsage();
  if (phase === 'build') return { seconds: openMs / 1000, cpuSeconds: (cpu.user + cpu.system) / 1e6, peak: peak() };
  const rng = createRng('webshop bench queries');
  const queries = Array.from({ length: searches }, () => {
    const words = catalogue.product(rng.int(catalogue.size)).title.split(' ');
    const common = createdWords.text(rng, 8);
    return `${words.slice(0, 4 + rng.int(8)).join(' ')} ${common}`;
  });
  const times = queries.map((query) => {
    const from = performance.now();
    catalogue.search(query, 50);
    return performance.now() - from;
  });
  const productStart = performance.now();
  for (let i = 0; i < searches; i++) catalogue.product(rng.int(catalogue.size));
  const productMs = (performance.now() - productStart) / searches;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(share * (times.length - 1))];
  return {
    openMs,
    median: at(0.5),
    p95: at(0.95),
    worst: at(1),
    productMs,
    peak: peak(),
    resident: process.memoryUsage().rss,
  };
}

const createdWords = createWords();

/** Prints the table. */
export async function run([countText = '50000', given]) {
  const count = Number(countText);
  const folder = given ?? mkdtempSync(join(tmpdir(), 'spa-webshop-'));
  mkdirSync(folder, { recursive: true });
  try {
    writeProducts(join(folder, 'items_shuffle.json'), count);
    const source = statSync(join(folder, 'items_shuffle.json')).size;
    const child = (phase) => {
      const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), phase, folder], {
        encoding: 'utf8',
      });
      return JSON.parse(output);
    };
    const built = child('build');
    const index = join(folder, 'index');
    const sizes = readdirSync(index).map((name) => [name, statSync(join(index, name)).size]);
    const products = sizes.find(([name]) => name === 'products.jsonl')[1];
    const all = sizes.reduce((sum, [, size]) => sum + size, 0);
    const found = child('search');
    console.log(
      `WebShop search, ${count.toLocaleString('en')} generated products (${megabytes(source)} of JSON), one core`,
    );
    console.log(
      `  index            ${built.seconds.toFixed(1)} s (${built.cpuSeconds.toFixed(1)} s of processor), peak memory ${megabytes(built.peak)}`,
    );
    console.log(
      `  disk             ${megabytes(all)}: products ${megabytes(products)}, search ${megabytes(all - products)}`,
    );
    console.log(`  open             ${found.openMs.toFixed(0)} ms`);
    console.log(
      `  search, top 50   median ${found.median.toFixed(2)} ms, p95 ${found.p95.toFixed(2)} ms, worst ${found.worst.toFixed(2)} ms (${searches} queries of 12 to 19 words)`,
    );
    console.log(`  read a product   ${found.productMs.toFixed(3)} ms`);
    console.log(`  memory           ${megabytes(found.resident)} resident, peak ${megabytes(found.peak)}`);
  } finally {
    if (given === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(JSON.stringify(await runPhase(process.argv[2], process.argv[3])));
}
