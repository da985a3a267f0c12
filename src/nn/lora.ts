/**
 * Low-rank adapters: y = W x + (alpha / rank) · B A x beside a frozen W, so that no gradient of W's size is ever formed. Matrices that
 * are multiplied together (q/k/v, gate/up) are adapted together: one A of all their ranks, one B with zeros where they do not meet.
 * Source: LoRA (arXiv 2106.09685); names and files as in Hugging Face PEFT.
 */
import { badInput } from '../base/error.ts';
import { createRng, type Rng } from '../base/rng.ts';
import { sizeOf } from '../base/shape.ts';
import type { TensorSpec } from '../tensor/compile.ts';
import { tf } from '../tensor/tf.ts';
import { type Group, groupsOf, type Layout, type LayoutEntry, layoutOf, layoutRows, viewOf } from './layout.ts';
import { type Weights, weight } from './llama.ts';
import type { Model } from './model.ts';
import type { ModelConfig } from './model-config.ts';

/** Shape of the adapters. */
export interface LoraOptions {
  /** Width of the bottleneck, ≥ 1. */
  readonly rank: number;
  /** Numerator of the scale alpha / rank. */
  readonly alpha: number;
  /** Modules that get one, e.g. `q_proj`, `v_proj`, `gate_proj`. */
  readonly targets: readonly string[];
  /**
   * Share of an adapter's inputs that a training step hides, in [0, 1). Default 0. Matrices that are adapted together see the same ones
   * hidden; PEFT draws anew for each.
   */
  readonly dropout?: number;
}

/** Matrices an adapter can sit beside. */
export const loraTargets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

/** Returns the layout of the adapters: for each target `….lora_A.weight` [rank, in] and `….lora_B.weight` [out, rank]. */
export function loraLayout(config: ModelConfig, options: LoraOptions): Layout {
  for (const target of options.targets) {
    if ((loraTargets as readonly string[]).includes(target)) continue;
    throw badInput(
      'model',
      `Cannot adapt module "${target}": not a matrix of a layer, expected one of ${loraTargets.join(', ')}`,
    );
  }
  if (!Number.isInteger(options.rank) || options.rank < 1 || options.targets.length === 0) {
    throw badInput(
      'model',
      `Cannot adapt model: rank ${options.rank} on ${options.targets.length} modules, expected at least 1 and 1`,
    );
  }
  const { dropout = 0 } = options;
  if (!(dropout >= 0 && dropout < 1))
    throw badInput('model', `Cannot adapt model: dropout is ${dropout}, expected a share of at least 0 and below 1`);
  const adapted = layoutOf(config, []).entries.filter((entry) => isTarget(entry, options));
  return layoutRows(
    adapted.flatMap((entry) => [
      [adapterName(entry, 'A'), [options.rank, entry.shape[1]!]] as const,
      [adapterName(entry, 'B'), [entry.shape[0]!, options.rank]] as const,
    ]),
  );
}

/** Creates adapters that change nothing yet: A N(0, 1/(3·in)), B 0. Shape [size of loraLayout]. */
export function createAdapters(layout: Layout, seed: number): Float32Array {
  const adapters = new Float32Array(layout.size);
  for (const entry of layout.entries) {
    if (entry.name.endsWith('lora_B.weight')) continue;
    const rng = createRng(['adapter', seed, entry.name]);
    const view = viewOf(adapters, entry);
    for (let i = 0; i < view.length; i++) view[i] = rng.normal() / Math.sqrt(3 * entry.shape[1]!);
  }
  return adapters;
}

/**
 * Returns the weights of the graph with the adapters beside them, as `project()` looks them up: of each adapted group
 * `<group>/down` A [ranks, in], `<group>/up` B [out, ranks] with the scale in it and, with dropout, `<group>/kept` [N, in].
 * @param inputs The graph's inputs; those of {@link dropoutInputs} are taken from it if they are there.
 */
export function withAdapters(
  weights: Weights,
  adapters: Weights,
  model: { readonly config: ModelConfig; readonly lora: LoraOptions; readonly inputs: Weights },
): Weights {
  const { config, lora, inputs } = model;
  const beside: Record<string, tf.Tensor> = {};
  for (const group of adaptedGroups(config, lora)) {
    beside[`${group.name}/down`] = downOf(group, adapters, lora);
    beside[`${group.name}/up`] = tf.mul(upOf(group, adapters, lora), lora.alpha / lora.rank);
    const kept = inputs[dropoutInput(group)];
    if (kept !== undefined) beside[`${group.name}/kept`] = kept;
  }
  return { ...weights, ...beside };
}

