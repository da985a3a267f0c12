/** Stage explore: the policy plays training games, M episodes each. Source: paper, D_explore = {(task, trajectory, R)}. */
import { createRng } from '../base/rng.ts';
import type { Stage } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { playSession } from './episodes.ts';
import { episodesFile } from './file.ts';
import { outcomesOf } from './outcome.ts';
import { openPlayer } from './player.ts';
import { slotsOf } from './policy.ts';
import { stageVersions } from './version.ts';
import { worldOf } from './world.ts';

interface Params {
  readonly world: { readonly maxTurns: number };
  readonly prompt: Manifest['prompt'];
  readonly explore: Manifest['explore'];
  readonly round: number;
  readonly seed: number;
}

/** Writes `episodes.arrow`. */
export const explore: Stage = {
  name: 'explore',
  version: stageVersions.explore,
  run: async (context) => {
    const params = context.node.params as unknown as Params; // plan.ts wrote them
    const environment = await worldOf(context);
    const startPolicy = await openPlayer(context, params.prompt);
    const shuffled = createRng(['explore', params.seed, params.round]).shuffle(environment.tasks('train'));
    const tasks = shuffled.slice(0, params.explore.tasks);
    const assignments = tasks.flatMap((task) =>
      Array.from({ length: params.explore.rollouts }, (_, rollout) => ({ task, rollout })),
    );
    const { rollouts: _rollouts, tasks: _tasks, ...sampling } = params.explore;
    const seed = params.seed * 1000 + params.round;
    const episodes = await playSession({
      context,
      file: episodesFile,
      assignments,
      play: { environment, prompt: params.prompt, maxTurns: params.world.maxTurns },
      seed: params.seed,
      concurrency: slotsOf(context.node),
      startPolicy: () => startPolicy({ ...sampling, seed }),
    });
    const summary = outcomesOf(episodes);
    context.metrics(params.round, { 'explore/success': summary.success, 'explore/grounded': summary.grounded });
    return { summary: { ...summary } };
  },
};
