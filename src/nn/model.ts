/** A model as plain data: its shape, its heads and one flat vector of parameters. */
import { createRng } from '../base/rng.ts';
import { type HeadName, type LayoutEntry, layoutOf, viewOf } from './layout.ts';
import { checkModelConfig, type ModelConfig } from './model-config.ts';

/** A language model with regression heads. */
export interface Model {
  readonly config: ModelConfig;
  /** Heads it carries, each at most once. */
  readonly heads: readonly HeadName[];
  /** All parameters, shape [P], in the order of `layoutOf(config, heads)`. */
  readonly parameters: Float32Array;
}

/** Spread of token embeddings at birth. Source: `initializer_range` of Llama's config.json. */
const embeddingSpread = 0.02;

/**
 * Creates a model with random parameters: embeddings N(0, 0.02²); matrices N(0, 1/(3·in)), the variance of torch.nn.Linear, and those
 * that write to the residual stream divided by 2L more (GPT-2); norms 1; biases and each head's last layer 0.
 * @param seed Chooses the numbers; each parameter has its own stream, so adding a head changes no other.
 * @throws {SpaError} Bad input, if the shape is impossible.
 */
export function createModel(config: ModelConfig, heads: readonly HeadName[], seed: number): Model {
  checkModelConfig(config);
  const layout = layoutOf(config, heads);
  const parameters = new Float32Array(layout.size);
  for (const entry of layout.entries) initialise(viewOf(parameters, entry), entry, config, seed);
  return { config, heads: [...heads], parameters };
}

/** Returns a model with exactly these heads: known heads and the trunk keep their numbers, new heads are born from the seed. */
export function withHeads(model: Model, heads: readonly HeadName[], seed: number): Model {
  const known = new Map(layoutOf(model.config, model.heads).entries.map((entry) => [entry.name, entry]));
  const layout = layoutOf(model.config, heads);
  const parameters = new Float32Array(layout.size);
  for (const entry of layout.entries) {
    const view = viewOf(parameters, entry);
    const source = known.get(entry.name);
    if (source === undefined) initialise(view, entry, model.config, seed);
    else view.set(viewOf(model.parameters, source));
  }
  return { config: model.config, heads: [...heads], parameters };
}

function initialise(view: Float32Array, entry: LayoutEntry, config: ModelConfig, seed: number): void {
  const { name, shape } = entry;
  if (name.endsWith('norm.weight')) {
    view.fill(1);
    return;
  }
  if (name.endsWith('.bias') || /_head\.2\./.test(name)) return;
  const rng = createRng(['parameter', seed, name]);
  let spread = name.includes('embed') ? embeddingSpread : 1 / Math.sqrt(3 * shape[1]!);
  if (/(o_proj|down_proj)\.weight$/.test(name)) spread /= Math.sqrt(2 * config.layers);
  for (let i = 0; i < view.length; i++) view[i] = spread * rng.normal();
}
