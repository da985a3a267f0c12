/**
 * Stage evaluate: plays held-out games, greedy and sampled. Success per game is kept, so that two policies can be compared game by game.
 * Games of training are refused: a number from the training split is not an evaluation.
 */
import type { Episode } from '../data/trajectory.ts';
import { wilsonInterval } from '../rl/statistics.ts';
import type { Stage } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { playSession } from './episodes.ts';
import { type Outcomes, outcomesOf } from './outcome.ts';
import { openPlayer } from './player.ts';
import { slotsOf } from './policy.ts';
import { stageVersions } from './version.ts';
import { worldOf } from './world.ts';

interface Params {
  readonly world: { readonly maxTurns: number };
  readonly prompt: Manifest['prompt'];
  readonly evaluate: Manifest['evaluate'];
  readonly seed: number;
}

/** What one split played at one temperature gave. */
export interface Evaluation extends Outcomes {
  readonly split: string;
  readonly temperature: number;
  /** 95 % interval of the success rate: Wilson's over episodes. With several samples a game it is too narrow and null is given. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly byType: Readonly<Record<string, Outcomes>>;
  /** Task id -> success of each sample (1 or 0; null = it broke). */
  readonly games: Readonly<Record<string, readonly (0 | 1 | null)[]>>;
}

/** The record an evaluate stage leaves, beside its headline numbers such as `valid_unseen/t0/success`. */
export interface EvaluateSummary {
  readonly evaluations: readonly Evaluation[];
}

/** Name of the file with the episodes of a split played at a temperature. */
export const evaluationFile = (split: string, temperature: number): string => `${split}.t${temperature}.arrow`;

/** Writes one trajectory file per split and temperature. */
export const evaluate: Stage = {
  name: 'evaluate',
  version: stageVersions.evaluate,
  run: async (context) => {
    const params = context.node.params as unknown as Params; // plan.ts wrote them
    const environment = await worldOf(context);
    const startPolicy = await openPlayer(context, params.prompt);
    const evaluations: Evaluation[] = [];
    const numbers: Record<string, number> = {};
    for (const split of params.evaluate.splits) {
      for (const temperature of params.evaluate.temperatures) {
        const samples = temperature === 0 ? 1 : params.evaluate.samples;
        const assignments = environment
          .tasks(split)
          .flatMap((task) => Array.from({ length: samples }, (_, rollout) => ({ task, rollout })));
        const episodes = await playSession({
          context,
          file: evaluationFile(split, temperature),
          assignments,
          play: { environment, prompt: params.prompt, maxTurns: params.world.maxTurns },
          seed: params.seed,
          concurrency: slotsOf(context.node),
          startPolicy: () =>
            startPolicy({
              temperature,
              topP: 1,
              maxNewTokens: params.evaluate.maxNewTokens,
              seed: params.seed,
            }),
        });
        const evaluation = evaluationOf(episodes, { split, temperature, samples });
        evaluations.push(evaluation);
        Object.assign(numbers, numbersOf(evaluation));
        context.metrics(0, numbersOf(evaluation));
      }
    }
    return { summary: { ...numbers, evaluations: JSON.parse(JSON.stringify(evaluations)) } }; // a record of plain data
  },
};

/** The headline numbers under the names a tracker shows. */
function numbersOf({
  split,
  temperature,
  success,
  ended,
  reward,
  grounded,
  turns,
}: Evaluation): Record<string, number> {
  const values = Object.entries({ success, ended, reward, grounded, turns });
  return Object.fromEntries(values.map(([name, value]) => [`${split}/t${temperature}/${name}`, value]));
}

function evaluationOf(
  episodes: readonly Episode[],
  facts: { readonly split: string; readonly temperature: number; readonly samples: number },
): Evaluation {
  const games: Record<string, (0 | 1 | null)[]> = {};
  const types: Record<string, Episode[]> = {};
  for (const episode of episodes) {
    const result = episode.outcome === 'infra_error' ? null : episode.outcome === 'success' ? 1 : 0;
    games[episode.taskId] = [...(games[episode.taskId] ?? []), result];
    types[episode.taskType] = [...(types[episode.taskType] ?? []), episode];
  }
  const outcomes = outcomesOf(episodes);
  const wins = episodes.filter((episode) => episode.outcome === 'success').length;
  return {
    split: facts.split,
    temperature: facts.temperature,
    ...outcomes,
    interval: facts.samples === 1 && outcomes.episodes > 0 ? wilsonInterval(wins, outcomes.episodes) : null,
    byType: Object.fromEntries(
      Object.entries(types)
        .sort()
        .map(([type, list]) => [type, outcomesOf(list)]),
    ),
    games,
  };
}
