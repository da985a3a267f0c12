/** Every way a checkpoint can be unusable is found before any work is done, and named. */
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { saveModel } from '../../src/nn/checkpoint.ts';
import { createModel } from '../../src/nn/model.ts';
import { digestCheckpoint } from '../../src/stage/checkpoint.ts';
import { writePolicy } from '../../src/stage/policy.ts';
import { embeddedSpecials } from '../../src/text/chat-template.ts';
import { trainTokenizer } from '../../src/text/train-tokenizer.ts';
import { tinyConfig } from '../nn/support.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const specials = [...embeddedSpecials];
const tokenizer = trainTokenizer(['go to desk 1'], { kind: 'word', vocabSize: 300, phrases: 0, specials });
const model = createModel({ ...tinyConfig, vocabSize: 300, maxLength: 160 }, [], 3);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-base-'));
  await writePolicy(folder, { model, tokenizer });
});
afterEach(() => rm(folder, { recursive: true }));

async function refused(message: string, maxLength = 160): Promise<void> {
  const error = await digestCheckpoint(folder, { maxLength }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SpaError);
  expect((error as SpaError).badInput).toBe(true); // checked to be one just above
  expect((error as SpaError).message).toBe(message);
}

async function changeConfig(change: JsonObject): Promise<void> {
  const json = JSON.parse(await readFile(at('config.json'), 'utf8'));
  await writeFile(at('config.json'), JSON.stringify({ ...json, ...change }));
}

describe('digestCheckpoint()', () => {
  it('changes with every file that decides', async () => {
    const digest = await digestCheckpoint(folder, { maxLength: 160 });
    await writeFile(at('README.md'), 'not one of them');
    expect(await digestCheckpoint(folder, { maxLength: 100 })).toBe(digest);
    await changeConfig({ rope_theta: 20000 });
    expect(await digestCheckpoint(folder, { maxLength: 160 })).not.toBe(digest);
  });

  it('refuses conversations longer than the model reads', () =>
    refused(
      `Cannot open checkpoint "${folder}": it reads 160 tokens at most, expected at least model.maxLength 161`,
      161,
    ));

  it.each([
    [{ model_type: 'mistral' }, '"model_type" is "mistral", expected one of llama, qwen2, qwen3'],
    [{ model_type: 'gpt2' }, '"model_type" is "gpt2", expected one of llama, qwen2, qwen3'],
    [
      { rope_scaling: { rope_type: 'yarn', factor: 4 } },
      '"rope_scaling" has type "yarn", expected "llama3", "default" or null',
    ],
    [{ attention_bias: true }, '"attention_bias" is true, expected false'],
    [{ hidden_act: 'gelu' }, '"hidden_act" is "gelu", expected silu'],
  ] as const)('refuses another architecture: %o', async (change, is) => {
    await changeConfig(change);
    await refused(`Cannot read model config "${at('config.json')}": ${is}`);
  });

  it('refuses a tokenizer with more tokens than the model', async () => {
    await saveModel(folder, createModel({ ...model.config, vocabSize: 200 }, [], 3));
    const { length } = Object.keys(tokenizer.model.vocab);
    await refused(
      `Cannot open checkpoint "${folder}": its tokenizer has ${length} tokens, expected at most the model's 200`,
    );
  });

  it('refuses a stop token the tokenizer lacks', async () => {
    await writeFile(at('generation_config.json'), JSON.stringify({ eos_token_id: [1, 128009] }));
    const { length } = Object.keys(tokenizer.model.vocab);
    await refused(
      `Cannot read model folder "${folder}": generation_config.json has eos_token_id 128009, expected ids from 0 to ${length - 1}`,
    );
  });

  it('refuses weights that are missing, cut or of another type', async () => {
    await saveModel(folder, model, { shardBytes: 8000 });
    const index = JSON.parse(await readFile(at('model.safetensors.index.json'), 'utf8'));
    const shard = at(index.weight_map['model.norm.weight']);
    const whole = await readFile(shard);
    await truncate(shard, whole.length - 4);
    await refused(
      `Cannot read weights "${shard}": tensor "model.norm.weight" ends at byte ${lastEnd(whole)} of the data, expected at most ${lastEnd(whole) - 4} (truncated file)`,
    );
    await writeFile(shard, whole.toString('latin1').replaceAll('"F32"', '"F64"'), 'latin1');
    const names = Object.keys(index.weight_map).filter((name) => at(index.weight_map[name]) === shard);
    await refused(`Cannot read weights "${shard}": tensor "${names[0]}" has type F64, expected one of F32, F16, BF16`);
    await rm(shard);
    await refused(`Cannot read weights "${shard}": the file does not exist, expected a safetensors file`);
    delete index.weight_map['model.norm.weight'];
    await writeFile(shard, whole);
    await writeFile(at('model.safetensors.index.json'), JSON.stringify(index));
    await refused(
      `Cannot read weights "${at('model.safetensors.index.json')}": tensor "model.norm.weight" is missing, expected it in the index`,
    );
  });
});

/** End of the numbers of a file whose last tensor is the one named in the test. */
const lastEnd = (file: Buffer): number => file.length - 8 - Number(file.readBigUInt64LE(0));
