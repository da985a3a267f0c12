/**
 * Low-rank adapters: W + (alpha / rank) · B A beside a frozen W. The graph forms the sum once per step, which is exact and serves any
 * mix of targets; dropout is not offered. Source: LoRA (arXiv 2106.09685); names and files as in Hugging Face PEFT.
 */
import { badInput } from '../base/error.ts';
import { createRng } from '../base/rng.ts';
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

/** Returns the weights of the graph with the adapters added in. */
export function withAdapters(
  weights: Weights,
  adapters: Weights,
  model: { readonly config: ModelConfig; readonly lora: LoraOptions },
): Weights {
  const adapted = groupsOf(layoutOf(model.config, [])).filter((group) =>
    group.entries.some((entry) => isTarget(entry, model.lora)),
  );
  return {
    ...weights,
    ...Object.fromEntries(adapted.map((group) => [group.name, adaptGroup(group, weights, adapters, model.lora)])),
  };
}

function adaptGroup(group: Group, weights: Weights, adapters: Weights, lora: LoraOptions): tf.Tensor {
  const base = weight(weights, group.name);
  let row = 0;
  const parts = group.entries.map((entry) => {
    const [rows, columns] = entry.shape as readonly [number, number];
    const own = group.entries.length === 1 ? base : tf.slice(base, [row, 0], [rows, columns]);
    row += rows;
    if (!isTarget(entry, lora)) return own;
    const change = tf.matMul(weight(adapters, adapterName(entry, 'B')), weight(adapters, adapterName(entry, 'A')));
    return tf.add(own, tf.mul(change, lora.alpha / lora.rank));
  });
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
}

/** Returns a plain model with the adapters folded into its matrices. */
export function mergeAdapters(model: Model, adapters: Float32Array, lora: LoraOptions): Model {
  const parameters = model.parameters.slice();
  const layout = loraLayout(model.config, lora);
  const find = (name: string): Float32Array => viewOf(adapters, layout.entries.find((entry) => entry.name === name)!);
  for (const entry of layoutOf(model.config, model.heads).entries) {
    if (!isTarget(entry, lora)) continue;
    const [rows, columns] = entry.shape as readonly [number, number];
    const [a, b, target] = [find(adapterName(entry, 'A')), find(adapterName(entry, 'B')), viewOf(parameters, entry)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let r = 0; r < lora.rank; r++) sum += b[i * lora.rank + r]! * a[r * columns + j]!;
        target[i * columns + j]! += (sum * lora.alpha) / lora.rank;
      }
    }
  }
  return { ...model, parameters };
}

function isTarget(entry: LayoutEntry, lora: LoraOptions): boolean {
  return lora.targets.some((target) => entry.name.endsWith(`.${target}.weight`));
}

function adapterName(entry: LayoutEntry, side: 'A' | 'B'): string {
  return entry.name.replace(/weight$/, `lora_${side}.weight`);
}
