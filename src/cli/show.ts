/** `spa show`: a run's stages and tables, its episodes, and one episode turn by turn with the progress the estimator gives each turn. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput } from '../base/error.ts';
import { readTextIfPresent } from '../base/file.ts';
import { findRun, type RunRecord } from '../runner/record.ts';
import { resultFolder } from '../runner/store.ts';
import { loadSettings, shortPath } from './load.ts';
import { durationText, statusText } from './ls.ts';
import type { EpisodeFile } from './show-episode.ts';
import { columns } from './table.ts';

/** Options of `spa show`. */
export interface ShowOptions {
  /** Number of the episode, from 1. */
  readonly episode?: string;
  /** Stage or node the episodes are taken from. */
  readonly stage?: string;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Shows a run, the episodes of one stage, or one episode; returns exit code 0. */
export async function showCommand(name: string, options: ShowOptions): Promise<number> {
  const { runs } = await loadSettings(process.cwd(), process.env);
  const { folder, record } = await findRun(runs, name);
  const files = await episodeFiles(join(runs, 'store'), record);
  if (options.episode !== undefined || options.stage !== undefined) {
    const { showEpisodes } = await import('./show-episode.ts');
    return showEpisodes(chooseFiles(files, record, options.stage), options.episode);
  }
  print(`run ${record.id} of ${record.experiment}: ${statusText(record)} ${durationText(record)}`.trimEnd());
  print(
    `${record.manifestFile}${record.gitCommit === undefined ? '' : ` at ${record.gitCommit.slice(0, 12)}`}, ${shortPath(folder)}\n`,
  );
  const rows = record.nodes.map((node) => [
    node.status ?? 'open',
    node.id,
    node.key.slice(0, 8),
    node.seconds === undefined ? '' : `${node.seconds.toFixed(1)} s`,
    files
      .filter(({ node: id }) => id === node.id)
      .map((file) => file.name)
      .join(' '),
  ]);
  print(columns(['status', 'stage', 'key', 'time', 'episodes'], rows));
  const tables = await readTextIfPresent(join(folder, 'result.txt'));
  if (tables !== undefined) print(`\n${tables.trimEnd()}`);
  if (files.length > 0) print(`\nEpisodes: spa show ${record.id} --stage ${files.at(-1)!.node} [--episode 1]`); // not empty
  return 0;
}

async function episodeFiles(store: string, record: RunRecord): Promise<EpisodeFile[]> {
  const all = await Promise.all(
    record.nodes.map(async (node) => {
      const folder = resultFolder(store, node);
      const names = await readdir(folder).catch(() => [] as string[]);
      return names
        .filter((name) => name.endsWith('.arrow'))
        .map((name) => ({ node: node.id, name, path: join(folder, name) }));
    }),
  );
  return all.flat();
}

function chooseFiles(files: readonly EpisodeFile[], record: RunRecord, stage: string | undefined): EpisodeFile[] {
  const chosen = files.filter(
    ({ node }) => stage === undefined || node === stage || node.split('/')[0] === stage || node.split('@')[0] === stage,
  );
  if (chosen.length > 0) return chosen;
  const known = [...new Set(files.map(({ node }) => node))];
  const is = stage === undefined ? 'it has no episodes' : `stage "${stage}" has no episodes`;
  throw badInput(
    'store',
    `Cannot show episodes of run "${record.id}": ${is}, expected one of ${known.join(', ') || 'a finished stage that plays'}`,
  );
}
