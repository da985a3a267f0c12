/** The shape of the model a manifest declares. */
import type { ModelConfig } from '../nn/model-config.ts';
import type { Manifest } from '../schema/manifest.ts';

/** Returns the shape of a model made from random weights. @param vocabSize Tokens of its tokenizer. */
export function shapeOf({ base: _base, ...shape }: Manifest['model'], vocabSize: number): ModelConfig {
  return { ...shape, vocabSize, headSize: shape.hiddenSize / shape.heads, normEps: 1e-5 };
}
