/**
 * Plays assignments into an Arrow file, shard by shard. Each shard starts from a fresh policy and is kept when it is whole, so that a
 * killed run goes on from its last finished shard and batches the same episodes together as one that was not killed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../base/file.ts';
import { readEpisodes } from '../data/reader.ts';
import type { Episode } from '../data/trajectory.ts';
import { openTrajectoryWriter } from '../data/writer.ts';
import { type Assignment, assertFewFaults, type PlayOptions, playEpisodes } from '../rollout/play.ts';
import type { Policy } from '../rollout/policy.ts';
import type { StageContext } from '../runner/stage.ts';
import { originOf } from './file.ts';

/** What is played into one file. */
export interface PlaySession {
  readonly context: StageContext;
  /** File name inside the stage's folder. */
  readonly file: string;
  readonly assignments: readonly Assignment[];
  readonly play: Omit<PlayOptions, 'policy' | 'origin' | 'signal'>;
  readonly seed: number;
  /** Episodes played at once. */
  readonly concurrency: number;
  readonly startPolicy: () => Promise<Policy>;
}

/** Episodes of one shard. A constant, because it decides which episodes share a batch. */
const shardSize = 640;

/** Plays all assignments; returns the episodes in their order. @throws {SpaError} If more than 5 % broke. */
export async function playSession(session: PlaySession): Promise<Episode[]> {
  const { context, assignments } = session;
  const episodes: Episode[] = [];
  for (let start = 0; start < assignments.length; start += shardSize) {
    const shard = join(context.folder, `.shard-${start}-${session.file}`);
    if (!existsSync(shard)) await playShard(session, { path: shard, start });
    for await (const episode of readEpisodes(shard)) episodes.push(episode);
  }
  await writeEpisodes(join(context.folder, session.file), episodes);
  return episodes;
}

/** Writes episodes to a trajectory file. */
export async function writeEpisodes(path: string, episodes: Iterable<Episode>): Promise<void> {
  const writer = await openTrajectoryWriter(path, { fresh: true });
  for (const episode of episodes) writer.append(episode);
  await writer.close();
}

/** Reads all episodes of a trajectory file. */
export async function episodesOf(path: string): Promise<Episode[]> {
  const episodes: Episode[] = [];
  for await (const episode of readEpisodes(path)) episodes.push(episode);
  return episodes;
}

async function playShard(
  session: PlaySession,
  shard: { readonly path: string; readonly start: number },
): Promise<void> {
  const { context, assignments } = session;
  const part = assignments.slice(shard.start, shard.start + shardSize);
  const writer = await openTrajectoryWriter(shard.path, { fresh: true });
  let done = shard.start;
  let wins = 0;
  await using policy = await session.startPolicy();
  const played = await playEpisodes(part, {
    ...session.play,
    policy,
    origin: originOf(context, session.seed),
    signal: context.signal,
    concurrency: session.concurrency,
    onPlayed: ({ episode }) => {
      done += 1;
      wins += episode.outcome === 'success' ? 1 : 0;
      if (done % 16 !== 0 && done !== assignments.length) return;
      const note = `${((100 * wins) / (done - shard.start)).toFixed(0)} % won`;
      context.progress({ done, total: assignments.length, unit: 'episodes', note });
    },
  });
  assertFewFaults(played);
  const faults = played.flatMap(({ episode, fault }) =>
    fault === undefined ? [] : [{ task: episode.taskId, rollout: episode.rollout, fault }],
  );
  if (faults.length > 0) await writeJson(join(context.folder, `faults-${shard.start}-${session.file}.json`), faults);
  for (const { episode } of played) writer.append(episode);
  await writer.close();
}
