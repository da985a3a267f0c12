/** WebShop against princeton-nlp/WebShop's text environment over pyserini: the same 1,000 products, index, goals, prices and actions. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createRng } from '../../../dist/base/rng.js';
import { openFiles } from '../../../dist/env/webshop/files.js';
import { seededPrices } from '../../../dist/env/webshop/goal.js';
import { taggedNouns } from '../../../dist/env/webshop/nouns.js';
import { openWebshop } from '../../../dist/env/webshop/webshop.js';
import { expertRun, randomRun } from './runs.mjs';
import { shared, sourceOf } from './shared.mjs';

export const title = 'WebShop';
export const script = 'webshop_player.py';
export const includes =
  'a step is action in; page as text, reward, done out. The original renders HTML and parses it; its own list of clickables is part of its step';
/** The original's step does not return a list of actions. */
export const listsAlways = false;
export const taskCount = 12;
export const rounds = 5;
export const liveOriginals = 150;

/** Opens real products if there are any, else a generated shop. */
export async function open() {
  const root = process.env.WEBSHOP_DATA ?? shared('webshop/products_1k');
  if (root !== undefined && existsSync(root)) {
    const world = await openWebshop({ source: 'files', root, goals: 'human', priceSeed: 1 });
    return { world, what: 'real products and human instructions', root };
  }
  const world = await openWebshop({
    source: 'generated',
    seed: 1,
    counts: { train: 30, valid_seen: 1, valid_unseen: 1 },
  });
  return { world, what: 'a generated shop, as no real data are here' };
}

/** Chooses the first goals. */
export function choose(world, count) {
  return world.splits.flatMap((split) => world.tasks(split)).slice(0, count);
}

/**
 * Records the expert, random play, and searches. Our shop remembers what it has searched and shown, so that the first two, played again and
 * again, cost little; in the third every search is a new one. It is recorded in another shop for that.
 */
export async function record(world, tasks) {
  const { world: other } = await open();
  const unseen = searchRuns(other, tasks);
  return {
    'new searches': { runs: unseen.slice(0, tasks.length), unseen },
    'expert play, repeated': { runs: tasks.map((task) => expertRun(world, task)) },
    'random play, repeated': { runs: tasks.map((task) => randomRun(world, task, buysLast)) },
  };
}

/** 3,000 episodes of four steps: a search that nobody made before, an item, back, the next page. */
function searchRuns(world, tasks) {
  const rng = createRng(['bench', 'searches']);
  const words = tasks
    .flatMap((task) =>
      world
        .reset(task)
        .observation.split(' [SEP] ')[2]
        .split(/[^a-z]+/i),
    )
    .filter(Boolean);
  return Array.from({ length: 3_000 }, (_, i) => {
    const task = tasks[i % tasks.length];
    const query = Array.from({ length: 6 }, () => rng.pick(words))
      .join(' ')
      .toLowerCase();
    const actions = [`search[${query}]`];
    const { state } = world.step(task, world.reset(task).state, actions[0]);
    const links = world.admissible(task, state).filter((action) => /^click\[b0/.test(action));
    if (links.length > 0) actions.push(rng.pick(links), 'click[< prev]');
    return { task, actions: [...actions, 'click[next >]'] };
  });
}

/** A purchase ends an episode: it may only be the last of the 15 actions. */
const buysLast = (action, number) => action !== 'click[buy now]' || number === 14;

/** Unpacks data and index for the original and hands it our goals, prices and nouns. */
export async function specOf(plays, { root }) {
  const source = sourceOf('WEBSHOP_SOURCE', 'webshop', 'web_agent_site');
  if (root === undefined || source === undefined) return undefined;
  const temp = mkdtempSync(join(tmpdir(), 'spa-bench-shop-'));
  const unpack = (names) => {
    const from = names
      .flatMap((name) => [join(root, 'data', name), join(root, name)])
      .find((file) => existsSync(file) || existsSync(`${file}.gz`));
    const bytes = existsSync(from) ? readFileSync(from) : gunzipSync(readFileSync(`${from}.gz`));
    const file = join(temp, names[0]);
    writeFileSync(file, bytes);
    return file;
  };
  const files = {
    products: unpack(['items_shuffle.json', 'items_shuffle_1000.json', 'items_shuffle_1000.reconstructed.json']),
    attributes: unpack(['items_ins_v2.json', 'items_ins_v2_1000.json']),
    instructions: unpack(['items_human_ins.json', 'items_human_ins.subset13.json']),
  };
  const shop = await openFiles({ root, goals: 'human', priceSeed: 1 });
  const goals = shop.splits.flatMap((split) => shop.goals(split));
  const spec = {
    ...files,
    source,
    index: unpackIndex(process.env.WEBSHOP_INDEX ?? shared('webshop/lucene_1k/indexes_1k_lucene90.tar.xz'), temp),
    ...productsOf(shop),
    goals: goals.map(originalGoal),
    plays: plays.map(({ runs }) => ({
      runs: runs.map(({ task, actions }) => ({
        key: task.id,
        goal: goals.findIndex(({ id }) => id === task.id),
        actions,
      })),
    })),
  };
  return { spec, remove: () => rmSync(temp, { recursive: true, force: true }) };
}

/** The folder of a Lucene index: as it is, or unpacked from an archive; undefined if there is none. */
function unpackIndex(path, temp) {
  if (path === undefined || !path.includes('.tar')) return path;
  const folder = join(temp, 'index');
  mkdirSync(folder);
  execFileSync('tar', ['-xf', path, '-C', folder]);
  return folder;
}

function productsOf({ catalogue, nouns }) {
  const tag = nouns ?? taggedNouns();
  const prices = seededPrices(1);
  const products = Array.from({ length: catalogue.size }, (_, id) => catalogue.product(id));
  return {
    prices: Object.fromEntries(products.map((product) => [product.asin, prices.price(product)])),
    nouns: Object.fromEntries(products.map((product) => [product.title, tag(product)])),
  };
}

function originalGoal(goal) {
  return {
    asin: goal.asin,
    category: goal.category,
    query: goal.query,
    name: goal.title,
    product_category: goal.productCategory,
    instruction_text: goal.instruction,
    attributes: goal.attributes,
    price_upper: goal.priceUpper,
    goal_options: goal.options,
    weight: 1,
  };
}

/** Everything the two worlds must agree on in one episode. */
export function compare(world, { task, actions }, theirs) {
  const opened = world.reset(task);
  const pairs = [
    {
      kind: 'observations',
      where: `${task.id}, opening`,
      ours: opened.observation,
      theirs: theirs.opening.observation,
    },
  ];
  let { state } = opened;
  for (const [i, action] of actions.entries()) {
    const where = `${task.id}, step ${i} "${action}"`;
    const turn = world.step(task, state, action);
    const { observation, reward, done } = theirs.turns[i];
    pairs.push({ kind: 'observations', where, ours: turn.observation, theirs: observation });
    pairs.push({ kind: 'rewards and ends', where, ours: `${turn.reward} ${turn.done}`, theirs: `${reward} ${done}` });
    ({ state } = turn);
  }
  return pairs;
}
