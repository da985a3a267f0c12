/**
 * Tokens per second of training, ours against PyTorch 2 with scaled_dot_product_attention: same weights, same batch, same optimiser, steps
 * taken in turns. Beside it: the speed of ONNX Runtime's own matrix product in the same minutes, the share of it a training step reaches,
 * and where the rest goes. PyTorch is used if SPA_TORCH_PYTHON names a Python that has torch and safetensors:
 *
 *   python3 -m venv .venv/torch && .venv/torch/bin/pip install torch safetensors
 *   SPA_TORCH_PYTHON=.venv/torch/bin/python npm run bench -- train
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createRng } from '../../dist/base/rng.js';
import { saveModel } from '../../dist/nn/checkpoint.js';
import { createModel } from '../../dist/nn/model.js';
import { createTrainer } from '../../dist/nn/trainer.js';
import { compile } from '../../dist/tensor/compile.js';
import { tf } from '../../dist/tensor/tf.js';

const common = {
  vocabSize: 2048,
  ropeTheta: 10000,
  normEps: 1e-5,
  tieEmbeddings: true,
  previousTokenEmbedding: false,
};
const sizes = [
  {
    name: 'd256 L4',
    B: 8,
    T: 512,
    config: {
      ...common,
      layers: 4,
      hiddenSize: 256,
      heads: 8,
      kvHeads: 4,
      headSize: 32,
      intermediateSize: 704,
      maxLength: 512,
    },
  },
  {
    name: 'd128 L3',
    B: 16,
    T: 384,
    config: {
      ...common,
      layers: 3,
      hiddenSize: 128,
      heads: 4,
      kvHeads: 2,
      headSize: 32,
      intermediateSize: 352,
      maxLength: 384,
    },
  },
];
const rounds = 9;
const stepsPerTurn = 2;
const learningRate = 1e-4;
const threads = availableParallelism();

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const rss = () => process.memoryUsage.rss() / 1e6;

/** Floating-point operations of one step's matrix products, backward pass included: 6 per weight and token, and causal attention. */
function stepFlops({ B, T, config: c }) {
  const perLayer = c.hiddenSize * c.headSize * (2 * c.heads + 2 * c.kvHeads) + 3 * c.hiddenSize * c.intermediateSize;
  const weights = c.layers * perLayer + c.vocabSize * c.hiddenSize;
  const attention = 12 * c.layers * B * c.heads * c.headSize * ((T * (T + 1)) / 2);
  return 6 * weights * B * T + attention;
}

/** Random tokens; what follows each is the next one. */
function batchOf({ B, T, config }) {
  const rng = createRng(['bench', 'train', B, T]);
  const tokens = Int32Array.from({ length: B * T }, () => rng.int(config.vocabSize));
  const targets = Int32Array.from(tokens, (_, i) => tokens[(i + 1) % tokens.length]);
  return { shape: { B, T }, tokens, targets, weights: new Float32Array(B * T).fill(1) };
}

/** Starts PyTorch on the same model and batch, or returns undefined where there is none. */
async function startTorch(size, model, batch, isCompiled) {
  const python = process.env.SPA_TORCH_PYTHON;
  if (python === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'spa-bench-'));
  await saveModel(folder, model);
  const script = fileURLToPath(new URL('./python/train_torch.py', import.meta.url));
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (message) => {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('PyTorch ended');
    return JSON.parse(value);
  };
  const { B, T, config } = size;
  const opened = await ask({
    B,
    T,
    config,
    threads,
    learningRate,
    compile: isCompiled,
    weights: join(folder, 'model.safetensors'),
    tokens: [...batch.tokens],
    targets: [...batch.targets],
  });
  return {
    version: opened.torch,
    steps: (steps) => ask({ steps }),
    close: async () => {
      child.stdin.end();
      await rm(folder, { recursive: true });
    },
  };
}

