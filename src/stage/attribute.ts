/** Stage attribute: gives every turn of the round's episodes its progress c_t and its reward r_t. Source: paper, r_t = alpha c_t + beta g_t. */
import { join } from 'node:path';
import type { Episode } from '../data/trajectory.ts';
import { turnRewards } from '../rl/reward.ts';
import type { Stage } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { episodesOf, writeEpisodes } from './episodes.ts';
import { episodesFile, estimatorFolder } from './file.ts';
import { computeOf, openPolicy } from './policy.ts';
import { scoreSequences } from './score.ts';
import { sequenceOf } from './sequence.ts';
import { stageVersions } from './version.ts';

interface Params {
  readonly prompt: Manifest['prompt'];
  readonly reward: Manifest['reward'];
}

/** Writes `episodes.arrow`: the explored episodes with `progress` and `shapedReward`. */
export const attribute: Stage = {
  name: 'attribute',
  version: stageVersions.attribute,
  run: async (context) => {
    const params = context.node.params as unknown as Params; // plan.ts wrote them
    const explored = await episodesOf(join(context.inputs.episodes!, episodesFile));
    const estimator = context.inputs.estimator;
    const episodes =
      estimator === undefined
        ? explored
        : await withProgress(explored, { folder: join(estimator, estimatorFolder), prompt: params.prompt, context });
    const rewarded = rewardEpisodes(episodes, params.reward);
    await writeEpisodes(join(context.folder, episodesFile), rewarded);
    return { summary: { episodes: rewarded.length, ...progressByVerb(rewarded) } };
  },
};

async function withProgress(
  episodes: readonly Episode[],
  from: { readonly folder: string; readonly prompt: Manifest['prompt']; readonly context: Parameters<Stage['run']>[0] },
): Promise<Episode[]> {
  const { model, codec } = await openPolicy(from.folder, from.prompt);
  const { engine, threads } = await computeOf(from.context.node);
  const sequences = episodes.map((episode) => sequenceOf(episode, codec));
  const scores = await scoreSequences(model, sequences, {
    engine,
    threads,
    batchTokens: 4096,
    wants: { progress: true },
    onProgress: (done) => from.context.progress({ done, total: episodes.length, unit: 'episodes' }),
  });
  return sequences.map(({ episode, turnEnds }, index) => ({
    ...episode,
    turns: episode.turns.map((turn, t) => ({ ...turn, progress: scores[index]!.progress[turnEnds[t]!]! })),
  }));
}

/** Gives each turn its reward under a scheme; broken episodes keep none. */
export function rewardEpisodes(episodes: readonly Episode[], reward: Manifest['reward']): Episode[] {
  const sound = episodes.filter((episode) => episode.outcome !== 'infra_error');
  const byTask = new Map<string, Episode[]>();
  for (const episode of sound) byTask.set(episode.taskId, [...(byTask.get(episode.taskId) ?? []), episode]);
  return episodes.map((episode) => {
    if (episode.outcome === 'infra_error') return episode;
    const others = byTask.get(episode.taskId)!.filter((other) => other !== episode); // every sound episode is in its task's group
    const turns = episode.turns.map((turn, k) => ({
      grounded: turn.grounded,
      progress: turn.progress,
      answer: episode.turns[k + 1]?.observation ?? episode.finalObservation ?? '',
    }));
    const rewards = turnRewards(
      { turns, return: episode.return, otherReturns: others.map((other) => other.return) },
      { ...reward, groundingTest: 'text', multiplier: true }, // both concern `released` alone, and are what its code does
    );
    return { ...episode, turns: episode.turns.map((turn, k) => ({ ...turn, shapedReward: rewards[k]! })) };
  });
}

/** Mean progress by the first word of the action, and of refused actions: the picture that shows what the estimator credits. */
function progressByVerb(episodes: readonly Episode[]): {
  progressByVerb: Record<string, { turns: number; mean: number }>;
} {
  const sums = new Map<string, { turns: number; sum: number }>();
  for (const episode of episodes) {
    for (const turn of episode.turns) {
      if (turn.progress === null) continue;
      const verb = turn.grounded ? (turn.action.split(' ')[0] ?? '') : 'refused';
      const entry = sums.get(verb) ?? { turns: 0, sum: 0 };
      sums.set(verb, { turns: entry.turns + 1, sum: entry.sum + turn.progress });
    }
  }
  const rows = [...sums].sort(([, a], [, b]) => b.sum / b.turns - a.sum / a.turns);
  return {
    progressByVerb: Object.fromEntries(rows.map(([verb, { turns, sum }]) => [verb, { turns, mean: sum / turns }])),
  };
}
