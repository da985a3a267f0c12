/**
 * The Llama forward pass over whole sequences, as TF.js operations. Attention is block-causal: query block i sees the keys up to its
 * end, which halves the scores computed. Sequences are padded on the right, so causality alone hides the padding.
 * Source: transformers `modeling_llama.py` (half-split rotary pairs, RMSNorm before each sublayer).
 */
import { tf } from '../tensor/tf.ts';
import type { HeadName } from './layout.ts';
import type { ModelConfig } from './model-config.ts';
import { attend, type Rotation, rmsNorm, rotate, swiglu } from './ops.ts';
import { ropeTables } from './rope.ts';

/** Parameters as tensors, by group name (see layout.ts). */
export type Weights = Readonly<Record<string, tf.Tensor>>;

/** Padded shape of a batch. */
export interface BatchShape {
  /** Sequences. */
  readonly B: number;
  /** Tokens of each, padding included. */
  readonly T: number;
}

/** What depends on the shape of a batch alone. Create it outside of any gradient, or its tensors are disposed too early. */
export interface SequenceConstants {
  readonly rotation: Rotation;
  /** One mask per query block, [G·M, S]: rows are (head of the group, query). */
  readonly masks: readonly tf.Tensor[];
}

const hidden = -1e9;

/** Returns the length of a query block: a quarter of the sequence where that divides it and is 32 tokens or more, else a third, a half, all. */
export function blockLength(T: number): number {
  for (const blocks of [4, 3, 2]) if (T % blocks === 0 && T / blocks >= 32) return T / blocks;
  return T;
}

/** Makes rotary tables and masks for sequences of T tokens. */
export function sequenceConstants(config: ModelConfig, T: number): SequenceConstants {
  const { cos, sin } = ropeTables(config, T);
  const shape = [T, 1, config.headSize / 2];
  const block = blockLength(T);
  const group = config.heads / config.kvHeads;
  const masks = Array.from({ length: T / block }, (_, i) => {
    const visible = (i + 1) * block;
    const mask = new Float32Array(group * block * visible);
    for (let row = 0; row < group * block; row++) {
      const query = i * block + (row % block);
      mask.fill(hidden, row * visible + query + 1, (row + 1) * visible);
    }
    return tf.tensor(mask, [group * block, visible]);
  });
  return { rotation: { cos: tf.tensor(cos, shape), sin: tf.tensor(sin, shape) }, masks };
}

/** Computes the final normed hidden states. @param tokens int32 [B, T]. @returns [B·T, D]. */
export function hiddenStates(
  weights: Weights,
  tokens: tf.Tensor,
  model: { readonly config: ModelConfig; readonly constants: SequenceConstants },
): tf.Tensor {
  const { config } = model;
  const [B, T] = tokens.shape as [number, number];
  const flat = tf.reshape(tokens, [B * T]);
  let x = tf.gather(weight(weights, 'model.embed_tokens.weight'), flat); // [B·T, D]
  if (config.previousTokenEmbedding) {
    const vectors = tf.gather(weight(weights, 'model.embed_previous_tokens.weight'), flat);
    const earlier = tf.slice(tf.reshape(vectors, [B, T, -1]), [0, 0, 0], [B, T - 1, config.hiddenSize]);
    x = tf.add(
      x,
      tf.reshape(
        tf.pad(earlier, [
          [0, 0],
          [1, 0],
          [0, 0],
        ]),
        [B * T, config.hiddenSize],
      ),
    );
  }
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    const qkv = queriesKeysValues(weights, at, x, config);
    const attention = selfAttention(qkv, { B, T }, model);
    x = tf.add(x, project(weights, `${at}.self_attn.o_proj.weight`, attention));
    x = tf.add(x, feedForward(weights, at, x, config));
  }
  return rmsNorm(x, weight(weights, 'model.norm.weight'), config.normEps);
}

