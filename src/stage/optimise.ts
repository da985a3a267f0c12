/**
 * Stage optimise: PPO on the rewards of the attributed episodes. Old and reference log-probabilities are computed here, by the engine
 * that trains, so that the first ratio is 1 to rounding. A critic that shares nothing with the policy may start from the estimator.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { badInput } from '../base/error.ts';
import type { Episode } from '../data/trajectory.ts';
import { saveAdapters } from '../nn/adapter-file.ts';
import { loadModel } from '../nn/checkpoint.ts';
import { type Model, withHeads } from '../nn/model.ts';
import { createTrainer } from '../nn/trainer.ts';
import { explainedVariance } from '../rl/statistics.ts';
import type { Stage, StageContext } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { type PolicyTargets, ppoBatch, valueBatch } from './batch.ts';
import { episodesOf, writeEpisodes } from './episodes.ts';
import { layEpochs } from './epoch.ts';
import { adapterFolder, criticFolder, episodesFile, estimatorFolder, policyFolder } from './file.ts';
import { adamOf, scheduleOf } from './optimiser.ts';
import { finiteOrNull } from './outcome.ts';
import { computeOf, openCodec, writeLike } from './policy.ts';
import { discountedReturns, policyTargets, whitenTargets } from './policy-targets.ts';
import { type Scores, scoreSequences } from './score.ts';
import { type Sequence, sequenceOf } from './sequence.ts';
import { trainLoop } from './train-loop.ts';
import { stageVersions } from './version.ts';

type Ppo = Omit<Manifest['ppo'], 'rounds'>;

interface Params {
  readonly prompt: Manifest['prompt'];
  readonly ppo: Ppo;
  readonly round: number;
  readonly seed: number;
}

/** Everything the steps of this stage share. */
interface Session {
  readonly context: StageContext;
  readonly params: Params;
  readonly sequences: readonly Sequence[];
  readonly policySource: string;
}

/** Writes `policy/`, `adapter/` if LoRA was trained, `critic/` if it is separate, and `episodes.arrow` with the advantages. */
export const optimise: Stage = {
  name: 'optimise',
  version: stageVersions.optimise,
  run: async (context) => {
    const params = context.node.params as unknown as Params; // plan.ts wrote them
    const policySource = join(context.inputs.policy!, policyFolder);
    const codec = await openCodec(policySource, params.prompt);
    const episodes = await episodesOf(join(context.inputs.episodes!, episodesFile));
    const sound = episodes.filter((episode) => episode.outcome !== 'infra_error' && episode.turns.length > 0);
    const sequences = sound.map((episode) => sequenceOf(episode, codec));
    const session: Session = { context, params, sequences, policySource };

    const isShared = params.ppo.critic === 'shared';
    const policy = withHeads(await loadModel(policySource), isShared ? ['value'] : [], params.seed);
    const critic = await fitCritic(session, isShared ? policy : await startingCritic(session));
    const old = await score(session, isShared ? critic : policy, { logProbs: true });
    const reference = await score(session, await loadModel(join(context.inputs.reference!, policyFolder)), {
      logProbs: true,
    });
    const values = await score(session, critic, { values: true });
    const raw = sequences.map((sequence, index) =>
      policyTargets(
        sequence,
        { old: old[index]!.logProbs, reference: reference[index]!.logProbs, values: values[index]!.values },
        params.ppo,
      ),
    );
    const targets = new Map(whitenTargets(raw, sequences).map((target, index) => [sequences[index]!, target]));
    const start = isShared ? { policy: critic } : { policy, critic };
    const last = await trainPolicy(session, start, (sequence) => targets.get(sequence)!); // every sequence has its targets
    await writeEpisodes(join(context.folder, episodesFile), withAdvantages(sequences, targets));
    const returns = sequences.map((sequence) => discountedReturns(sequence, params.ppo));
    const valueFit = explainedVariance(
      raw.flatMap((target) => masked(target.oldValues, target.valueMask)),
      returns.flatMap((target) => masked(target.valueTargets, target.valueMask)),
    );
    return {
      summary: {
        episodes: sound.length,
        broken: episodes.length - sound.length,
        valueExplainedVariance: finiteOrNull(valueFit),
        ...last,
      },
    };
  },
};

const masked = (values: Float32Array, mask: Float32Array): number[] =>
  [...values].filter((_, index) => mask[index]! > 0);

async function score(session: Session, model: Model, wants: { logProbs?: true; values?: true }): Promise<Scores[]> {
  const { engine, threads } = await computeOf(session.context.node);
  return scoreSequences(model, session.sequences, {
    engine,
    threads,
    batchTokens: session.params.ppo.batchTokens,
    wants,
  });
}

