/**
 * The shape of a Llama-style language model, and its translation from and to Hugging Face's config.json. Qwen 2 and Qwen 3 are Llamas with
 * one part more each. One departure of our own exists, off by default: `previousTokenEmbedding` adds a learned vector of the token before.
 */
import { badInput } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';

/** Llama 3's stretching of rotary wavelengths. Source: transformers `modeling_rope_utils.py`, `rope_type: "llama3"`. */
export interface RopeScaling {
  /** How far long wavelengths are stretched, > 0. */
  readonly factor: number;
  /** Wavelengths above originalMaxLength / lowFrequencyFactor are stretched fully. */
  readonly lowFrequencyFactor: number;
  /** Wavelengths below originalMaxLength / highFrequencyFactor are left alone. */
  readonly highFrequencyFactor: number;
  /** Length the model was first trained for, tokens. */
  readonly originalMaxLength: number;
}

/** What decides the shape of every parameter. */
export interface ModelConfig {
  /** V, tokens of the vocabulary. */
  readonly vocabSize: number;
  /** D, width of the residual stream. */
  readonly hiddenSize: number;
  /** L, transformer layers. */
  readonly layers: number;
  /** H, query heads. */
  readonly heads: number;
  /** K, key/value heads; divides `heads`. */
  readonly kvHeads: number;
  /** E, width of one head; even. */
  readonly headSize: number;
  /** F, width of the gated feed-forward layer. */
  readonly intermediateSize: number;
  /** Longest sequence, tokens. */
  readonly maxLength: number;
  /** Base of the rotary frequencies. */
  readonly ropeTheta: number;
  /** Absent: plain rotary embedding. */
  readonly ropeScaling?: RopeScaling;
  /** Added to the mean square before its root in RMSNorm. */
  readonly normEps: number;
  /** True if the output layer is the transposed token embedding. */
  readonly tieEmbeddings: boolean;
  /** True if the input is x_t = E[token_t] + P[token_{t-1}] (nothing added at t = 0). Not Llama; helps small models copy. */
  readonly previousTokenEmbedding: boolean;
  /** True if queries, keys and values have biases (Qwen 2). Absent: false. */
  readonly attentionBias?: boolean;
  /** True if every query and key head is normed before it is rotated (Qwen 3). Absent: false. */
  readonly queryKeyNorm?: boolean;
}

/** What `model_type` of a config.json may be, and the class of transformers that goes with it. */
const architectures = { llama: 'LlamaForCausalLM', qwen2: 'Qwen2ForCausalLM', qwen3: 'Qwen3ForCausalLM' } as const;

type ModelType = keyof typeof architectures;

/** The `model_type` under which models with `previousTokenEmbedding` are handed to other programs. */
export const ownModelType = 'spa_llama';

/** Returns the Hugging Face `model_type` a shape belongs to. */
function modelTypeOf(config: ModelConfig): ModelType {
  if (config.queryKeyNorm) return 'qwen3';
  return config.attentionBias ? 'qwen2' : 'llama';
}

const positiveIntegers = [
  'vocabSize',
  'hiddenSize',
  'layers',
  'heads',
  'kvHeads',
  'headSize',
  'intermediateSize',
  'maxLength',
] as const;

/** Refuses a shape no model can have. @param name What the message calls the model. @throws {SpaError} Bad input, boundary `model`. */
export function checkModelConfig(config: ModelConfig, name = 'model'): void {
  const refuse = (what: string): never => {
    throw badInput('model', `Cannot build model "${name}": ${what}`);
  };
  for (const key of positiveIntegers) {
    const value = config[key];
    if (!Number.isInteger(value) || value < 1) refuse(`${key} is ${value}, expected a positive integer`);
  }
  if (config.heads % config.kvHeads !== 0) {
    refuse(`${config.heads} heads share ${config.kvHeads} kvHeads, expected a divisor of ${config.heads}`);
  }
  if (config.headSize % 2 !== 0) refuse(`headSize is ${config.headSize}, expected an even number`);
  if (!(config.ropeTheta > 0)) refuse(`ropeTheta is ${config.ropeTheta}, expected a positive number`);
  if (!(config.normEps > 0)) refuse(`normEps is ${config.normEps}, expected a positive number`);
  if (config.attentionBias && config.queryKeyNorm)
    refuse('it has both biases and norms of queries and keys, expected one of them at most');
}