/** Computes what attends and is attended to in a layer, its norm included. @param x [N, D]. @returns [N, (H + 2K)·E]. */
export function queriesKeysValues(weights: Weights, at: string, x: tf.Tensor, config: ModelConfig): tf.Tensor {
  const normal = rmsNorm(x, weight(weights, `${at}.input_layernorm.weight`), config.normEps);
  const qkv = project(weights, `${at}.qkv`, normal);
  if (!config.queryKeyNorm) return qkv;
  const { heads: H, kvHeads: K, headSize: E, normEps } = config;
  const [q, k, v] = tf.split(qkv, [H * E, K * E, K * E], 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const normed = (part: tf.Tensor, name: string): tf.Tensor =>
    tf.reshape(
      rmsNorm(tf.reshape(part, [-1, E]), weight(weights, `${at}.self_attn.${name}.weight`), normEps),
      part.shape,
    );
  return tf.concat([normed(q, 'q_norm'), normed(k, 'k_norm'), v], 1);
}

/** Computes the gated feed-forward sublayer of a layer, its norm included. @param x [N, D]. @returns [N, D]. */
export function feedForward(weights: Weights, at: string, x: tf.Tensor, config: ModelConfig): tf.Tensor {
  const normal = rmsNorm(x, weight(weights, `${at}.post_attention_layernorm.weight`), config.normEps);
  return project(weights, `${at}.mlp.down_proj.weight`, swiglu(project(weights, `${at}.gate_up`, normal)));
}

function selfAttention(
  qkv: tf.Tensor,
  { B, T }: BatchShape,
  { config, constants }: { readonly config: ModelConfig; readonly constants: SequenceConstants },
): tf.Tensor {
  const { heads: H, kvHeads: K, headSize: E } = config;
  const [turning, still] = tf.split(tf.reshape(qkv, [B, T, H + 2 * K, E]), [H + K, K], 2) as [tf.Tensor, tf.Tensor];
  const [qs, ks] = tf.split(rotate(turning, constants.rotation), [H, K], 2) as [tf.Tensor, tf.Tensor];
  const q = tf.transpose(tf.mul(qs, 1 / Math.sqrt(E)), [0, 2, 1, 3]); // [B, H, T, E]
  const k = tf.transpose(ks, [0, 2, 1, 3]); // [B, K, T, E]
  const v = tf.transpose(still, [0, 2, 1, 3]); // [B, K, T, E]
  const blocks = constants.masks.length;
  const M = T / blocks;
  const queries = blocks === 1 ? [q] : tf.split(q, blocks, 2);
  const outputs = queries.map((query, i) => {
    const S = (i + 1) * M;
    const seen = (x: tf.Tensor): tf.Tensor => (S === T ? x : tf.slice(x, [0, 0, 0, 0], [B, K, S, E]));
    const result = attend({
      q: tf.reshape(query, [B * K, (H / K) * M, E]),
      k: tf.reshape(seen(k), [B * K, S, E]),
      v: tf.reshape(seen(v), [B * K, S, E]),
      mask: constants.masks[i]!,
    });
    return tf.reshape(result, [B, H, M, E]);
  });
  const joined = outputs.length === 1 ? outputs[0]! : tf.concat(outputs, 2); // [B, H, T, E]
  return tf.reshape(tf.transpose(joined, [0, 2, 1, 3]), [B * T, H * E]);
}

/** Computes the logits of every position. @param h [N, D]. @returns [N, V]. */
export function logitsOf(weights: Weights, h: tf.Tensor, config: ModelConfig): tf.Tensor {
  return project(weights, config.tieEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight', h);
}

/** Computes a regression head: Linear(D, D), SiLU, Linear(D, 1). @param h [N, D]. @returns [N]. */
export function headOutput(weights: Weights, head: HeadName, h: tf.Tensor): tf.Tensor {
  const inner = tf.add(project(weights, `${head}_head.0.weight`, h), weight(weights, `${head}_head.0.bias`));
  const active = tf.mul(inner, tf.sigmoid(inner));
  const outer = tf.add(project(weights, `${head}_head.2.weight`, active), weight(weights, `${head}_head.2.bias`));
  return tf.reshape(outer, [-1]);
}

/** Multiplies rows by a matrix stored [out, in], and adds its bias and what an adapter beside it says (see lora.ts). @param x [N, in]. */
export function project(weights: Weights, name: string, x: tf.Tensor): tf.Tensor {
  const product = tf.matMul(x, weight(weights, name), false, true);
  const bias = weights[`${name}/bias`];
  const y = bias === undefined ? product : tf.add(product, bias);
  const down = weights[`${name}/down`];
  if (down === undefined) return y;
  const kept = weights[`${name}/kept`];
  const narrow = tf.matMul(kept === undefined ? x : tf.mul(x, kept), down, false, true); // [N, ranks]
  return tf.add(y, tf.matMul(narrow, weight(weights, `${name}/up`), false, true));
}

/** Returns a parameter tensor. */
export function weight(weights: Weights, name: string): tf.Tensor {
  const tensor = weights[name];
  if (tensor === undefined) throw new RangeError(`Internal: no parameter "${name}" in the graph`);
  return tensor;
}