/** Makes the matrix product whose speed is the yardstick. */
async function yardstick() {
  const n = 2048;
  const shape = [n, n];
  const program = await compile(
    ({ a, b }) => ({ c: tf.matMul(a, b) }),
    { a: { shape }, b: { shape } },
    { engine: 'onnx', threads },
  );
  const rng = createRng('yardstick');
  const feeds = { a: Float32Array.from({ length: n * n }, () => rng.uniform()), b: new Float32Array(n * n).fill(0.5) };
  return async () => {
    const start = performance.now();
    await program.run(feeds);
    return (2 * n ** 3) / ((performance.now() - start) * 1e6);
  };
}

async function benchSize(size, { isCompiled }) {
  const model = createModel(size.config, [], 1);
  const batch = batchOf(size);
  const adam = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01 };
  const trainer = createTrainer(model, { engine: 'onnx', threads, objective: 'language', adam, clipNorm: 1 });
  const torch = await startTorch(size, model, batch, isCompiled);
  const product = await yardstick();
  const [ours, theirs, peaks, losses] = [[], [], [], { ours: [], theirs: [] }];
  const takeOurs = async () => {
    for (let i = 0; i < stepsPerTurn; i++) {
      const start = performance.now();
      const { loss } = await trainer.step([batch], learningRate);
      ours.push(performance.now() - start);
      losses.ours.push(loss);
    }
  };
  const takeTheirs = async () => {
    const { ms, loss } = await torch.steps(stepsPerTurn);
    theirs.push(...ms);
    losses.theirs.push(...loss);
  };
  for (let round = 0; round < rounds; round++) {
    await takeOurs();
    peaks.push(await product());
    if (torch !== undefined) await takeTheirs();
  }
  await torch?.close();
  await trainer[Symbol.asyncDispose]();
  const warm = (values) => values.slice(2 * stepsPerTurn);
  print(size, { ours: warm(ours), theirs: warm(theirs), peaks: peaks.slice(1), losses, torch: torch?.version });
}

function print(size, { ours, theirs, peaks, losses, torch }) {
  const tokens = size.B * size.T;
  const rate = (ms) => `${Math.round((tokens / ms) * 1000).toLocaleString('en')} tokens/s`;
  const flops = stepFlops(size);
  const gflops = (ms) => flops / (ms * 1e6);
  const peak = Math.max(...peaks);
  const line = (name, ms) =>
    console.log(
      `  ${name.padEnd(34)} median ${median(ms).toFixed(0).padStart(5)} ms, best ${Math.min(...ms)
        .toFixed(0)
        .padStart(5)} ms   ${rate(median(ms))}`,
    );
  console.log(
    `${size.name}, B ${size.B}, T ${size.T}, ${threads} threads, ${(flops / 1e9).toFixed(1)} GFLOP a step (causal attention counted once)`,
  );
  line('ours (onnx, AdamW in JavaScript)', ours);
  if (theirs.length > 0) {
    line(`PyTorch ${torch}`, theirs);
    const pairs = ours.map((ms, i) => theirs[i] / ms);
    console.log(
      `  ours / PyTorch                     ${median(pairs).toFixed(2)} × tokens/s (median of paired steps), ${(Math.min(...theirs) / Math.min(...ours)).toFixed(2)} × at best`,
    );
    const gap = Math.max(...losses.ours.map((loss, i) => Math.abs(loss - losses.theirs[i])));
    console.log(`  largest difference of the loss     ${gap.toExponential(1)} over ${losses.ours.length} steps`);
  }
  console.log(
    `  ONNX Runtime's matrix product      ${median(peaks).toFixed(0)} GFLOP/s median, ${peak.toFixed(0)} best`,
  );
  console.log(
    `  ours reaches                       ${gflops(median(ours)).toFixed(0)} GFLOP/s median, ${((100 * gflops(median(ours))) / median(peaks)).toFixed(0)} % of the median product; ${((100 * gflops(Math.min(...ours))) / peak).toFixed(0)} % best of best`,
  );
  console.log(`  memory of this process             ${rss().toFixed(0)} MB`);
}

/** Prints both sizes. `--compile`: PyTorch with torch.compile. */
export async function run(words) {
  for (const size of sizes) await benchSize(size, { isCompiled: words.includes('--compile') });
}
