/**
 * Games in ALFWorld's own tree: `json_2.1.1/<split>/<task>/<trial>/game.tw-pddl`, plain or gzip-compressed. Kept are the six task types
 * without `movable` and `Sliced`, marked solvable (alfworld/alfworld@0.3.3 agents/environment/alfred_tw_env.py `collect_game_files`).
 * `traj_data.json` beside a game is neither read nor required: the folder's name says what the expert needs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { badInput, messageOf } from '../../base/error.ts';
import { hashJson, sha256 } from '../../base/hash.ts';
import type { Task } from '../environment.ts';
import type { GameText } from './game.ts';
import type { GameSource } from './source.ts';
import { parseTaskName } from './task.ts';

/** Options of {@link openFiles}. */
export interface FilesOptions {
  /** Folder that holds `json_2.1.1`, or that folder itself. */
  readonly root: string;
  /** Splits to offer; default: those of the published three that are there. */
  readonly splits?: readonly string[];
  /** `sorted`: by path. Otherwise a file that lists `<task>/<trial>`, one per line or as a JSON list; unlisted games come last. */
  readonly order?: 'sorted' | (string & {});
}

/** Part of every digest: what the engine makes of the same files. Bump it when that changes. */
const rulesVersion = 2;

const published = ['train', 'valid_seen', 'valid_unseen'];
const fileNames = ['game.tw-pddl', 'game.tw-pddl.gz'];

interface Listing {
  readonly tasks: readonly Task[];
  readonly files: ReadonlyMap<string, string>;
  readonly digest: string;
}

/**
 * Opens a tree of games. Each split is listed once, when first asked for.
 * @throws {SpaError} If the folder holds none of the splits (bad input).
 */
export function openFiles(options: FilesOptions): GameSource {
  const nested = join(options.root, 'json_2.1.1');
  const root = existsSync(nested) ? nested : options.root;
  const splits = (options.splits ?? published).filter((split) => existsSync(join(root, split)));
  const missing = (options.splits ?? []).filter((split) => !splits.includes(split));
  if (splits.length === 0 || missing.length > 0) {
    const what = missing.length > 0 ? `has no folder "${missing[0]}"` : 'holds no games';
    throw badInput(
      'environment',
      `Cannot open ALFWorld games "${options.root}": it ${what}, expected json_2.1.1/<split>`,
      {
        hint: 'Name the folder that holds json_2.1.1 (ALFWORLD_DATA), or use generated games.',
      },
    );
  }
  const rank = readOrder(options.order);
  const listings = new Map<string, Listing>();
  const listing = (split: string): Listing => {
    const known = listings.get(split) ?? listSplit(root, split, rank);
    listings.set(split, known);
    return known;
  };
  return {
    splits,
    tasks: (split) => listing(split).tasks,
    read: (task) => {
      const file = listing(task.split).files.get(task.id);
      if (file === undefined) {
        throw badInput(
          'environment',
          `Cannot read game "${task.id}": it is not in ${root}, expected a task of its listing`,
        );
      }
      return readGame(file);
    },
    digest: (split) => listing(split).digest,
  };
}

function listSplit(root: string, split: string, rank: ReadonlyMap<string, number>): Listing {
  const files = new Map<string, string>();
  const tasks: Task[] = [];
  const hashes: [string, string][] = [];
  for (const folder of foldersIn(join(root, split))) {
    const params = parseTaskName(folder);
    if (params === undefined || /movable|Sliced/.test(folder)) continue;
    for (const trial of foldersIn(join(root, split, folder))) {
      const name = fileNames.find((file) => existsSync(join(root, split, folder, trial, file)));
      if (name === undefined) continue;
      const file = join(root, split, folder, trial, name);
      const bytes = readFileSync(file);
      if (!isSolvable(file, bytes)) continue;
      const id = `${split}/${folder}/${trial}`;
      files.set(id, file);
      tasks.push({ id, split, type: params.type });
      hashes.push([id, sha256(bytes)]);
    }
  }
  if (tasks.length === 0) {
    throw badInput(
      'environment',
      `Cannot list games of split "${split}": ${join(root, split)} holds none that are solvable, expected some`,
      {
        hint: 'The tree must hold <task>/<trial>/game.tw-pddl, as ALFWorld publishes it.',
      },
    );
  }
  const rankOf = (task: Task): number => rank.get(task.id.slice(split.length + 1)) ?? rank.size;
  tasks.sort((a, b) => rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1));
  return {
    tasks,
    files,
    digest: hashJson([
      `alfworld files, rules ${rulesVersion}`,
      hashes.sort(([a], [b]) => (a < b ? -1 : 1)),
      tasks.map((task) => task.id),
    ]),
  };
}

function foldersIn(path: string): string[] {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() || entry.isSymbolicLink() ? [entry.name] : [])).sort();
}

/** The flag is the last member of the file, so a plain file need not be parsed to be listed. */
function isSolvable(file: string, bytes: Buffer): boolean {
  if (!file.endsWith('.gz')) {
    const tail = /"solvable":\s*(true|false)\s*\}\s*$/.exec(bytes.subarray(-64).toString('latin1'));
    if (tail !== null) return tail[1] === 'true';
  }
  return parseGame(file, bytes).solvable === true;
}

function readGame(file: string): GameText {
  return parseGame(file, readFileSync(file));
}

function parseGame(file: string, bytes: Buffer): GameText & { readonly solvable?: boolean } {
  const fail = (what: string): never => {
    throw badInput('environment', `Cannot read game "${file}": ${what}, expected ALFWorld's game.tw-pddl`, {
      hint: 'The file is damaged: fetch it again.',
    });
  };
  try {
    const game: unknown = JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
    if (isGameText(game)) return game;
  } catch (error) {
    return fail(messageOf(error));
  }
  return fail('it lacks pddl_domain, grammar or pddl_problem');
}

function isGameText(value: unknown): value is GameText & { readonly solvable?: boolean } {
  if (typeof value !== 'object' || value === null) return false;
  const game = value as Readonly<Record<string, unknown>>; // only read, member by member
  return ['pddl_domain', 'grammar', 'pddl_problem'].every((key) => typeof game[key] === 'string');
}

/** Reads an ordered list; entries are matched by their last two folders. */
function readOrder(order: FilesOptions['order']): ReadonlyMap<string, number> {
  if (order === undefined || order === 'sorted') return new Map();
  if (!existsSync(order)) {
    throw badInput(
      'environment',
      `Cannot read game order "${order}": the file does not exist, expected one game per line`,
    );
  }
  const text = readFileSync(order, 'utf8');
  const lines = text.match(/[^\s"',[\]/\\]+[/\\]trial_[^\s"',[\]/\\]+/g) ?? [];
  return new Map(lines.map((line, i) => [line.replace('\\', '/'), i]));
}
