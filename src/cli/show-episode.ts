/** Episodes on the screen: a list of them, or one with its turns and bars of progress. */
import { badInput } from '../base/error.ts';
import { readEpisodes } from '../data/reader.ts';
import type { Episode } from '../data/trajectory.ts';
import { columns } from './table.ts';

const BAR = 16;

/** A trajectory file of a run. */
export interface EpisodeFile {
  /** Id of the node that wrote it. */
  readonly node: string;
  readonly name: string;
  readonly path: string;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Lists episodes, or shows the one of that number (from 1); returns exit code 0. */
export async function showEpisodes(files: readonly EpisodeFile[], number: string | undefined): Promise<number> {
  const wanted = number === undefined ? undefined : Number(number);
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted > 0)) {
    throw badInput('data', `Cannot show episode "${number}": it is no number, expected 1 or more`);
  }
  const rows: string[][] = [];
  let count = 0;
  for (const file of files) {
    for await (const episode of readEpisodes(file.path)) {
      count += 1;
      if (count === wanted) return showEpisode(episode, file);
      if (wanted === undefined) rows.push(rowOf(count, episode, file));
    }
  }
  if (wanted !== undefined)
    throw badInput('data', `Cannot show episode "${wanted}": there are ${count}, expected 1 to ${count}`);
  print(columns(['#', 'stage', 'split', 'outcome', 'return', 'turns', 'task'], rows));
  return 0;
}

const rowOf = (count: number, episode: Episode, { node }: EpisodeFile): string[] => [
  String(count),
  node,
  episode.split,
  episode.outcome,
  episode.return.toFixed(2),
  String(episode.turns.length),
  episode.taskId,
];

function showEpisode(episode: Episode, { node }: EpisodeFile): number {
  print(`${episode.taskId} (${episode.taskType}, ${episode.split}), played by ${node}, rollout ${episode.rollout}`);
  print(`${episode.outcome}, return ${episode.return}\n`);
  const largest = Math.max(...episode.turns.map(({ progress }) => Math.abs(progress ?? 0)), Number.EPSILON);
  for (const [index, turn] of episode.turns.entries()) {
    print(indent(turn.observation));
    if (turn.thought !== '') print(`      thought: ${turn.thought}`);
    const progress = turn.progress === null ? '' : `  ${progressBar(turn.progress, largest)}`;
    print(`${String(index + 1).padStart(3)} > ${turn.action}${turn.grounded ? '' : '   (refused)'}${progress}`);
  }
  if (episode.finalObservation !== undefined) print(indent(episode.finalObservation));
  return 0;
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n');

/** A bar as long as the progress of the turn, relative to the largest of the episode; `-` for a step back. */
function progressBar(progress: number, largest: number): string {
  const length = Math.round((BAR * Math.abs(progress)) / largest);
  return `${progress < 0 ? '-' : '+'}${Math.abs(progress).toFixed(3)} ${(progress < 0 ? '░' : '█').repeat(length)}`;
}
