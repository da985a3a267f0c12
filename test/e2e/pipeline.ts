/** The whole pipeline on a tiny experiment, in real processes: how it is run and what it leaves. */
import { copyFile, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../src/base/hash.ts';
import { readEpisodes } from '../../src/data/reader.ts';
import type { Episode } from '../../src/data/trajectory.ts';
import type { StoredStage } from '../../src/runner/store.ts';
import { type Ended, type Started, startNode } from './process.ts';

/** The `spa` command. */
export const command = fileURLToPath(new URL('../../src/cli/spa.mjs', import.meta.url));
const manifest = fileURLToPath(new URL('./fixtures/tiny.json', import.meta.url));

/** The stages of the tiny experiment, in an order in which they can run. */
export const stages = [
  'demonstrate',
  'sft',
  'evaluate:sft',
  'explore',
  'estimate',
  'attribute',
  'optimise',
  'evaluate',
] as const;

/** One event of a run. */
export interface SaidEvent {
  readonly type: string;
  readonly node?: string;
  readonly status?: string;
  readonly step?: number;
  readonly values?: Readonly<Record<string, number>>;
  readonly tables?: string;
  readonly problems?: readonly string[];
}

/** What a run said. */
export interface Run {
  readonly code: number | null;
  readonly err: string;
  readonly events: readonly SaidEvent[];
  /** Stage -> run, cached, failed, … */
  readonly statuses: Readonly<Record<string, string>>;
  readonly tables: string;
}

/** Makes a folder with the tiny experiment. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spa-tiny-'));
  await copyFile(manifest, join(folder, 'tiny.json'));
  return folder;
}

/** Starts the experiment. */
export const startTiny = (folder: string, words: readonly string[] = []): Started =>
  startNode([command, 'run', 'tiny.json', '--json', ...words], { cwd: folder });

/** Runs the experiment to its end. */
export async function runTiny(folder: string, words: readonly string[] = []): Promise<Run> {
  return readRun(await startTiny(folder, words).ended);
}

/** Reads what a run said; a last line that a kill cut off is left out. */
export function readRun({ code, out, err }: Ended): Run {
  const lines = out.slice(0, out.lastIndexOf('\n') + 1).split('\n');
  const events = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as SaidEvent); // its own lines
  const finished = events.filter(({ type }) => type === 'finished');
  return {
    code,
    err,
    events,
    statuses: Object.fromEntries(finished.map(({ node, status }) => [nameOf(node!), status!])),
    tables: events.find(({ type }) => type === 'ended')?.tables ?? '',
  };
}

/** Name of a node without its seed. */
export const nameOf = (node: string): string => node.split('/')[0]!;

/** A published result and where it lies. */
export interface Published {
  readonly folder: string;
  readonly record: StoredStage;
}

/** Reads every published result by its node's name. */
export async function publishedIn(folder: string): Promise<Record<string, Published>> {
  const store = join(folder, 'runs/store');
  const names = (await readdir(store)).filter((name) => !name.startsWith('.'));
  const all = await Promise.all(
    names.map(async (name): Promise<Published> => {
      const text = await readFile(join(store, name, 'stage.json'), 'utf8');
      return { folder: join(store, name), record: JSON.parse(text) as StoredStage }; // written by the store
    }),
  );
  return Object.fromEntries(all.map((result) => [nameOf(result.record.node), result]));
}

/** Reads a trajectory file. */
export async function episodesIn(path: string): Promise<Episode[]> {
  const episodes: Episode[] = [];
  for await (const episode of readEpisodes(path)) episodes.push(episode);
  return episodes;
}

/** Everything that decides something of every result: digests of files, of episodes without their times, and summaries. */
export async function contentOf(folder: string): Promise<Record<string, Record<string, unknown>>> {
  const content: Record<string, Record<string, unknown>> = {};
  for (const [name, { folder: at, record }] of Object.entries(await publishedIn(folder))) {
    const entries: Record<string, unknown> = { key: record.key, summary: record.summary };
    for (const file of record.files) {
      entries[file.path] = file.path.endsWith('.arrow') ? await timelessDigest(join(at, file.path)) : file.sha256;
    }
    content[name] = entries;
  }
  return content;
}

async function timelessDigest(path: string): Promise<string> {
  const timeless = (await episodesIn(path)).map((episode) => ({
    ...episode,
    turns: episode.turns.map(({ startedAtMs: _started, actMs: _act, stepMs: _step, ...turn }) => turn),
  }));
  return sha256(Buffer.from(JSON.stringify(timeless)));
}
