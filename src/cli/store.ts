/** `spa store ls|verify|gc`: looking after the store of results. */
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { storedName } from '../runner/key.ts';
import { listRuns } from '../runner/record.ts';
import { listStored, type StoredStage, verifyFolder } from '../runner/store.ts';
import { loadSettings } from './load.ts';
import { bytesText, columns } from './table.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const sizeOf = (stored: StoredStage): number => stored.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

async function openStore(): Promise<{ runs: string; store: string }> {
  const { runs } = await loadSettings(process.cwd(), process.env);
  return { runs, store: join(runs, 'store') };
}

/** Lists the results; returns exit code 0. */
export async function storeLs(): Promise<number> {
  const all = await listStored((await openStore()).store);
  const rows = all
    .sort((a, b) => (a.stored.finishedAt < b.stored.finishedAt ? -1 : 1))
    .map(({ folder, stored }) => [
      basename(folder),
      stored.node,
      bytesText(sizeOf(stored)),
      `${stored.seconds.toFixed(1)} s`,
      stored.finishedAt.slice(0, 19),
    ]);
  print(columns(['result', 'made as', 'size', 'took', 'finished'], rows));
  return 0;
}

/** Verifies every result; returns exit code 1 if one is damaged. */
export async function storeVerify(): Promise<number> {
  const { store } = await openStore();
  const names = (await readdir(store).catch(() => [] as string[])).filter((name) => !name.startsWith('.'));
  let damaged = 0;
  for (const name of names) {
    const problems = await verifyFolder(join(store, name));
    if (problems.length > 0) damaged += 1;
    for (const problem of problems) print(`damaged  ${name}  ${problem}`);
  }
  print(`${names.length} results, ${damaged} damaged`);
  return damaged === 0 ? 0 : 1;
}

/** Lists what no run refers to, leftovers and damaged results; removes them with `yes`. Returns exit code 0. */
export async function storeGc(options: { readonly yes?: boolean }): Promise<number> {
  const { runs, store } = await openStore();
  const wanted = new Set(
    (await listRuns(runs)).flatMap(({ record }) => record.nodes.map(({ stage, key }) => storedName(stage, key))),
  );
  const unused = (await readdir(store).catch(() => [] as string[])).filter(
    (name) => !name.startsWith('.') && !wanted.has(name),
  );
  const leftovers = await Promise.all(['.partial', '.quarantine'].map((part) => entriesOf(store, part)));
  const held = new Set((await entriesOf(store, '.lock')).map((path) => basename(path)));
  const paths = [...unused, ...leftovers.flat()].filter((path) => !held.has(basename(path)));
  let bytes = 0;
  for (const path of paths) {
    const size = await folderSize(join(store, path));
    bytes += size;
    print(`${options.yes ? 'removed' : 'unused'}  ${path}  ${bytesText(size)}`);
    if (options.yes) await rm(join(store, path), { recursive: true, force: true });
  }
  print(
    `${paths.length} folders, ${bytesText(bytes)}${options.yes || paths.length === 0 ? '' : '; --yes removes them'}`,
  );
  return 0;
}

const entriesOf = async (store: string, part: string): Promise<string[]> =>
  (await readdir(join(store, part)).catch(() => [] as string[])).map((name) => join(part, name));

async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name))),
  );
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
