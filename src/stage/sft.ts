/** Stage sft: trains the tokenizer on the demonstrations if there is none, and the base policy by behaviour cloning. */
import { join } from 'node:path';
import { badInput, type SpaError } from '../base/error.ts';
import { readEpisodes } from '../data/reader.ts';
import type { Episode } from '../data/trajectory.ts';
import { createModel, type Model } from '../nn/model.ts';
import { createTrainer } from '../nn/trainer.ts';
import type { Stage, StageContext } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { createChatFormat, embeddedSpecials, embeddedTemplate } from '../text/chat-format.ts';
import { loadTokenizer } from '../text/load-tokenizer.ts';
import { observationMessage, openingMessages } from '../text/prompt.ts';
import { trainTokenizer } from '../text/train-tokenizer.ts';
import { languageBatch } from './batch.ts';
import { layEpochs } from './epoch.ts';
import { demonstrationsFile, policyFolder } from './file.ts';
import { adamOf, scheduleOf } from './optimiser.ts';
import { computeOf, openPolicy, writeLike, writePolicy } from './policy.ts';
import { type Codec, type Sequence, sequenceOf } from './sequence.ts';
import { shapeOf } from './shape.ts';
import { trainLoop } from './train-loop.ts';
import { stageVersions } from './version.ts';

interface Params {
  readonly prompt: Manifest['prompt'];
  readonly tokenizer: Manifest['tokenizer'];
  readonly model: Manifest['model'];
  readonly sft: Manifest['sft'];
  /** Longest conversation, with a base checkpoint; plan.ts has checked that it is no longer than the base's. */
  readonly maxLength?: number;
  readonly seed: number;
}

/** Writes `policy/`: the base policy. */
export const sft: Stage = {
  name: 'sft',
  version: stageVersions.sft,
  run: async (context) => {
    const params = context.node.params as unknown as Params; // plan.ts wrote them
    const episodes: Episode[] = [];
    for await (const episode of readEpisodes(join(context.inputs.demonstrations!, demonstrationsFile)))
      episodes.push(episode);
    const start = await startingPoint(context, params, episodes);
    const sequences = episodes.map((episode) => sequenceOf(episode, start.codec));
    const { maxLength } = start.model.config;
    const usable = sequences.filter((sequence) => sequence.ids.length <= maxLength);
    if (usable.length === 0) throw nothingFits(sequences, maxLength);
    const weigh = lossWeight(params.sft.observationWeight);
    const epochs = layEpochs(
      usable.map((sequence) => sequence.ids.length),
      { epochs: params.sft.epochs, batchTokens: params.sft.batchTokens, maxLength, seed: params.seed, name: 'sft' },
    );
    const { engine, threads } = await computeOf(context.node);
    await using trainer = createTrainer(start.model, {
      engine,
      threads,
      objective: 'language',
      inPlace: true,
      ...adamOf(params.sft),
    });
    const last = await trainLoop({
      context,
      trainer,
      name: 'sft',
      schedule: scheduleOf(params.sft, epochs.steps),
      batchesAt: (step) =>
        epochs.at(step).map(({ indices, shape }) => {
          const rows = indices.map((index) => usable[index]!);
          const agentMask = languageBatch(rows, shape, isImitated).weights;
          return { ...languageBatch(rows, shape, weigh), agentMask };
        }),
    });
    await start.write(join(context.folder, policyFolder), trainer.model);
    const tokens = usable.reduce((sum, sequence) => sum + sequence.ids.length, 0);
    return {
      summary: {
        steps: epochs.steps,
        parameters: start.model.parameters.length,
        vocabulary: start.model.config.vocabSize,
        tokensPerEpisode: tokens / Math.max(1, usable.length),
        tooLong: sequences.length - usable.length,
        ...last,
      },
    };
  },
};

function nothingFits(sequences: readonly Sequence[], maxLength: number): SpaError {
  const shortest = Math.min(...sequences.map((sequence) => sequence.ids.length));
  const is =
    sequences.length === 0
      ? 'there are none'
      : `the shortest of ${sequences.length} has ${shortest} tokens, expected at most ${maxLength}`;
  return badInput('stage', `Cannot train on the demonstrations: ${is}`, {
    hint: 'Raise model.maxLength, or demonstrations.episodes and environment.maxTurns.',
  });
}

/** 1 for a token the expert chose, 0 for what the world said and for noise. */
function isImitated(sequence: Sequence, position: number): 0 | 1 {
  const turn = sequence.turns[position]!;
  return turn >= 0 && sequence.episode.turns[turn]!.actor !== 'noise' ? 1 : 0;
}

/** The expert's tokens weigh 1, what the world said weighs `observation`, noise turns weigh nothing. */
function lossWeight(observation: number): (sequence: Sequence, position: number) => number {
  return (sequence, position) => (sequence.turns[position]! < 0 ? observation : isImitated(sequence, position));
}

interface StartingPoint {
  readonly model: Model;
  readonly codec: Codec;
  /** Writes the trained model with its tokenizer and template. */
  readonly write: (folder: string, model: Model) => Promise<void>;
}

async function startingPoint(
  context: StageContext,
  params: Params,
  episodes: readonly Episode[],
): Promise<StartingPoint> {
  const base = context.node.resources.base as string | null; // plan.ts wrote it
  if (base !== null) {
    const opened = await openPolicy(base, params.prompt);
    const config = { ...opened.model.config, maxLength: params.maxLength ?? opened.model.config.maxLength };
    return {
      ...opened,
      model: { ...opened.model, config },
      write: (folder, model) => writeLike(folder, model, { source: base }),
    };
  }
  const tokenizerJson = trainTokenizer(corpus(episodes, params.prompt), {
    ...params.tokenizer,
    specials: embeddedSpecials,
  });
  const tokenizer = loadTokenizer(tokenizerJson);
  return {
    model: createModel(shapeOf(params.model, tokenizer.vocabSize), [], params.seed),
    codec: { format: createChatFormat({ tokenizer, template: embeddedTemplate }), prompt: params.prompt },
    write: (folder, model) => writePolicy(folder, { model, tokenizer: tokenizerJson }),
  };
}

/** The texts a tokenizer is trained on: every message of every demonstration. */
function* corpus(episodes: readonly Episode[], prompt: Manifest['prompt']): Generator<string> {
  for (const episode of episodes) {
    const [first] = episode.turns;
    if (first === undefined) continue;
    for (const message of openingMessages(prompt, { environment: episode.env, observation: first.observation }))
      yield message.content;
    for (const turn of episode.turns) yield turn.text;
    for (const turn of episode.turns.slice(1)) yield observationMessage(prompt, turn.observation).content;
  }
}
