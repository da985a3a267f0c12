/** Proves that an engine computes what the reference does, and measures how fast it multiplies. */
import { createRng } from '../base/rng.ts';
import { sizeOf } from '../base/shape.ts';
import { type CompileOptions, compile, type TensorFunction, type TensorSpec, type TypedArray } from './compile.ts';
import { gradientsOf } from './gradients.ts';
import { tf } from './tf.ts';

/** The verdict on an engine. */
export interface SelfTest {
  /** True if no number of the training steps is off by more than 1e-5. */
  readonly ok: boolean;
  /** Largest absolute difference from the reference over losses and weights. */
  readonly maxError: number;
  /** Best speed of a float32 matrix product, in 10^9 operations per second. */
  readonly gflops: number;
}

const TOLERANCE = 1e-5;
const STEPS = 3;
const LEARNING_RATE = 0.1;
const [TOKENS, VOCABULARY, WIDTH, CLASSES] = [32, 16, 8, 4];

const specs = {
  table: { shape: [VOCABULARY, WIDTH] },
  weights: { shape: [WIDTH, CLASSES] },
  tokens: { shape: [TOKENS], dtype: 'int32' },
  labels: { shape: [TOKENS], dtype: 'int32' },
} as const satisfies Record<string, TensorSpec>;

/** One step of gradient descent of a softmax classifier on embedded tokens. */
const trainStep: TensorFunction = ({ table, weights, tokens, labels }) => {
  const targets = tf.oneHot(labels as tf.Tensor1D, CLASSES); // [TOKENS, CLASSES]
  const loss = () => {
    const logits = tf.matMul(tf.tanh(tf.gather(table!, tokens as tf.Tensor1D)), weights as tf.Tensor2D); // [TOKENS, CLASSES]
    return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), targets), -1)));
  };
  const { value, grads } = gradientsOf(loss, [table!, weights!]);
  const step = (x: tf.Tensor, gradient: tf.Tensor) => tf.sub(x, tf.mul(gradient, LEARNING_RATE));
  return { loss: value, table: step(table!, grads[0]!), weights: step(weights!, grads[1]!) };
};

/**
 * Trains a tiny model for a few steps on the engine and on the reference, and compares.
 * @param size Extent of the square matrices whose product is timed; by default 512, and 128 for the slow reference.
 * @throws {SpaError} If the engine is not available.
 */
export async function selfTest(
  options: CompileOptions,
  { size = options.engine === 'cpu' ? 128 : 512 }: { readonly size?: number } = {},
): Promise<SelfTest> {
  const [expected, actual] = [await train({ engine: 'cpu' }), await train(options)];
  const maxError = expected.reduce((worst, value, index) => Math.max(worst, Math.abs(value - actual[index]!)), 0);
  // A NaN compares false, so a broken engine is not ok.
  return { ok: maxError <= TOLERANCE, maxError, gflops: await measureProduct(options, size) };
}

/** Returns all losses and the final weights. */
async function train(options: CompileOptions): Promise<readonly number[]> {
  await using program = await compile(trainStep, specs, options);
  const rng = createRng('self-test');
  const uniform = (length: number, scale: number) => Float32Array.from({ length }, () => (rng.uniform() - 0.5) * scale);
  const integers = (length: number, bound: number) => Int32Array.from({ length }, () => rng.int(bound));
  let state: Record<string, TypedArray> = {
    table: uniform(sizeOf(specs.table.shape), 2),
    weights: uniform(sizeOf(specs.weights.shape), 1),
  };
  const data = { tokens: integers(TOKENS, VOCABULARY), labels: integers(TOKENS, CLASSES) };
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const { loss, table, weights } = await program.run({ ...state, ...data });
    losses.push(loss![0]!);
    state = { table: table!, weights: weights! };
  }
  return [...losses, ...state.table!, ...state.weights!];
}

async function measureProduct(options: CompileOptions, size: number): Promise<number> {
  const shape = [size, size];
  const product: TensorFunction = ({ a, b }) => ({ sum: tf.sum(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D)) });
  await using program = await compile(product, { a: { shape }, b: { shape } }, options);
  const feeds = { a: new Float32Array(size * size).fill(1), b: new Float32Array(size * size).fill(1) };
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 5; repeat++) {
    const start = performance.now();
    await program.run(feeds);
    best = Math.min(best, performance.now() - start);
  }
  return (2 * size ** 3) / (best * 1e6);
}
