/**
 * Where each parameter lies in the one flat Float32Array of a model. Names are Hugging Face's; matrices are stored [out, in] as
 * there. Parameters that are multiplied together (q/k/v, gate/up) lie side by side, so that one slice serves one matmul.
 */
import { type Shape, sizeOf } from '../base/shape.ts';
import type { ModelConfig } from './model-config.ts';

/** A regression head on the final hidden state: Linear(D, D), SiLU, Linear(D, 1). */
export type HeadName = 'value' | 'progress';

/** One named parameter. */
export interface LayoutEntry {
  /** Hugging Face name. */
  readonly name: string;
  readonly shape: Shape;
  /** First element in the flat vector. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  /** Entries of the same group lie side by side and enter the graph as one tensor. */
  readonly group: string;
}

/** All parameters of a model, in order, without gaps. */
export interface Layout {
  readonly entries: readonly LayoutEntry[];
  /** P, total number of elements. */
  readonly size: number;
}

/** Entries that enter the graph as one tensor, stacked along the first axis. */
export interface Group {
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
  readonly size: number;
  readonly entries: readonly LayoutEntry[];
}

type Row = readonly [name: string, shape: Shape, group?: string];

/** Lays rows out one after the other. */
export function layoutRows(rows: readonly Row[]): Layout {
  const entries: LayoutEntry[] = [];
  let offset = 0;
  for (const [name, shape, group] of rows) {
    const size = sizeOf(shape);
    entries.push({ name, shape, offset, size, group: group ?? name });
    offset += size;
  }
  return { entries, size: offset };
}

/** Returns the layout of a model with the given heads (in the order value, progress). */
export function layoutOf(config: ModelConfig, heads: readonly HeadName[]): Layout {
  const { vocabSize: V, hiddenSize: D, intermediateSize: F } = config;
  const queries = config.heads * config.headSize;
  const keys = config.kvHeads * config.headSize;
  const rows: Row[] = [['model.embed_tokens.weight', [V, D]]];
  if (config.previousTokenEmbedding) rows.push(['model.embed_previous_tokens.weight', [V, D]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    rows.push(
      [`${at}.input_layernorm.weight`, [D]],
      [`${at}.self_attn.q_proj.weight`, [queries, D], `${at}.qkv`],
      [`${at}.self_attn.k_proj.weight`, [keys, D], `${at}.qkv`],
      [`${at}.self_attn.v_proj.weight`, [keys, D], `${at}.qkv`],
      ...(config.attentionBias ? biasRows(at, { queries, keys }) : []),
      ...(config.queryKeyNorm ? normRows(at, config.headSize) : []),
      [`${at}.self_attn.o_proj.weight`, [D, queries]],
      [`${at}.post_attention_layernorm.weight`, [D]],
      [`${at}.mlp.gate_proj.weight`, [F, D], `${at}.gate_up`],
      [`${at}.mlp.up_proj.weight`, [F, D], `${at}.gate_up`],
      [`${at}.mlp.down_proj.weight`, [D, F]],
    );
  }
  rows.push(['model.norm.weight', [D]]);
  if (!config.tieEmbeddings) rows.push(['lm_head.weight', [V, D]]);
  for (const head of ['value', 'progress'] as const) {
    if (!heads.includes(head)) continue;
    rows.push(
      [`${head}_head.0.weight`, [D, D]],
      [`${head}_head.0.bias`, [D]],
      [`${head}_head.2.weight`, [1, D]],
      [`${head}_head.2.bias`, [1]],
    );
  }
  return layoutRows(rows);
}

function biasRows(at: string, width: { readonly queries: number; readonly keys: number }): Row[] {
  return [
    [`${at}.self_attn.q_proj.bias`, [width.queries], `${at}.qkv/bias`],
    [`${at}.self_attn.k_proj.bias`, [width.keys], `${at}.qkv/bias`],
    [`${at}.self_attn.v_proj.bias`, [width.keys], `${at}.qkv/bias`],
  ];
}

function normRows(at: string, headSize: number): Row[] {
  return [
    [`${at}.self_attn.q_norm.weight`, [headSize]],
    [`${at}.self_attn.k_norm.weight`, [headSize]],
  ];
}

/** Returns the tensors a layout enters the graph as. */
export function groupsOf(layout: Layout): readonly Group[] {
  const groups: Group[] = [];
  for (const entry of layout.entries) {
    const last = groups.at(-1);
    if (last?.name !== entry.group) {
      const { shape, offset, size, group } = entry;
      groups.push({ name: group, shape, offset, size, entries: [entry] });
      continue;
    }
    groups[groups.length - 1] = {
      ...last,
      shape: [last.shape[0]! + entry.shape[0]!, ...last.shape.slice(1)],
      size: last.size + entry.size,
      entries: [...last.entries, entry],
    };
  }
  return groups;
}

/** Returns the slice of the flat vector that holds an entry or group; a view, not a copy. */
export function viewOf(
  parameters: Float32Array,
  part: { readonly offset: number; readonly size: number },
): Float32Array {
  return parameters.subarray(part.offset, part.offset + part.size);
}
