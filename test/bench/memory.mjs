/**
 * Memory over time: resident memory after each of 500 training steps (d128 L3, up to 384 tokens a row, 6144 padded tokens a step, rows of
 * mixed length, so that several batch shapes are compiled) and after each of 500 turns of 32 parallel episodes that end and begin again.
 * Each in a process of its own.
 *
 *   npm run bench -- memory [--steps 500] [--threads 2]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRng } from '../../dist/base/rng.js';
import { createDecoder } from '../../dist/nn/decoder.js';
import { createTrainer } from '../../dist/nn/trainer.js';
import { createNativePolicy } from '../../dist/rollout/native-policy.js';
import { languageBatch } from '../../dist/stage/batch.js';
import { layEpochs } from '../../dist/stage/epoch.js';
import { makeScene, ownModules } from './play.mjs';

const size = { layers: 3, hiddenSize: 128, heads: 4, kvHeads: 2, headSize: 32, intermediateSize: 352 };
const trainLength = 384;
const batchTokens = 6144;
const parallel = 32;
const turnsPerEpisode = 6;
/** Steps that compile, fill caches and let the allocator settle; not part of the line that is fitted. */
const warmUp = 100;
/** Flat: the line through what follows the warm-up rises by less than this share of its median over the whole run. */
const allowedRise = 0.05;

const now = () => process.memoryUsage.rss() / 1e6;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Rows of 64 to 384 tokens, cut from all expert episodes written one after the other. */
function cutRows(written) {
  const rng = createRng(['bench', 'memory']);
  const stream = written.flat();
  const rows = [];
  for (let at = 0; at < stream.length; ) {
    const length = 64 + rng.int(trainLength - 63);
    rows.push({ ids: Int32Array.from(stream.slice(at, at + length)) });
    at += length;
  }
  return rows.filter(({ ids }) => ids.length >= 2);
}

async function train(scene, { steps, threads, report }) {
  const adam = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01 };
  const options = { engine: 'onnx', threads, objective: 'language', inPlace: true, adam, clipNorm: 1 };
  const trainer = createTrainer(scene.model, options);
  const rows = cutRows(scene.written);
  const lengths = rows.map(({ ids }) => ids.length);
  const epochs = layEpochs(lengths, { epochs: 1000, batchTokens, maxLength: trainLength, seed: 1, name: 'bench' });
  const shapes = new Set();
  for (let step = 0; step < steps; step++) {
    const batches = epochs.at(step).map(({ indices, shape }) => {
      shapes.add(`${shape.B}x${shape.T}`);
      return languageBatch(
        indices.map((index) => rows[index]),
        shape,
        () => 1,
      );
    });
    await trainer.step(batches, 1e-3);
    report();
  }
  await trainer[Symbol.asyncDispose]();
  return `${shapes.size} batch shapes`;
}

async function play(scene, { steps, report }) {
  const decoder = createDecoder(scene.model, { engine: 'onnx', threads: 1, slots: parallel, maxLength: 512 });
  const sampling = { temperature: 1, topP: 1, maxNewTokens: 12 };
  const policy = createNativePolicy({ decoder, format: scene.format, sampling, seed: 1 });
  let taken = 0;
  let episodes = 0;
  const worker = async () => {
    while (taken < steps * parallel) {
      const name = `${episodes++}`;
      const { opening, later } = scene.conversations[Number(name) % scene.conversations.length];
      let conversation = opening;
      for (let turn = 0; turn <= later.length; turn++) {
        const { text } = await policy.act({ episode: name, conversation });
        conversation = [...conversation, { role: 'assistant', content: text }, later[turn]];
        if (++taken % parallel === 0 && taken <= steps * parallel) report();
      }
      policy.release(name);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  await policy[Symbol.asyncDispose]();
  return `${episodes} episodes, ${taken} replies`;
}

/** Slope of the least-squares line, per sample. */
function slopeOf(values) {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const covariance = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  return covariance / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

function print(name, { rss, peak, start, seconds, note }) {
  const mb = (value) => `${value.toFixed(0)} MB`;
  const settled = rss.slice(Math.min(warmUp, rss.length >> 1));
  const rise = slopeOf(settled) * rss.length;
  const isFlat = rise < allowedRise * median(settled);
  const course = Array.from({ length: 11 }, (_, i) => rss[Math.round((i * (rss.length - 1)) / 10)].toFixed(0));
  console.log(`${name}: ${rss.length} steps in ${seconds.toFixed(0)} s, ${note}`);
  console.log(
    `  before the first step ${mb(start)}, peak of the process ${mb(peak)}, highest after a step ${mb(Math.max(...rss))}`,
  );
  console.log(`  median of the first 50 ${mb(median(rss.slice(0, 50)))}, of the last 50 ${mb(median(rss.slice(-50)))}`);
  console.log(`  every tenth of the way ${course.join(' ')} MB`);
  console.log(
    `  after ${rss.length - settled.length} steps the line rises ${rise.toFixed(1)} MB per ${rss.length} steps (${((100 * rise) / median(settled)).toFixed(1)} %): ${isFlat ? 'flat' : 'NOT flat'} (flat: less than ${100 * allowedRise} %)`,
  );
}

/** Runs one part in this process and sends what was seen to the one that asked. */
async function measureHere(part, options) {
  const scene = makeScene(await ownModules(), { count: 64, turns: turnsPerEpisode, size });
  const rss = [];
  const [start, began] = [now(), performance.now()];
  const note = await { train, play }[part](scene, { ...options, report: () => rss.push(now()) });
  const peak = (process.resourceUsage().maxRSS * 1024) / 1e6;
  process.send({ rss, peak, start, seconds: (performance.now() - began) / 1000, note });
}

/** Prints both parts. */
export async function run(words) {
  const options = { steps: { type: 'string', default: '500' }, threads: { type: 'string' } };
  const { values } = parseArgs({ args: words, options });
  const threads = Number(values.threads ?? availableParallelism());
  console.log(`d128 L3 H4/2 f352, ${threads} threads to train, 1 to play`);
  const parts = { train: `training, ${batchTokens} tokens a step`, play: `play, ${parallel} episodes at once` };
  for (const [part, name] of Object.entries(parts)) {
    const child = fork(fileURLToPath(import.meta.url), [
      part,
      JSON.stringify({ steps: Number(values.steps), threads }),
    ]);
    let result;
    child.once('message', (message) => {
      result = message;
    });
    const [code] = await once(child, 'exit');
    if (code !== 0 || result === undefined) throw new Error(`${part} ended with ${code}`);
    print(name, result);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await measureHere(process.argv[2], JSON.parse(process.argv[3]));
  process.disconnect();
}
