/** What transformers and PEFT computed with tiny models: read from ./fixtures, which test/interop/make_model_fixtures.py writes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import type { JsonObject } from '../../src/base/json.ts';
import { type LayoutEntry, layoutOf, viewOf } from '../../src/nn/layout.ts';
import { hiddenStates, logitsOf, sequenceConstants } from '../../src/nn/llama.ts';
import { type LoraOptions, loraLayout, withAdapters } from '../../src/nn/lora.ts';
import type { Model } from '../../src/nn/model.ts';
import { fromHfConfig, type ModelConfig } from '../../src/nn/model-config.ts';
import { createPart, partFeeds, partInputs, partWeights } from '../../src/nn/parts.ts';
import { compile } from '../../src/tensor/compile.ts';

const at = (path: string): string => fileURLToPath(new URL(`./fixtures/${path}`, import.meta.url));

interface Sequence {
  readonly tokens: readonly number[];
  /** Base64 of float32 [positions, V]. */
  readonly logits: string;
}

/** The content of fixtures/transformers.json. */
export interface TransformersFixture {
  readonly cases: readonly (Sequence & {
    readonly name: string;
    readonly config: JsonObject;
    readonly at: readonly number[];
  })[];
  readonly padding: {
    readonly rows: readonly (readonly number[])[];
    readonly config: JsonObject;
    readonly left: string;
    readonly right: string;
  };
  readonly lora: readonly {
    readonly base: string;
    readonly config: JsonObject;
    readonly targets: readonly string[];
    readonly rank: number;
    readonly alpha: number;
    readonly tokens: readonly number[];
    readonly beside: string;
    readonly merged: string;
  }[];
  readonly bf16: Sequence;
  readonly adapter: Sequence & { readonly config: JsonObject };
}

export const transformersFixture = (): TransformersFixture => JSON.parse(readFileSync(at('transformers.json'), 'utf8'));

/** A folder as transformers wrote it: a Llama in three shards of bfloat16. */
export const shardedFolder = at('bf16-shards');

/** A folder as PEFT wrote it. */
export const adapterFolder = at('peft-adapter');

/** Reads base64 of float32. */
export function floats(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** Fills a parameter as `weights_of` of make_model_fixtures.py does. */
function fill(view: Float32Array, { name, shape }: LayoutEntry): void {
  const seed = crc32(name);
  for (let i = 0; i < view.length; i++) {
    let x = (seed + Math.imul(i, 0x9e3779b9)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    const u = ((x ^ (x >>> 16)) >>> 0) / 2 ** 32 - 0.5;
    if (name.includes('norm')) view[i] = 1 + 0.5 * u;
    else view[i] = shape.length === 1 ? 0.5 * u : u * Math.sqrt(12 / shape.at(-1)!);
  }
}

/** Makes the model that a fixture's config belongs to. */
export function hashedModel(json: JsonObject): Model {
  const config = fromHfConfig(json, 'config.json');
  const layout = layoutOf(config, []);
  const parameters = new Float32Array(layout.size);
  for (const entry of layout.entries) fill(viewOf(parameters, entry), entry);
  return { config, heads: [], parameters };
}

/** Makes the adapters of a fixture. */
export function hashedAdapters(config: ModelConfig, lora: LoraOptions): Float32Array {
  const layout = loraLayout(config, lora);
  const adapters = new Float32Array(layout.size);
  for (const entry of layout.entries) fill(viewOf(adapters, entry), entry);
  return adapters;
}

/**
 * Computes the logits of every position of right-padded rows in one pass of the training graph, [B·T, V].
 * @param beside Adapters to compute beside the frozen matrices.
 */
export async function logitsOfRows(
  model: Model,
  rows: readonly (readonly number[])[],
  beside?: { readonly lora: LoraOptions; readonly adapters: Float32Array },
): Promise<Float32Array> {
  const { config } = model;
  const [B, T] = [rows.length, Math.max(...rows.map((row) => row.length))];
  const never = (): boolean => false;
  const base = createPart('model', { layout: layoutOf(config, model.heads), values: model.parameters }, never);
  const extra =
    beside && createPart('adapter', { layout: loraLayout(config, beside.lora), values: beside.adapters }, never);
  await using program = await compile(
    (inputs) => {
      const frozen = partWeights(base, inputs);
      const weights = beside
        ? withAdapters(frozen, partWeights(extra!, inputs), { config, lora: beside.lora, inputs })
        : frozen;
      const hidden = hiddenStates(weights, inputs.tokens!, { config, constants: sequenceConstants(config, T) });
      return { logits: logitsOf(weights, hidden, config) };
    },
    {
      ...partInputs(base),
      ...(extra === undefined ? {} : partInputs(extra)),
      tokens: { shape: [B, T], dtype: 'int32' },
    },
    { engine: 'onnx', threads: 1 },
  );
  const tokens = new Int32Array(B * T);
  for (const [b, row] of rows.entries()) tokens.set(row, b * T);
  const { logits } = await program.run({
    ...partFeeds(base, base.values),
    ...(extra === undefined ? {} : partFeeds(extra, extra.values)),
    tokens,
  });
  return Float32Array.from(logits!);
}

/** Picks rows of [positions, V]. */
export function rowsAt(logits: Float32Array, positions: readonly number[], vocabSize: number): Float32Array {
  const picked = new Float32Array(positions.length * vocabSize);
  for (const [i, position] of positions.entries())
    picked.set(logits.subarray(position * vocabSize, (position + 1) * vocabSize), i * vocabSize);
  return picked;
}
