/**
 * A model of Llama-3.2-1B's shape with random numbers, as bfloat16 shards: written, loaded, one LoRA step after another, played. Prints
 * seconds, tokens per second and the peak of resident memory. Writes 2.5 GB to a temporary folder, which it removes.
 * Options: --layers n (default 16), --tokens T (default 256), --steps n (default 3), --keep folder (write there, or use what is there).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeJson } from '../../dist/base/file.js';
import { createRng } from '../../dist/base/rng.js';
import { saveAdapters } from '../../dist/nn/adapter-file.js';
import { loadModel } from '../../dist/nn/checkpoint.js';
import { createDecoder } from '../../dist/nn/decoder.js';
import { layoutOf } from '../../dist/nn/layout.js';
import { toHfConfig } from '../../dist/nn/model-config.js';
import { writeSafetensors } from '../../dist/nn/safetensors.js';
import { argMax } from '../../dist/nn/sampling.js';
import { createTrainer } from '../../dist/nn/trainer.js';

/** Llama-3.2-1B; the numbers are in its config.json. */
const shape = {
  vocabSize: 128_256,
  hiddenSize: 2048,
  layers: 16,
  heads: 32,
  kvHeads: 8,
  headSize: 64,
  intermediateSize: 8192,
  maxLength: 131_072,
  ropeTheta: 500_000,
  ropeScaling: { factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxLength: 8192 },
  normEps: 1e-5,
  tieEmbeddings: true,
  previousTokenEmbedding: false,
};
const shardNumbers = 4e8;
const lora = {
  rank: 8,
  alpha: 16,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};

export async function run(words) {
  const { values } = parseArgs({
    args: words,
    options: {
      layers: { type: 'string', default: '16' },
      tokens: { type: 'string', default: '256' },
      steps: { type: 'string', default: '3' },
      keep: { type: 'string' },
    },
  });
  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'spa-big-')));
  try {
    if (!existsSync(join(folder, 'config.json')))
      await writeRandom(folder, { ...shape, layers: Number(values.layers) });
    // a process of its own, so that its memory is that of a stage
    const request = JSON.stringify({ folder, tokens: Number(values.tokens), steps: Number(values.steps) });
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), request], { stdio: 'inherit' });
    process.exitCode = status ?? 1;
  } finally {
    if (values.keep === undefined) await rm(folder, { recursive: true });
  }
}

/** Writes the model tensor by tensor: never more than one is in memory. */
async function writeRandom(folder, config) {
  const started = performance.now();
  const shards = [[]];
  let count = 0;
  for (const { name, shape: dims, size } of layoutOf(config, []).entries) {
    if (count > shardNumbers) {
      shards.push([]);
      count = 0;
    }
    shards.at(-1).push({ name, shape: dims, data: () => noise(name, dims, size) });
    count += size;
  }
  const nameOf = (at) =>
    `model-${String(at + 1).padStart(5, '0')}-of-${String(shards.length).padStart(5, '0')}.safetensors`;
  for (const [at, shard] of shards.entries())
    await writeSafetensors(join(folder, nameOf(at)), shard, { dtype: 'bfloat16' });
  const map = shards.flatMap((shard, at) => shard.map(({ name }) => [name, nameOf(at)]));
  await writeJson(join(folder, 'model.safetensors.index.json'), { metadata: {}, weight_map: Object.fromEntries(map) });
  await writeJson(join(folder, 'config.json'), { ...toHfConfig(config), torch_dtype: 'bfloat16' });
  console.log(`written   ${shards.length} shards of bfloat16 in ${seconds(started)} to ${folder}`);
}

/** Even noise of the spread of Llama's birth, from a xorshift of 32 bits seeded by the name; norms are 1. */
function noise(name, dims, size) {
  const data = new Float32Array(size);
  if (dims.length === 1) return data.fill(1);
  let x = createRng(['big', name]).int(2 ** 31 - 2) + 1;
  const scale = (0.02 * Math.sqrt(12)) / 2 ** 32;
  for (let i = 0; i < size; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    data[i] = x * scale;
  }
  return data;
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Peak and present resident memory, bytes of a GiB. */
function memory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const of = (key) => (Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)[1]) / 2 ** 20).toFixed(2);
  return `resident ${of('VmRSS')} GiB, peak ${of('VmHWM')} GiB`;
}

