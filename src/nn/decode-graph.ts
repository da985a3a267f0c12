/**
 * One decoding step as TF.js operations: each of B rows feeds up to W tokens behind a cache of up to S. The cache is an input only; the
 * new keys and values are outputs and the host writes them into its cache, which is far cheaper than an in-graph update.
 */
import type { TensorSpec } from '../tensor/compile.ts';
import { tf } from '../tensor/tf.ts';
import { feedForward, logitsOf, project, queriesKeysValues, type Weights, weight } from './llama.ts';
import type { ModelConfig } from './model-config.ts';
import { type Rotation, rmsNorm, rotate } from './ops.ts';
import { ropeTables } from './rope.ts';

/** Static shape of a decoding program. */
export interface DecodeShape {
  /** Rows. */
  readonly B: number;
  /** Columns fed at once. */
  readonly W: number;
  /** Cache length. */
  readonly S: number;
}

const hidden = -1e9;

/**
 * Returns the inputs besides the weights: `tokens`, `positions` (below S) [B·W]; `length` [B], tokens in each row's cache; `last` [B], index into
 * [B·W] of each row's last real column; `key/<layer>`, `value/<layer>` [B·K, S, E]; with previous-token embeddings also `previous` [B·W]
 * and `hasPrevious` [B·W, 1].
 */
export function decodeInputs(config: ModelConfig, { B, W, S }: DecodeShape): Record<string, TensorSpec> {
  const inputs: Record<string, TensorSpec> = {
    tokens: { shape: [B * W], dtype: 'int32' },
    positions: { shape: [B * W], dtype: 'int32' },
    length: { shape: [B], dtype: 'int32' },
    last: { shape: [B], dtype: 'int32' },
  };
  if (config.previousTokenEmbedding) {
    inputs.previous = { shape: [B * W], dtype: 'int32' };
    inputs.hasPrevious = { shape: [B * W, 1] };
  }
  for (let layer = 0; layer < config.layers; layer++) {
    for (const kind of ['key', 'value'])
      inputs[`${kind}/${layer}`] = { shape: [B * config.kvHeads, S, config.headSize] };
  }
  return inputs;
}

/** Builds the step. @returns `logits` [B, V] after each row's last real column, and `key/<layer>`, `value/<layer>` [B, K, W, E]. */
export function decodeStep(
  weights: Weights,
  inputs: Readonly<Record<string, tf.Tensor>>,
  { config, shape }: { readonly config: ModelConfig; readonly shape: DecodeShape },
): Record<string, tf.Tensor> {
  const outputs: Record<string, tf.Tensor> = {};
  const attention = {
    config,
    shape,
    rotation: rotationAt(config, inputs.positions!, shape.S),
    masks: masksOf(inputs.length!, config, shape),
  };
  let x = tf.gather(weight(weights, 'model.embed_tokens.weight'), inputs.tokens!); // [B·W, D]
  if (config.previousTokenEmbedding) {
    const earlier = tf.gather(weight(weights, 'model.embed_previous_tokens.weight'), inputs.previous!);
    x = tf.add(x, tf.mul(earlier, inputs.hasPrevious!));
  }
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    const qkv = queriesKeysValues(weights, at, x, config);
    const cache = { key: inputs[`key/${layer}`]!, value: inputs[`value/${layer}`]! };
    const { output, key, value } = windowAttention(qkv, cache, attention);
    outputs[`key/${layer}`] = key;
    outputs[`value/${layer}`] = value;
    x = tf.add(x, project(weights, `${at}.self_attn.o_proj.weight`, output));
    x = tf.add(x, feedForward(weights, at, x, config));
  }
  const ends = shape.W === 1 ? x : tf.gather(x, inputs.last!); // [B, D]
  outputs.logits = logitsOf(weights, rmsNorm(ends, weight(weights, 'model.norm.weight'), config.normEps), config);
  return outputs;
}

function rotationAt(config: ModelConfig, positions: tf.Tensor, length: number): Rotation {
  const half = config.headSize / 2;
  const tables = ropeTables(config, length);
  const at = (table: Float32Array): tf.Tensor =>
    tf.expandDims(tf.gather(tf.tensor(table, [length, half]), positions), 1);
  return { cos: at(tables.cos), sin: at(tables.sin) }; // [B·W, 1, E/2]
}

interface Masks {
  /** Hides cache columns behind each row's length, [B·K, 1, S]. */
  readonly cache: tf.Tensor;
  /** Hides later columns of the window, rows (head of the group, column), [G·W, W]. */
  readonly window: tf.Tensor;
}

function masksOf(length: tf.Tensor, config: ModelConfig, { B, W, S }: DecodeShape): Masks {
  const group = config.heads / config.kvHeads;
  const window = new Float32Array(group * W * W);
  for (let row = 0; row < group * W; row++) window.fill(hidden, row * W + (row % W) + 1, (row + 1) * W);
  const beyond = tf.greaterEqual(tf.range(0, S, 1, 'int32'), tf.reshape(length, [B, 1])); // [B, S]
  const cache = tf.mul(tf.cast(beyond, 'float32'), hidden);
  const perHead = tf.tile(tf.reshape(cache, [B, 1, 1, S]), [1, config.kvHeads, 1, 1]);
  return { cache: tf.reshape(perHead, [B * config.kvHeads, 1, S]), window: tf.tensor(window, [group * W, W]) };
}

function windowAttention(
  qkv: tf.Tensor,
  cache: { readonly key: tf.Tensor; readonly value: tf.Tensor },
  {
    config,
    shape,
    rotation,
    masks,
  }: { readonly config: ModelConfig; readonly shape: DecodeShape; readonly rotation: Rotation; readonly masks: Masks },
): { readonly output: tf.Tensor; readonly key: tf.Tensor; readonly value: tf.Tensor } {
  const { heads: H, kvHeads: K, headSize: E } = config;
  const { B, W, S } = shape;
  const [turning, still] = tf.split(tf.reshape(qkv, [B * W, H + 2 * K, E]), [H + K, K], 1) as [tf.Tensor, tf.Tensor];
  const [q, k] = tf.split(rotate(turning, rotation), [H, K], 1) as [tf.Tensor, tf.Tensor];
  const perHead = (x: tf.Tensor, heads: number): tf.Tensor =>
    W === 1 ? tf.reshape(x, [B, heads, 1, E]) : tf.transpose(tf.reshape(x, [B, W, heads, E]), [0, 2, 1, 3]);
  const key = perHead(k, K); // [B, K, W, E]
  const value = perHead(still, K); // [B, K, W, E]
  const queries = tf.reshape(perHead(tf.mul(q, 1 / Math.sqrt(E)), H), [B * K, (H / K) * W, E]);
  const [newKeys, newValues] = [tf.reshape(key, [B * K, W, E]), tf.reshape(value, [B * K, W, E])];
  const old = tf.add(tf.matMul(queries, cache.key, false, true), masks.cache); // [B·K, G·W, S]
  const recent = tf.matMul(queries, newKeys, false, true); // [B·K, G·W, W]
  const p = tf.softmax(tf.concat([old, W === 1 ? recent : tf.add(recent, masks.window)], -1));
  const [pOld, pNew] = tf.split(p, [S, W], -1) as [tf.Tensor, tf.Tensor];
  const summed = tf.add(tf.matMul(pOld, cache.value), tf.matMul(pNew, newValues)); // [B·K, G·W, E]
  const rows = tf.reshape(summed, [B, H, W, E]);
  const output = tf.reshape(W === 1 ? rows : tf.transpose(rows, [0, 2, 1, 3]), [B * W, H * E]);
  return { output, key, value };
}
