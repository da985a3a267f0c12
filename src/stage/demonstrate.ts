/**
 * Stage demonstrate: the scripted expert plays training games. With `recovery`, a random action is now and then played in its place,
 * so that the demonstrations also show how to go on after a refused or useless one; such turns are shown but never imitated.
 */
import { join } from 'node:path';
import { createRng, type Rng } from '../base/rng.ts';
import { type Episode, type Turn, unattributed } from '../data/trajectory.ts';
import { openTrajectoryWriter } from '../data/writer.ts';
import type { Environment, Task, World } from '../env/environment.ts';
import { remainingOf } from '../rollout/play.ts';
import type { Stage, StageContext } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { demonstrationsFile, originOf } from './file.ts';
import { copyRecorded } from './recorded.ts';
import { stageVersions } from './version.ts';
import { worldOf } from './world.ts';

interface Params {
  readonly world: { readonly maxTurns: number };
  readonly demonstrations: Manifest['demonstrations'];
  readonly seed: number;
}

/** Writes `demonstrations.arrow`: the episodes the expert won, or those of a recorded file that were won. */
export const demonstrate: Stage = {
  name: 'demonstrate',
  version: stageVersions.demonstrate,
  run: async (context) => {
    const { recorded } = context.node.resources;
    if (typeof recorded === 'string') return copyRecorded(recorded, context);
    const params = context.node.params as unknown as Params; // plan.ts wrote them
    const environment = withExpert(await worldOf(context));
    const tasks = createRng(['demonstrate', params.seed]).shuffle(environment.tasks('train'));
    const writer = await openTrajectoryWriter(join(context.folder, demonstrationsFile), { fresh: true });
    const total = params.demonstrations.episodes;
    let lost = 0;
    let turns = 0;
    for (let index = 0; index < total; index++) {
      const task = tasks[index % tasks.length]!;
      const rollout = Math.floor(index / tasks.length);
      const episode = demonstration(environment, task, { params, rollout, context });
      if (episode.outcome === 'success') {
        writer.append(renamed(episode, environment, params));
        turns += episode.turns.length;
      } else lost += 1;
      if (index % 100 === 99) {
        context.progress({ done: index + 1, total, unit: 'episodes' });
        await new Promise(setImmediate);
        context.signal.throwIfAborted();
      }
    }
    await writer.close();
    return { summary: { episodes: total - lost, lost, turnsPerEpisode: turns / Math.max(1, total - lost) } };
  },
};

/** A world of ours that has an expert. */
type Demonstrated = Environment & Required<Pick<Environment, 'expert' | 'admissible'>>;

function withExpert(world: World): Demonstrated {
  if ('expert' in world && 'admissible' in world) return world as Demonstrated; // only an Environment has them
  throw new Error(`Internal: the world "${world.name}" has no expert`); // plan.ts refuses it
}

function demonstration(
  environment: Demonstrated,
  task: Task,
  options: { readonly params: Params; readonly rollout: number; readonly context: StageContext },
): Episode {
  const { params, rollout } = options;
  const rng = createRng(['demonstration', params.seed, task.id, rollout]);
  const expert = environment.expert(task);
  let { state, observation } = environment.reset(task);
  let lastAction: string | undefined;
  let total = 0;
  let isWon = false;
  let isOver = false; // a world may also end unwon, e.g. by a purchase
  const turns: Turn[] = [];
  while (turns.length < params.world.maxTurns && !isOver) {
    const admissible = environment.admissible(task, state);
    const wanted = expert.act({ observation, admissible, lastAction });
    const isNoise = rng.uniform() < params.demonstrations.recovery;
    const action = isNoise ? noiseAction(admissible, lastAction, rng) : wanted;
    const transition = environment.step(task, state, action);
    state = transition.state;
    total += transition.reward;
    isWon = transition.success;
    isOver = transition.done || isWon;
    turns.push({
      actor: isNoise ? 'noise' : 'expert',
      observation,
      thought: '',
      action,
      text: action,
      tokenIds: [],
      logProbs: [],
      reward: transition.reward,
      grounded: transition.grounded,
      done: transition.done,
      success: transition.success,
      ...unattributed,
      remaining: remainingOf(environment, task, state),
      startedAtMs: 0,
      actMs: 0,
      stepMs: 0,
    });
    observation = transition.observation;
    lastAction = action;
  }
  return {
    ...originOf(options.context, params.seed),
    env: environment.name,
    split: task.split,
    taskId: task.id,
    taskType: task.type,
    rollout,
    outcome: isWon ? 'success' : 'limit',
    return: total,
    turns,
    finalObservation: observation,
  };
}

/** Gives an episode's things other names, with the probability asked for. */
function renamed(episode: Episode, environment: Environment, { demonstrations, seed }: Params): Episode {
  const rng = createRng(['rename', seed, episode.taskId, episode.rollout]);
  if (environment.rename === undefined || rng.uniform() >= demonstrations.rename) return episode;
  const texts = [...episode.turns.flatMap((turn) => [turn.observation, turn.action]), episode.finalObservation ?? ''];
  const fresh = environment.rename(texts, rng);
  return {
    ...episode,
    finalObservation: fresh.at(-1)!, // one text out for each text in
    turns: episode.turns.map((turn, index) => ({
      ...turn,
      observation: fresh[2 * index]!,
      action: fresh[2 * index + 1]!,
      text: fresh[2 * index + 1]!,
    })),
  };
}

/** A third each: something admissible, the last action again, something admissible with another number (mostly refused). */
function noiseAction(admissible: readonly string[], lastAction: string | undefined, rng: Rng): string {
  const kind = rng.int(3);
  const action = rng.pick(admissible);
  if (kind === 0) return action;
  if (kind === 1 && lastAction !== undefined) return lastAction;
  return action.replace(/\d+(?=\D*$)/, (number) => String(Number(number) + 1 + rng.int(3)));
}
