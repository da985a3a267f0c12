/**
 * Stage estimate: trains the progress estimator, a language model with an MLP on the hidden state of each turn's last token, so that
 * the sum over turns is the episode's return. Source: paper, section on the progress estimator; L = (sum_t c_t - R)^2.
 * A share of the tasks is held out, and its own metrics are measured on those alone. Round n goes on from the estimator of round n - 1
 * with the episodes of all rounds and epochs / n passes over them, so that every round costs about the same.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRng } from '../base/rng.ts';
import { withHeads } from '../nn/model.ts';
import { createTrainer } from '../nn/trainer.ts';
import { explainedVariance, meanSquaredError, spearman } from '../rl/statistics.ts';
import type { Stage, StageContext } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { progressBatch } from './batch.ts';
import { episodesOf } from './episodes.ts';
import { layEpochs } from './epoch.ts';
import { episodesFile, estimatorFolder, policyFolder } from './file.ts';
import { adamOf, scheduleOf } from './optimiser.ts';
import { finiteOrNull } from './outcome.ts';
import { computeOf, openPolicy, writeLike } from './policy.ts';
import { scoreSequences } from './score.ts';
import { type Sequence, sequenceOf } from './sequence.ts';
import { trainLoop } from './train-loop.ts';
import { stageVersions } from './version.ts';

interface Params {
  readonly prompt: Manifest['prompt'];
  readonly estimator: Manifest['estimator'];
  readonly round: number;
  readonly seed: number;
}

/** Writes `estimator/`: the policy's files with a progress head. */
export const estimate: Stage = {
  name: 'estimate',
  version: stageVersions.estimate,
  run: async (context) => {
    const params = context.node.params as unknown as Params; // plan.ts wrote them
    const source = startFolder(context.inputs.start!);
    const opened = await openPolicy(source, params.prompt);
    const { model, codec } = { model: withHeads(opened.model, ['progress'], params.seed), codec: opened.codec };
    const sequences = (await exploredEpisodes(context))
      .filter((episode) => episode.outcome !== 'infra_error' && episode.turns.length > 0)
      .map((episode) => sequenceOf(episode, codec));
    const isHeldOut = (sequence: Sequence): boolean =>
      createRng(['held out', params.seed, sequence.episode.taskId]).uniform() < params.estimator.heldOut;
    const training = sequences.filter((sequence) => !isHeldOut(sequence));
    const heldOut = sequences.filter(isHeldOut);
    const { engine, threads } = await computeOf(context.node);
    const epochs = layEpochs(
      training.map((sequence) => sequence.ids.length),
      {
        ...params.estimator,
        epochs: params.estimator.epochs / params.round,
        maxLength: model.config.maxLength,
        seed: params.seed,
        name: `estimate ${params.round}`,
      },
    );
    await using trainer = createTrainer(model, { engine, threads, objective: 'progress', ...adamOf(params.estimator) });
    await trainLoop({
      context,
      trainer,
      name: 'estimator',
      schedule: scheduleOf(params.estimator, epochs.steps),
      batchesAt: (step) =>
        epochs.at(step).map(({ indices, shape }) =>
          progressBatch(
            indices.map((index) => training[index]!),
            shape,
          ),
        ),
    });
    const trained = trainer.model;
    await writeLike(join(context.folder, estimatorFolder), trained, { source });
    const compute = { engine, threads, batchTokens: params.estimator.batchTokens, wants: { progress: true } } as const;
    const quality = estimatorQuality(heldOut, await scoreSequences(trained, heldOut, compute));
    const fit = estimatorQuality(training, await scoreSequences(trained, training, compute));
    const summary = {
      steps: epochs.steps,
      episodes: training.length,
      ...prefix('heldOut', quality),
      trainMse: fit.mse,
    };
    context.metrics(epochs.steps, {
      'heldOut/mse': quality.mse ?? Number.NaN,
      'heldOut/explainedVariance': quality.explainedVariance ?? Number.NaN,
      'heldOut/progressRank': quality.progressRank ?? Number.NaN,
    });
    return { summary };
  },
};

/** How good an estimator is on episodes it has not seen. */
interface Quality {
  readonly episodes: number;
  /** Mean squared error of the sum against the return; null without episodes. */
  readonly mse: number | null;
  /** 1 - mse / variance of the return; null if all returns are equal. */
  readonly explainedVariance: number | null;
  /** Mean over episodes of Spearman's correlation between cumulative progress and -remaining actions; null if the world cannot tell. */
  readonly progressRank: number | null;
  /** The same for the number of the turn: what any estimator that is always positive would reach. */
  readonly turnRank: number | null;
  /** {@link progressRank} over won and over lost episodes. */
  readonly progressRankWon: number | null;
  readonly progressRankLost: number | null;
}

function estimatorQuality(
  sequences: readonly Sequence[],
  scores: readonly { readonly progress: Float32Array }[],
): Quality {
  const sums: number[] = [];
  const returns: number[] = [];
  const ranks: { readonly progress: number; readonly turn: number; readonly isWon: boolean }[] = [];
  sequences.forEach((sequence, index) => {
    let sum = 0;
    const cumulative = sequence.turnEnds.map((end) => {
      sum += scores[index]!.progress[end]!;
      return sum;
    });
    sums.push(sum);
    returns.push(sequence.episode.return);
    const truth = sequence.episode.turns.map((turn) => (turn.remaining === null ? Number.NaN : -turn.remaining));
    const progress = spearman(cumulative, truth);
    const turn = spearman([...truth.keys()], truth);
    if (Number.isFinite(progress)) ranks.push({ progress, turn, isWon: sequence.episode.outcome === 'success' });
  });
  const mean = (values: readonly number[]): number | null =>
    values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
  return {
    episodes: sequences.length,
    mse: finiteOrNull(sequences.length === 0 ? Number.NaN : meanSquaredError(sums, returns)),
    explainedVariance: finiteOrNull(sequences.length === 0 ? Number.NaN : explainedVariance(sums, returns)),
    progressRank: mean(ranks.map(({ progress }) => progress)),
    turnRank: mean(ranks.map(({ turn }) => turn)),
    progressRankWon: mean(ranks.filter(({ isWon }) => isWon).map(({ progress }) => progress)),
    progressRankLost: mean(ranks.filter(({ isWon }) => !isWon).map(({ progress }) => progress)),
  };
}

function prefix(name: string, quality: Quality): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(quality).map(([key, value]) => [`${name}${key[0]!.toUpperCase()}${key.slice(1)}`, value]),
  );
}

/** The first round starts from the base policy, later ones from the estimator before. */
function startFolder(folder: string): string {
  const estimator = join(folder, estimatorFolder);
  return existsSync(estimator) ? estimator : join(folder, policyFolder);
}

/** Episodes of all rounds so far, in order. */
async function exploredEpisodes(context: StageContext) {
  const roles = Object.keys(context.inputs).filter((role) => role.startsWith('episodes'));
  const rounds = roles.sort((a, b) => Number(a.slice(8)) - Number(b.slice(8)));
  const files = await Promise.all(rounds.map((role) => episodesOf(join(context.inputs[role]!, episodesFile))));
  return files.flat();
}