/** Returns the config.json of a model, readable by transformers (which ignores `previous_token_embedding`). */
export function toHfConfig(config: ModelConfig): JsonObject {
  const scaling = config.ropeScaling;
  const type = modelTypeOf(config);
  return {
    architectures: [architectures[type]],
    model_type: type,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headSize,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxLength,
    rope_theta: config.ropeTheta,
    rope_scaling:
      scaling === undefined
        ? null
        : {
            rope_type: 'llama3',
            factor: scaling.factor,
            low_freq_factor: scaling.lowFrequencyFactor,
            high_freq_factor: scaling.highFrequencyFactor,
            original_max_position_embeddings: scaling.originalMaxLength,
          },
    rms_norm_eps: config.normEps,
    tie_word_embeddings: config.tieEmbeddings,
    hidden_act: 'silu',
    ...(type === 'qwen2' ? {} : { attention_bias: false }),
    ...(type === 'llama' ? { mlp_bias: false } : { use_sliding_window: false }),
    torch_dtype: 'float32',
    ...(config.previousTokenEmbedding ? { previous_token_embedding: true } : {}),
  };
}

/**
 * Reads a Hugging Face config.json. @param file What the messages call it.
 * @throws {SpaError} Bad input, if a needed number is missing or the file asks for something this model does not do.
 */
export function fromHfConfig(json: JsonObject, file: string): ModelConfig {
  const refuse = (what: string): never => {
    throw badInput('model', `Cannot read model config "${file}": ${what}`);
  };
  const read = (record: JsonObject, key: string, fallback?: number): number => {
    const value = record[key] ?? fallback;
    return typeof value === 'number' ? value : refuse(`"${key}" is ${JSON.stringify(value)}, expected a number`);
  };
  const insist = (key: string, expected: string | boolean): void => {
    const value = json[key];
    if (value !== undefined && value !== expected) refuse(`"${key}" is ${JSON.stringify(value)}, expected ${expected}`);
  };
  const said = json.model_type === ownModelType && json.previous_token_embedding === true ? 'llama' : json.model_type;
  const type = (said ?? 'llama') as ModelType; // checked on the next line
  if (!Object.hasOwn(architectures, type))
    refuse(`"model_type" is ${JSON.stringify(type)}, expected one of ${Object.keys(architectures).join(', ')}`);
  insist('hidden_act', 'silu');
  if (type !== 'qwen2') insist('attention_bias', false); // Qwen 2 has them whatever this says
  insist('mlp_bias', false);
  insist('use_sliding_window', false);
  const hiddenSize = read(json, 'hidden_size');
  const heads = read(json, 'num_attention_heads');
  // transformers 5 writes one record "rope_parameters" in place of "rope_theta" and "rope_scaling"
  const rope = (json.rope_parameters ?? { rope_theta: json.rope_theta ?? 10000 }) as JsonObject; // an object in every HF config
  const scaling = readScaling(
    (json.rope_parameters ?? json.rope_scaling) as JsonObject | null | undefined,
    read,
    refuse,
  );
  const config: ModelConfig = {
    vocabSize: read(json, 'vocab_size'),
    hiddenSize,
    layers: read(json, 'num_hidden_layers'),
    heads,
    kvHeads: read(json, 'num_key_value_heads', heads),
    headSize: read(json, 'head_dim', hiddenSize / heads),
    intermediateSize: read(json, 'intermediate_size'),
    maxLength: read(json, 'max_position_embeddings'),
    ropeTheta: read(rope, 'rope_theta'),
    ...(scaling === undefined ? {} : { ropeScaling: scaling }),
    normEps: read(json, 'rms_norm_eps'),
    tieEmbeddings: json.tie_word_embeddings === true,
    previousTokenEmbedding: json.previous_token_embedding === true,
    ...(type === 'qwen2' ? { attentionBias: true } : {}),
    ...(type === 'qwen3' ? { queryKeyNorm: true } : {}),
  };
  checkModelConfig(config, file);
  return config;
}

function readScaling(
  record: JsonObject | null | undefined,
  read: (record: JsonObject, key: string) => number,
  refuse: (what: string) => never,
): RopeScaling | undefined {
  if (record === null || record === undefined) return undefined;
  const type = record.rope_type ?? record.type;
  if (type === 'default') return undefined;
  if (type !== 'llama3')
    refuse(`"rope_scaling" has type ${JSON.stringify(type)}, expected "llama3", "default" or null`);
  return {
    factor: read(record, 'factor'),
    lowFrequencyFactor: read(record, 'low_freq_factor'),
    highFrequencyFactor: read(record, 'high_freq_factor'),
    originalMaxLength: read(record, 'original_max_position_embeddings'),
  };
}