/** A separate critic goes on from the round before, or starts from the estimator or the policy. */
async function startingCritic({ context, params, policySource }: Session): Promise<Model> {
  const previous = join(context.inputs.policy!, criticFolder);
  if (existsSync(previous)) return loadModel(previous);
  if (params.ppo.criticInit === 'policy') return withHeads(await loadModel(policySource), ['value'], params.seed);
  if (context.inputs.estimator === undefined) throw badInput('stage', 'Cannot start the critic: there is no estimator');
  return withHeads(await loadModel(join(context.inputs.estimator, estimatorFolder)), ['value'], params.seed);
}

/** Fits the critic to the discounted returns (without the KL reward) before the policy moves; of a shared trunk only the head learns. */
async function fitCritic({ context, params, sequences }: Session, start: Model): Promise<Model> {
  const { ppo, seed, round } = params;
  if (ppo.criticEpochs === 0) return start;
  const targets = new Map(sequences.map((sequence) => [sequence, discountedReturns(sequence, ppo)]));
  const epochs = layEpochs(
    sequences.map((sequence) => sequence.ids.length),
    {
      epochs: ppo.criticEpochs,
      batchTokens: ppo.batchTokens,
      lengthGroups: ppo.lengthGroups,
      maxLength: start.config.maxLength,
      seed,
      name: `critic ${round}`,
    },
  );
  const { engine, threads } = await computeOf(context.node);
  await using trainer = createTrainer(start, {
    engine,
    threads,
    objective: 'value',
    inPlace: true,
    ...adamOf(ppo),
    ...(ppo.critic === 'shared' ? { freeze: (name: string) => !name.startsWith('value_head') } : {}),
  });
  await trainLoop({
    context,
    trainer,
    name: 'critic',
    schedule: scheduleOf(
      { ...ppo, learningRate: ppo.criticLearningRate, schedule: 'linear', floor: 0.1 },
      epochs.steps,
    ),
    batchesAt: (step) =>
      epochs.at(step).map(({ indices, shape }) =>
        valueBatch(
          indices.map((index) => sequences[index]!),
          shape,
          (sequence) => targets.get(sequence)!,
        ),
      ),
  });
  return trainer.model;
}

async function trainPolicy(
  { context, params, sequences, policySource }: Session,
  start: { readonly policy: Model; readonly critic?: Model },
  targetsOf: (sequence: Sequence) => PolicyTargets,
): Promise<Readonly<Record<string, number>>> {
  const { ppo, seed, round } = params;
  const { engine, threads } = await computeOf(context.node);
  const epochs = layEpochs(
    sequences.map((sequence) => sequence.ids.length),
    {
      epochs: ppo.epochs,
      batchTokens: ppo.batchTokens,
      lengthGroups: ppo.lengthGroups,
      maxLength: start.policy.config.maxLength,
      seed,
      name: `ppo ${round}`,
    },
  );
  await using trainer = createTrainer(start.policy, {
    engine,
    threads,
    objective: 'ppo',
    inPlace: true, // nothing here needs what the policy was before
    ...adamOf(ppo),
    ...(ppo.lora.rank === 0 ? {} : { lora: { ...ppo.lora, seed } }),
    ppo: {
      clip: ppo.clip,
      valueClip: ppo.valueClip,
      valueCoefficient: ppo.valueCoefficient,
      klCoefficient: ppo.kl.placement === 'loss' ? ppo.kl.coefficient : 0,
      entropyCoefficient: 0,
    },
    ...(start.critic === undefined
      ? {}
      : { critic: start.critic, criticRate: ppo.criticLearningRate / ppo.learningRate }),
  });
  const last = await trainLoop({
    context,
    trainer,
    name: 'ppo',
    schedule: scheduleOf(ppo, epochs.steps),
    batchesAt: (step) =>
      epochs.at(step).map(({ indices, shape }) =>
        ppoBatch(
          indices.map((index) => sequences[index]!),
          shape,
          targetsOf,
        ),
      ),
  });
  const source = policySource;
  const { adapters, critic } = trainer;
  const beside = adapters && { lora: ppo.lora, adapters };
  await writeLike(join(context.folder, policyFolder), trainer.model, { source, ...(beside && { beside }) });
  if (beside !== undefined)
    await saveAdapters(join(context.folder, adapterFolder), { ...beside, config: trainer.model.config });
  if (critic !== undefined) await writeLike(join(context.folder, criticFolder), critic, { source });
  return { steps: epochs.steps, ...last };
}

/** Writes the advantage of each turn's first token into its record. */
function withAdvantages(sequences: readonly Sequence[], targets: ReadonlyMap<Sequence, PolicyTargets>): Episode[] {
  return sequences.map((sequence) => ({
    ...sequence.episode,
    turns: sequence.episode.turns.map((turn, index) => ({
      ...turn,
      advantage: targets.get(sequence)!.advantages[sequence.turnStarts[index]! + 1]!, // every sequence has its targets
    })),
  }));
}
