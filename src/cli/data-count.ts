/** Counts what a data folder holds, in the unit of its world; quick, so that a list of it takes no time. */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DataName } from './data-source.ts';

/** Larger JSON files are not parsed only to be counted. */
const PARSE_BYTES = 64e6;

/** Says in words what a folder holds, e.g. `3,554 train, 140 valid_seen games`; undefined if it holds nothing of the world. */
export async function countData(name: DataName, folder: string): Promise<string | undefined> {
  if (name === 'alfworld') return countGames(folder);
  return name === 'webshop' ? countProducts(folder) : countTasks(folder);
}

const number = (count: number): string => count.toLocaleString('en-US');

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

async function countGames(folder: string): Promise<string | undefined> {
  const root = join(folder, 'json_2.1.1');
  const counts: string[] = [];
  for (const split of ['train', 'valid_seen', 'valid_unseen']) {
    let games = 0;
    for (const task of await namesIn(join(root, split))) {
      for (const trial of await namesIn(join(root, split, task))) {
        const files = await namesIn(join(root, split, task, trial));
        if (files.some((file) => file === 'game.tw-pddl' || file === 'game.tw-pddl.gz')) games += 1;
      }
    }
    if (games > 0) counts.push(`${number(games)} ${split}`);
  }
  return counts.length === 0 ? undefined : `${counts.join(', ')} game files, unsolvable ones included`;
}

async function countProducts(folder: string): Promise<string | undefined> {
  const counts: string[] = [];
  const files = [
    ['items_shuffle.json', 'products'],
    ['items_shuffle_1000.json', 'products'],
    ['items_human_ins.json', 'products with human instructions'],
  ] as const;
  for (const [file, unit] of files) {
    const path = join(folder, file);
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined) continue;
    if (size > PARSE_BYTES) counts.push(`${(size / 1e9).toFixed(1)} GB of ${unit}`);
    else counts.push(`${number(await entriesIn(path))} ${unit}`);
  }
  return counts.length === 0 ? undefined : counts.join(', ');
}

async function entriesIn(path: string): Promise<number> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Array.isArray(value) ? value.length : Object.keys(value ?? {}).length;
  } catch {
    return 0; // a damaged file holds nothing that can be counted; whoever reads it says why
  }
}

async function countTasks(folder: string): Promise<string | undefined> {
  const counts: string[] = [];
  for (const split of ['seen', 'unseen']) {
    const path = join(folder, 'tasks', 'STeCa', `vh_${split}_test.jsonl`);
    const lines = await linesIn(path);
    if (lines > 0) counts.push(`${number(lines)} ${split} tasks`);
  }
  const graphs = join(folder, 'programs_processed_precond_nograb_morepreconds', 'init_and_final_graphs');
  const all = await readdir(graphs, { recursive: true }).catch(() => [] as string[]);
  const count = all.filter((file) => /\.json(\.gz)?$/.test(file)).length;
  if (count > 0) counts.push(`${number(count)} graphs`);
  return counts.length === 0 ? undefined : counts.join(', ');
}

async function linesIn(path: string): Promise<number> {
  if ((await stat(path).catch(() => undefined)) === undefined) return 0;
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) if (line !== '') lines += 1;
  return lines;
}
