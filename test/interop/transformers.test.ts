/**
 * Exported policies opened by transformers and PEFT. Their torch is too large to install for this alone: name a Python that has torch,
 * transformers and peft in TORCH_PYTHON, else this is skipped. The other direction needs no Python: test/nn/transformers.test.ts.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import { saveAdapters } from '../../src/nn/adapter-file.ts';
import { loadModel, saveModel } from '../../src/nn/checkpoint.ts';
import { createDecoder } from '../../src/nn/decoder.ts';
import { type Beside, createAdapters, loraLayout } from '../../src/nn/lora.ts';
import { type Model, withHeads } from '../../src/nn/model.ts';
import { toHfConfig } from '../../src/nn/model-config.ts';
import { argMax } from '../../src/nn/sampling.ts';
import { exportAdapter, exportPolicy } from '../../src/stage/export-policy.ts';
import { writeLike, writePolicy } from '../../src/stage/policy.ts';
import { embeddedSpecials } from '../../src/text/chat-template.ts';
import { readChatFormat } from '../../src/text/read-chat-format.ts';
import type { Message } from '../../src/text/tokenizer.ts';
import { trainTokenizer } from '../../src/text/train-tokenizer.ts';
import { hashedModel, logitsOfRows } from '../nn/fixtures.ts';
import { largestDifference, tinyConfig } from '../nn/support.ts';

const python = process.env.TORCH_PYTHON;
const words = ['You see a desk 1.', 'go to desk 1', 'You see a pen 2.', 'take pen 2'];
const chat: readonly Message[] = [
  { role: 'user', content: 'You see a desk 1.' },
  { role: 'assistant', content: 'go to desk 1' },
  { role: 'user', content: 'You see a pen 2.' },
];
const tokens = [0, 1, 70, 5, 200, 33, 2, 8, 299, 41];

interface Loaded {
  readonly logits: readonly number[];
  readonly chat: readonly number[];
  readonly reply: readonly number[];
  readonly kind: string;
  readonly stop: readonly number[];
  readonly dtype: string;
}

async function load(request: {
  readonly folder: string;
  readonly adapter?: string;
  readonly own?: boolean;
}): Promise<Loaded> {
  const script = fileURLToPath(new URL('./load_exported.py', import.meta.url));
  const { stdout } = await promisify(execFile)(python!, [script, JSON.stringify({ ...request, tokens, chat })], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as Loaded; // the script says what it prints
}

/** Speaks greedily, as the script does. */
async function reply(model: Model, opening: readonly number[], stop: readonly number[]): Promise<number[]> {
  await using decoder = createDecoder(model, { engine: 'onnx', threads: 1, slots: 1, maxLength: 100 });
  const said: number[] = [];
  for (let fed = opening; said.length < 8 && !stop.includes(said.at(-1)!); fed = [said.at(-1)!]) {
    for (let at = 0; at < fed.length; at += 16) {
      const logits = await decoder.advance([{ slot: 0, tokens: fed.slice(at, at + 16) }], fed.length === 1 ? 1 : 16);
      if (at + 16 >= fed.length) said.push(argMax(logits));
    }
  }
  return said;
}

describe.skipIf(python === undefined)('transformers and PEFT (TORCH_PYTHON names their Python)', () => {
  let folder: string;
  let base: Model;
  let beside: Beside;
  const at = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spa-export-'));
    const specials = [...embeddedSpecials];
    const tokenizer = trainTokenizer(words, { kind: 'word', vocabSize: 300, phrases: 2, specials });
    const config = { ...tinyConfig, vocabSize: 300, tieEmbeddings: false };
    base = withHeads(hashedModel(toHfConfig(config)), ['value'], 3);
    await writePolicy(at('base'), { model: base, tokenizer });
    const lora = { rank: 3, alpha: 6, targets: ['q_proj', 'o_proj', 'up_proj'], dropout: 0.1 };
    const rng = createRng(['adapters']);
    const adapters = createAdapters(loraLayout(config, lora), 1).map((value) => value + 0.2 * rng.normal());
    beside = { lora, adapters };
    await writeLike(at('tuned'), base, { source: at('base'), beside });
    await saveAdapters(at('adapter'), { ...beside, config });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('load a policy: logits, chat, stop tokens and greedy reply are ours', async () => {
    await exportPolicy(at('base'), at('out'), { dtype: 'float32' });
    const found = await load({ folder: at('out') });
    expect(largestDifference(found.logits, await logitsOfRows(base, [tokens]))).toBeLessThanOrEqual(1e-4);
    expect(found.kind).toBe('LlamaForCausalLM');
    const format = await readChatFormat(at('out'));
    expect(found.chat).toEqual([...format.encodeConversation(chat, { addGenerationPrompt: true }).ids]);
    expect(found.stop).toEqual(format.stopIds);
    expect(found.reply).toEqual(await reply(await loadModel(at('out')), found.chat, found.stop));
  });

  it('load one written as bfloat16, and one cut into shards', async () => {
    await exportPolicy(at('base'), at('half'), { dtype: 'bfloat16' });
    const half = await load({ folder: at('half') });
    const rounded = await loadModel(at('half'));
    expect(half.dtype).toBe('torch.bfloat16');
    expect(largestDifference(half.logits, await logitsOfRows(rounded, [tokens]))).toBeLessThanOrEqual(1e-4);
    expect(largestDifference(rounded.parameters, base.parameters.slice(0, rounded.parameters.length))).toBeGreaterThan(
      0,
    );
    await saveModel(at('half'), rounded, { dtype: 'bfloat16', shardBytes: 20_000 });
    expect((await readdir(at('half'))).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(2);
    expect((await load({ folder: at('half') })).logits).toEqual(half.logits);
  });

  it('load a model that adds an embedding of the token before, by the code exported with it', async () => {
    const config = { ...base.config, previousTokenEmbedding: true, tieEmbeddings: true };
    const model = { ...hashedModel(toHfConfig(config)), config };
    await writeLike(at('own'), model, { source: at('base') });
    await exportPolicy(at('own'), at('out-own'), { dtype: 'float32' });
    const found = await load({ folder: at('out-own'), own: true });
    expect(found.kind).toBe('SpaForCausalLM');
    expect(largestDifference(found.logits, await logitsOfRows(model, [tokens]))).toBeLessThanOrEqual(1e-4);
    expect(found.reply).toEqual(await reply(model, found.chat, found.stop));
    await expect(load({ folder: at('out-own') })).rejects.toThrow(/trust_remote_code/);
  });

  it('load adapters over their base: the logits are those of the merged policy and ours', async () => {
    await exportAdapter(at('adapter'), at('out-adapter'), { base: at('base') });
    const tuned = await load({ folder: at('base'), adapter: at('out-adapter') });
    expect(tuned.kind).toBe('PeftModelForCausalLM');
    expect(largestDifference(tuned.logits, await logitsOfRows(base, [tokens], beside))).toBeLessThanOrEqual(1e-4);
    await exportPolicy(at('tuned'), at('out-tuned'), { dtype: 'float32' });
    const merged = await load({ folder: at('out-tuned') });
    expect(largestDifference(tuned.logits, merged.logits)).toBeLessThanOrEqual(1e-4);
    expect(largestDifference(tuned.logits, await logitsOfRows(base, [tokens]))).toBeGreaterThan(0.1);
  });
});
