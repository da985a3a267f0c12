/**
 * Which tokenizer learns better? The same model is trained for the same number of batches of the same padded size on the same
 * demonstrations, written by each tokenizer; what is compared is the surprise of a whole action on games it was not trained on, in nats
 * per turn, which does not depend on how an action is cut into tokens.
 */
import { createRng } from '../../dist/base/rng.js';
import { openAlfworld } from '../../dist/env/alfworld/alfworld.js';
import { createModel } from '../../dist/nn/model.js';
import { learningRateAt } from '../../dist/nn/schedule.js';
import { createTrainer } from '../../dist/nn/trainer.js';
import { languageBatch } from '../../dist/stage/batch.js';
import { layEpochs } from '../../dist/stage/epoch.js';
import { scoreSequences } from '../../dist/stage/score.js';
import { sequenceOf } from '../../dist/stage/sequence.js';
import { createChatFormat, embeddedSpecials, embeddedTemplate } from '../../dist/text/chat-format.js';
import { loadTokenizer } from '../../dist/text/load-tokenizer.js';
import { trainTokenizer } from '../../dist/text/train-tokenizer.js';

const prompt = { format: 'action-only', instruction: false };
const steps = 400;
const maxLength = 512;
const tokenizers = {
  'word, 64 phrases': { kind: 'word', vocabSize: 640, phrases: 64 },
  word: { kind: 'word', vocabSize: 640, phrases: 0 },
  'bpe 640': { kind: 'bpe', vocabSize: 640, phrases: 0 },
  'bpe 1024': { kind: 'bpe', vocabSize: 1024, phrases: 0 },
};

/** Expert episodes with just the fields that sequences need. */
function demonstrations(environment, split, count) {
  return environment
    .tasks(split)
    .slice(0, count)
    .map((task) => {
      const expert = environment.expert(task);
      let { state, observation } = environment.reset(task);
      const turns = [];
      for (let i = 0; i < 40; i++) {
        const lastAction = turns.at(-1)?.action;
        const action = expert.act({ observation, admissible: environment.admissible(task, state), lastAction });
        turns.push({ actor: 'expert', observation, thought: '', action, text: action, tokenIds: [] });
        const transition = environment.step(task, state, action);
        if (transition.done) break;
        ({ state, observation } = transition);
      }
      return { env: environment.name, turns };
    });
}

async function measure(options, train, test) {
  const texts = train.flatMap(({ turns }) => turns.flatMap(({ observation, text }) => [observation, text]));
  const json = trainTokenizer(texts, { ...options, specials: embeddedSpecials });
  const tokenizer = loadTokenizer(json);
  const codec = { format: createChatFormat({ tokenizer, template: embeddedTemplate }), prompt };
  const encode = (episodes) =>
    episodes.map((episode) => sequenceOf(episode, codec)).filter(({ ids }) => ids.length <= maxLength);
  const [sequences, heldOut] = [encode(train), encode(test)];
  const shape = { layers: 3, hiddenSize: 128, heads: 4, kvHeads: 2, headSize: 32, intermediateSize: 352 };
  const config = {
    ...shape,
    vocabSize: tokenizer.vocabSize,
    maxLength,
    ropeTheta: 1e4,
    normEps: 1e-5,
    tieEmbeddings: true,
    previousTokenEmbedding: true,
  };
  const adam = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.05 };
  const trainer = createTrainer(createModel(config, [], 1), {
    engine: 'onnx',
    objective: 'language',
    adam,
    clipNorm: 1,
  });
  const lengths = sequences.map(({ ids }) => ids.length);
  const epochs = layEpochs(lengths, { epochs: 50, batchTokens: 2048, maxLength, seed: 1, name: 'bench' });
  const start = performance.now();
  for (let step = 0; step < steps; step++) {
    const { indices, shape: padded } = epochs.at(step);
    const rows = indices.map((index) => sequences[index]);
    const batch = languageBatch(rows, padded, (sequence, t) => (sequence.turns[t] >= 0 ? 1 : 0.3));
    await trainer.step(
      [batch],
      learningRateAt(step, { peak: 3e-3, shape: 'linear', floor: 0.05, warmup: 20, total: steps }),
    );
  }
  const seconds = (performance.now() - start) / 1000;
  const scores = await scoreSequences(trainer.model, heldOut, {
    engine: 'onnx',
    batchTokens: 4096,
    wants: { logProbs: true },
  });
  let nats = 0;
  let turns = 0;
  heldOut.forEach((sequence, i) => {
    turns += sequence.turnEnds.length;
    sequence.turns.forEach((turn, t) => {
      if (turn >= 0) nats -= scores[i].logProbs[t];
    });
  });
  await trainer[Symbol.asyncDispose]();
  const mean = lengths.reduce((a, b) => a + b, 0) / lengths.length;
  return {
    vocabulary: tokenizer.vocabSize,
    tokensPerEpisode: mean.toFixed(0),
    natsPerTurn: (nats / turns).toFixed(3),
    seconds: seconds.toFixed(0),
  };
}

/** Prints a row per tokenizer. */
export async function run() {
  const environment = openAlfworld({
    source: 'generated',
    seed: 1,
    counts: { train: 2000, valid_seen: 0, valid_unseen: 200 },
  });
  const train = createRng(['bench']).shuffle(demonstrations(environment, 'train', 2000));
  const test = demonstrations(environment, 'valid_unseen', 200);
  console.log(`${steps} steps of 2048 padded tokens; nats per turn on 200 unseen games`);
  for (const [name, options] of Object.entries(tokenizers)) {
    const row = await measure(options, train, test);
    console.log(
      `${name.padEnd(18)} vocabulary ${row.vocabulary}  tokens/episode ${row.tokensPerEpisode}  nats/turn ${row.natsPerTurn}  ${row.seconds} s`,
    );
  }
}