async function measure({ folder, tokens: T, steps }) {
  const threads = availableParallelism();
  const started = performance.now();
  const model = await loadModel(folder);
  const { vocabSize, layers } = model.config;
  console.log(
    `loaded    ${(model.parameters.length / 1e9).toFixed(2)} G parameters in ${seconds(started)}; ${memory()}`,
  );
  await learn(model, { T, steps, threads });
  await play(model, { threads });
  console.log(`model     ${layers} layers, vocabulary ${vocabSize}, ${threads} threads; ${memory()}`);
}

async function learn(model, { T, steps, threads }) {
  const { vocabSize } = model.config;
  const rng = createRng(['big', 'batch']);
  const ids = () => Int32Array.from({ length: T }, () => rng.int(vocabSize));
  const spoken = (value) => Float32Array.from({ length: T }, (_, t) => (t % 8 === 7 && t < T - 1 ? value() : 0));
  const batch = {
    shape: { B: 1, T },
    tokens: ids(),
    targets: ids(),
    weights: spoken(() => 1),
    oldLogProbs: spoken(() => -11.8),
    refLogProbs: spoken(() => -11.8),
    advantages: spoken(() => rng.normal()),
  };
  const trainer = createTrainer(model, {
    engine: 'onnx',
    threads,
    objective: 'ppo',
    adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    clipNorm: 1,
    lora,
    ppo: { clip: 0.2, valueClip: 0.2, valueCoefficient: 0.5, klCoefficient: 0.1, entropyCoefficient: 0 },
  });
  for (let step = 0; step < steps; step++) {
    const started = performance.now();
    const { loss, gradientNorm } = await trainer.step([batch], 1e-4);
    const first = step === 0 ? ' (with compiling)' : '';
    console.log(
      `step ${step + 1}    ${seconds(started)}${first}, ${(T / ((performance.now() - started) / 1000)).toFixed(1)} tokens/s, loss ${loss.toFixed(5)}, gradient ${gradientNorm.toFixed(4)}; ${memory()}`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'spa-adapter-'));
  await saveAdapters(folder, { config: model.config, lora, adapters: trainer.adapters });
  await rm(folder, { recursive: true });
  console.log(
    `adapter   ${(trainer.adapters.length / 1e6).toFixed(1)} M parameters, ${((4 * trainer.adapters.length) / 2 ** 20).toFixed(0)} MiB as a file`,
  );
  await trainer[Symbol.asyncDispose]();
}

async function play(model, { threads }) {
  for (const slots of [1, 4]) {
    const decoder = createDecoder(model, { engine: 'onnx', threads, slots, maxLength: 512 });
    const rng = createRng(['big', 'prompt']);
    const V = model.config.vocabSize;
    const prompts = Array.from({ length: slots }, () => Array.from({ length: 64 }, () => rng.int(V)));
    const compiled = performance.now();
    let logits = await decoder.advance(
      prompts.map((tokens, slot) => ({ slot, tokens })),
      64,
    );
    const read = seconds(compiled);
    let started = 0;
    const count = 12;
    for (let step = 0; step < count + 2; step++) {
      if (step === 2) started = performance.now(); // the first ones compile
      const rows = prompts.map((_, slot) => ({ slot, tokens: [argMax(logits.subarray(slot * V, (slot + 1) * V))] }));
      logits = await decoder.advance(rows, 1);
    }
    const rate = (count * slots) / ((performance.now() - started) / 1000);
    console.log(`play      ${slots} at once: ${rate.toFixed(2)} tokens/s; prompts of 64 read in ${read}; ${memory()}`);
    await decoder[Symbol.asyncDispose]();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await measure(JSON.parse(process.argv[2]));
