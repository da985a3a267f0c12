/** Recorded demonstrations: the won training episodes of a trajectory file somebody else made. */
import { join } from 'node:path';
import { badInput } from '../base/error.ts';
import { hashFile } from '../base/hash.ts';
import { readEpisodes } from '../data/reader.ts';
import { openTrajectoryWriter } from '../data/writer.ts';
import type { StageContext, StageResult } from '../runner/stage.ts';
import { demonstrationsFile } from './file.ts';
import { worldOf } from './world.ts';

/**
 * Copies the successes in tasks that are training tasks of this world now: what the file calls them may be out of date.
 * @throws {SpaError} If the file is not the one that was planned with, or holds none of these (bad input).
 */
export async function copyRecorded(path: string, context: StageContext): Promise<StageResult> {
  const { recorded } = context.node.params;
  const world = await worldOf(context);
  const trainIds = new Set(world.tasks('train').map(({ id }) => id));
  const digest = await hashFile(path);
  if (digest !== recorded) {
    throw badInput(
      'stage',
      `Cannot read demonstrations "${path}": its SHA-256 is ${digest}, expected ${String(recorded)}`,
      {
        hint: 'The file changed after planning; run again.',
      },
    );
  }
  const writer = await openTrajectoryWriter(join(context.folder, demonstrationsFile), { fresh: true });
  let seen = 0;
  let episodes = 0;
  let turns = 0;
  for await (const episode of readEpisodes(path)) {
    seen += 1;
    if (episode.env !== world.name || !trainIds.has(episode.taskId) || episode.outcome !== 'success') continue;
    writer.append(episode);
    episodes += 1;
    turns += episode.turns.length;
    if (seen % 100 === 0) context.signal.throwIfAborted();
  }
  await writer.close();
  if (episodes === 0) {
    throw badInput(
      'stage',
      `Cannot clone demonstrations "${path}": none of its ${seen} episodes fits, expected successes in training tasks of world "${world.name}"`,
      {
        hint: 'Episodes of other splits are held out for evaluation.',
      },
    );
  }
  return { summary: { episodes, lost: seen - episodes, turnsPerEpisode: turns / episodes } };
}
