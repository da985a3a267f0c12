/**
 * What a model costs before it is loaded: memory and arithmetic of a training step and of play. Counted from the operations of llama.ts,
 * losses.ts and decode-graph.ts; what an engine needs beside its tensors is the measured `arenaFactor`.
 */

import { type HeadName, layoutOf } from './layout.ts';
import { blockLength } from './llama.ts';
import { type LoraOptions, loraLayout } from './lora.ts';
import type { ModelConfig } from './model-config.ts';
import { isLarge } from './rows.ts';

/** What is to be done with a model. */
export interface Workload {
  /** Heads it carries. Default none. */
  readonly heads?: readonly HeadName[];
  /** Padded shape of a training step's batch. */
  readonly batch: { readonly B: number; readonly T: number };
  /** Share of positions that have weight, in [0, 1]. Default 1. Matters where logits of all positions would be too many. */
  readonly spokenShare?: number;
  /** Adapters that are trained in place of the weights. Absent: all weights are trained. */
  readonly lora?: LoraOptions;
  /** Whether a second model of the same size is trained as critic beside it. Default false. */
  readonly separateCritic?: boolean;
  /** Episodes played at once. */
  readonly slots: number;
  /** Longest sequence of them, tokens. */
  readonly length: number;
}

/** Bytes, if not said otherwise. */
export interface Footprint {
  /** Numbers of the model and its heads. */
  readonly parameters: number;
  /** Numbers that are trained (model or adapters, and the critic). */
  readonly trained: number;
  /** The model in float32. */
  readonly weights: number;
  /** The critic in float32; 0 without a separate one. */
  readonly critic: number;
  readonly adapters: number;
  /** Both moments of AdamW. */
  readonly moments: number;
  /** Gradients, in pieces and joined. */
  readonly gradients: number;
  /** What the forward pass keeps for the backward pass. */
  readonly activations: number;
  /** Logits, probabilities and their gradients. */
  readonly logits: number;
  /** All of a training step. */
  readonly training: number;
  /** Keys and values of all slots at full length. */
  readonly cache: number;
  /** All of playing. */
  readonly playing: number;
  /** Floating point operations of one training step. */
  readonly stepFlops: number;
  /** Floating point operations of one played token, at half the full length. */
  readonly tokenFlops: number;
}

/** Bytes of a number. */
const F32 = 4;

/** What ONNX Runtime's arena holds for each byte of live tensors, because it keeps what was freed. Fitted to `npm run bench -- big-model`. */
const arenaFactor = 1.2;

/** A process with ONNX Runtime and TF.js loaded and no model; from the same bench. */
const programBytes = 150 * 2 ** 20;

/** Computes what a workload needs. @throws {SpaError} Bad input, if the LoRA options do not fit the model. */
export function footprintOf(config: ModelConfig, work: Workload): Footprint {
  const { batch, lora, slots, length } = work;
  const parameters = layoutOf(config, work.heads ?? []).size;
  const critic = work.separateCritic ? layoutOf(config, ['value']).size : 0;
  const adapters = lora === undefined ? 0 : loraLayout(config, lora).size;
  const trained = (lora === undefined ? parameters : adapters) + critic;
  const models = work.separateCritic ? 2 : 1;
  const tokens = batch.B * batch.T;
  const activations = models * config.layers * tokens * keptPerToken(config, batch.T) * F32;
  const spoken = spokenOf(config, tokens, work.spokenShare ?? 1);
  const logits = 3 * spoken * config.vocabSize * F32; // with their probabilities and gradient
  // full training works on a copy of the weights it was given
  const weights = parameters * F32 * (lora === undefined ? 2 : 1);
  const state = { weights, critic: 2 * critic * F32, adapters: adapters * F32, moments: 2 * trained * F32 };
  const gradients = 2 * trained * F32;
  const cache = 2 * config.layers * slots * length * config.kvHeads * config.headSize * F32;
  const read = slots * 2 * config.vocabSize * F32;
  return {
    parameters,
    trained,
    ...state,
    gradients,
    activations,
    logits,
    training:
      programBytes +
      Object.values(state).reduce((sum, bytes) => sum + bytes, 0) +
      Math.round(arenaFactor * (gradients + activations + logits)),
    cache,
    playing: programBytes + parameters * F32 + 2 * cache + Math.round(arenaFactor * read), // a cache that grows is copied
    stepFlops: stepFlops(config, work, spoken),
    tokenFlops:
      2 * (layerNumbers(config) * config.layers + config.hiddenSize * config.vocabSize) +
      2 * config.layers * config.heads * config.headSize * length,
  };
}

/** Returns the seconds of so many operations on a machine. @param gflops Its measured speed, as `spa doctor` prints it. */
export function secondsOf(flops: number, gflops: number): number {
  return flops / (gflops * 1e9);
}

/** Numbers of a layer's matrices. */
function layerNumbers({ hiddenSize: D, heads: H, kvHeads: K, headSize: E, intermediateSize: F }: ModelConfig): number {
  return D * (H + 2 * K) * E + H * E * D + 3 * D * F;
}

/** Share of the scores that block-causal attention computes. */
function scoredShare(T: number): number {
  const blocks = T / blockLength(T);
  return (blocks + 1) / (2 * blocks);
}

/** Numbers a layer keeps of each token for the backward pass. */
function keptPerToken(config: ModelConfig, T: number): number {
  const { hiddenSize: D, heads: H, kvHeads: K, headSize: E, intermediateSize: F } = config;
  const norms = 4 * D; // what is normed and the result, twice
  const attention = 3 * H * E + 3 * K * E + H * T * scoredShare(T); // turned, laid out by heads, output; probabilities
  return norms + attention + 4 * F; // up, its gate's sigmoid and silu, and their product
}

/** Positions whose logits are computed; see rows.ts. */
function spokenOf(config: ModelConfig, tokens: number, share: number): number {
  if (!isLarge(tokens, config.vocabSize)) return tokens;
  let spoken = tokens;
  while (spoken % 2 === 0 && spoken / 2 >= Math.max(16, share * tokens)) spoken /= 2;
  return spoken;
}

function stepFlops(config: ModelConfig, work: Workload, spoken: number): number {
  const { B, T } = work.batch;
  const { heads, headSize, layers, hiddenSize, vocabSize } = config;
  const matrices = 2 * layerNumbers(config) * layers * B * T;
  const attention = 4 * layers * B * heads * headSize * T * T * scoredShare(T);
  const projection = 2 * hiddenSize * vocabSize * spoken;
  const adapters = work.lora === undefined ? 0 : 6 * loraLayout(config, work.lora).size * B * T;
  // forward, gradient of what goes in, and gradient of the weights where they are trained; attention's backward pass costs two forward ones
  const passes = work.lora === undefined ? 3 : 2;
  const own = passes * (matrices + projection) + 3 * attention + adapters;
  return own + (work.separateCritic ? 3 * (matrices + attention) : 0);
}