/** Returns the inputs a step with dropout needs: for each adapted group what is kept of its input, [N, in]. */
export function dropoutInputs(config: ModelConfig, lora: LoraOptions, tokens: number): Record<string, TensorSpec> {
  return Object.fromEntries(
    adaptedGroups(config, lora).map((group) => [dropoutInput(group), { shape: [tokens, group.shape[1]!] }]),
  );
}

/** Draws the feeds of {@link dropoutInputs}: 0 with probability `dropout`, else 1 / (1 - dropout). */
export function drawDropout(
  inputs: Record<string, TensorSpec>,
  dropout: number,
  rng: Rng,
): Record<string, Float32Array> {
  const kept = 1 / (1 - dropout);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => {
      const feed = new Float32Array(sizeOf(shape));
      for (let i = 0; i < feed.length; i++) feed[i] = rng.uniform() < dropout ? 0 : kept;
      return [name, feed];
    }),
  );
}

const dropoutInput = (group: Group): string => `dropout/${group.name}`;

/** Groups with something to adapt. */
function adaptedGroups(config: ModelConfig, lora: LoraOptions): Group[] {
  return groupsOf(layoutOf(config, [])).filter((group) => group.entries.some((entry) => isTarget(entry, lora)));
}

/** Stacks the A of a group's targets: [ranks, in]. */
function downOf(group: Group, adapters: Weights, lora: LoraOptions): tf.Tensor {
  const parts = group.entries
    .filter((entry) => isTarget(entry, lora))
    .map((entry) => weight(adapters, adapterName(entry, 'A')));
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
}

/** Lays the B of a group's targets out so that each adds to its own rows alone: [out, ranks]. */
function upOf(group: Group, adapters: Weights, lora: LoraOptions): tf.Tensor {
  const ranks = lora.rank * group.entries.filter((entry) => isTarget(entry, lora)).length;
  let end = 0;
  const rows = group.entries.map((entry) => {
    if (!isTarget(entry, lora)) return tf.zeros([entry.shape[0]!, ranks]);
    end += lora.rank;
    const sides: [[number, number], [number, number]] = [
      [0, 0],
      [end - lora.rank, ranks - end],
    ];
    return tf.pad(weight(adapters, adapterName(entry, 'B')), sides);
  });
  return rows.length === 1 ? rows[0]! : tf.concat(rows, 0);
}

/** Adapters with their shape: numbers in the order of `loraLayout(config, lora)`. */
export interface Beside {
  readonly lora: LoraOptions;
  readonly adapters: Float32Array;
}

/** Returns a plain model with the adapters folded into its matrices. */
export function mergeAdapters(model: Model, adapters: Float32Array, lora: LoraOptions): Model {
  const parameters = new Float32Array(model.parameters.length);
  for (const entry of layoutOf(model.config, model.heads).entries)
    viewOf(parameters, entry).set(mergedEntry(model, entry, { adapters, lora }));
  return { ...model, parameters };
}

/** Returns one parameter with its adapter folded in; a view of the model's own numbers where it has none. */
export function mergedEntry(model: Model, entry: LayoutEntry, { adapters, lora }: Beside): Float32Array {
  const own = viewOf(model.parameters, entry);
  if (!isTarget(entry, lora)) return own;
  const layout = loraLayout(model.config, lora);
  const find = (name: string): Float32Array => viewOf(adapters, layout.entries.find((each) => each.name === name)!);
  const [a, b] = [find(adapterName(entry, 'A')), find(adapterName(entry, 'B'))];
  const [rows, columns] = entry.shape as readonly [number, number];
  const merged = own.slice();
  const sum = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    sum.fill(0);
    for (let r = 0; r < lora.rank; r++) {
      const factor = b[i * lora.rank + r]!;
      for (let j = 0; j < columns; j++) sum[j]! += factor * a[r * columns + j]!;
    }
    for (let j = 0; j < columns; j++) merged[i * columns + j]! += (sum[j]! * lora.alpha) / lora.rank;
  }
  return merged;
}

function isTarget(entry: LayoutEntry, lora: LoraOptions): boolean {
  return lora.targets.some((target) => entry.name.endsWith(`.${target}.weight`));
}

function adapterName(entry: LayoutEntry, side: 'A' | 'B'): string {
  return entry.name.replace(/weight$/, `lora_${side}.weight`);
}
