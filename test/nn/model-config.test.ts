/** Model shapes and Hugging Face's config.json. */
import { describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { checkModelConfig, fromHfConfig, toHfConfig } from '../../src/nn/model-config.ts';
import { tinyConfig } from './support.ts';

/** The numbers of meta-llama/Llama-3.2-1B's config.json. */
const llama = {
  model_type: 'llama',
  vocab_size: 128256,
  hidden_size: 2048,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 8192,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  rope_scaling: {
    rope_type: 'llama3',
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  },
  tie_word_embeddings: true,
};

describe('fromHfConfig()', () => {
  it('reads Llama 3.2 and derives the width of a head', () => {
    const config = fromHfConfig(llama, 'config.json');
    expect(config).toMatchObject({ headSize: 64, kvHeads: 8, ropeTheta: 500000, tieEmbeddings: true });
    expect(config.ropeScaling).toEqual({
      factor: 32,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxLength: 8192,
    });
    expect(fromHfConfig(toHfConfig(config), 'config.json')).toEqual(config);
  });

  it('reads the rope_parameters that transformers 5 writes', () => {
    const { rope_theta, rope_scaling, ...rest } = llama;
    const modern = { ...rest, rope_parameters: { ...rope_scaling, rope_theta } };
    expect(fromHfConfig(modern, 'config.json')).toEqual(fromHfConfig(llama, 'config.json'));
    const plain = fromHfConfig({ ...rest, rope_parameters: { rope_type: 'default', rope_theta } }, 'config.json');
    expect([plain.ropeTheta, plain.ropeScaling]).toEqual([500000, undefined]);
  });

  it('refuses what this model does not do, by name', () => {
    const scaling = { rope_type: 'yarn', factor: 4 };
    expect(() => fromHfConfig({ ...llama, rope_scaling: scaling }, 'a.json')).toThrow(
      'Cannot read model config "a.json": "rope_scaling" has type "yarn", expected "llama3", "default" or null',
    );
    expect(() => fromHfConfig({ ...llama, model_type: 'mistral' }, 'a.json')).toThrow(
      'Cannot read model config "a.json": "model_type" is "mistral", expected one of llama, qwen2, qwen3',
    );
    expect(() => fromHfConfig({ ...llama, model_type: 'qwen2', use_sliding_window: true }, 'a.json')).toThrow(
      'Cannot read model config "a.json": "use_sliding_window" is true, expected false',
    );
    const { vocab_size, ...lacking } = llama;
    expect(vocab_size).toBe(128256);
    expect(() => fromHfConfig(lacking, 'a.json')).toThrow(
      'Cannot read model config "a.json": "vocab_size" is undefined, expected a number',
    );
  });
});

describe('checkModelConfig()', () => {
  it.each([
    [{ layers: 0 }, 'layers is 0, expected a positive integer'],
    [{ kvHeads: 3 }, '4 heads share 3 kvHeads, expected a divisor of 4'],
    [{ headSize: 7 }, 'headSize is 7, expected an even number'],
    [{ normEps: 0 }, 'normEps is 0, expected a positive number'],
  ])('refuses %o', (change, message) => {
    const check = () => checkModelConfig({ ...tinyConfig, ...change }, 'small');
    expect(check).toThrow(SpaError);
    expect(check).toThrow(`Cannot build model "small": ${message}`);
  });
});
