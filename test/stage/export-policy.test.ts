/** Exports without the programs they are for; those are asked in test/interop/transformers.test.ts. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAdapters, saveAdapters } from '../../src/nn/adapter-file.ts';
import { loadModel } from '../../src/nn/checkpoint.ts';
import { createAdapters, loraLayout } from '../../src/nn/lora.ts';
import { createModel } from '../../src/nn/model.ts';
import { exportAdapter, exportPolicy } from '../../src/stage/export-policy.ts';
import { writePolicy } from '../../src/stage/policy.ts';
import { embeddedSpecials } from '../../src/text/chat-template.ts';
import { readChatFormat } from '../../src/text/read-chat-format.ts';
import { trainTokenizer } from '../../src/text/train-tokenizer.ts';
import { tinyConfig } from '../nn/support.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const config = { ...tinyConfig, vocabSize: 300 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-export-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, change: { readonly previousTokenEmbedding?: boolean } = {}): Promise<void> {
  const model = createModel({ ...config, ...change }, ['value'], 3);
  const specials = [...embeddedSpecials];
  const tokenizer = trainTokenizer(['go to desk 1'], { kind: 'word', vocabSize: 300, phrases: 0, specials });
  await writePolicy(at(name), { model, tokenizer });
}

describe('exportPolicy()', () => {
  it('writes the model without heads, its words, and the ids that end a turn', async () => {
    await write('policy');
    const { files } = await exportPolicy(at('policy'), at('out'), { dtype: 'float32' });
    expect(files).toEqual([
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const { heads, parameters } = await loadModel(at('out'));
    expect(heads).toEqual([]);
    expect(parameters).toEqual((await loadModel(at('policy'))).parameters.slice(0, parameters.length));
    const { stopIds } = await readChatFormat(at('out'));
    expect(JSON.parse(await readFile(at('out/generation_config.json'), 'utf8'))).toEqual({
      bos_token_id: 0,
      eos_token_id: stopIds,
      pad_token_id: stopIds[0],
    });
  });

  it('adds the code that opens a model which is no plain Llama, and nothing takes it for one', async () => {
    await write('policy', { previousTokenEmbedding: true });
    const { files } = await exportPolicy(at('policy'), at('out'), { dtype: 'float32' });
    expect(files).toContain('modeling_spa.py');
    const json = JSON.parse(await readFile(at('out/config.json'), 'utf8'));
    expect([json.model_type, json.auto_map.AutoModelForCausalLM]).toEqual(['spa_llama', 'modeling_spa.SpaForCausalLM']);
    expect((await loadModel(at('out'))).config).toEqual((await loadModel(at('policy'))).config);
    await expect(exportAdapter(at('adapter'), at('x'), { base: at('policy') })).rejects.toThrow(
      `Cannot export adapters of model "${at('policy')}": it adds an embedding of the token before, expected a plain Llama or Qwen`,
    );
  });

  it('refuses a folder with something in it', async () => {
    await write('policy');
    await write('plain');
    await expect(exportPolicy(at('plain'), at('policy'), { dtype: 'float32' })).rejects.toThrow(
      `Cannot export to "${at('policy')}": it holds "chat_template.jinja", expected a new or empty folder`,
    );
  });
});

describe('exportAdapter()', () => {
  it('names the policy the adapters belong to', async () => {
    await write('policy');
    const lora = { rank: 2, alpha: 4, targets: ['q_proj'] };
    const adapters = createAdapters(loraLayout(config, lora), 1);
    await saveAdapters(at('adapter'), { lora, adapters, config });
    await exportAdapter(at('adapter'), at('out'), { base: at('policy') });
    expect(await loadAdapters(at('out'), config)).toEqual({ lora, adapters });
    const json = JSON.parse(await readFile(at('out/adapter_config.json'), 'utf8'));
    expect(json.base_model_name_or_path).toBe(at('policy'));
  });

  it.each([
    [{ use_dora: true }, '"use_dora" is true, expected none: only plain LoRA is read'],
    [{ rank_pattern: { q_proj: 4 } }, '"rank_pattern" is {"q_proj":4}, expected none: only plain LoRA is read'],
    [{ target_modules: 'all-linear' }, '"target_modules" is no list, expected names of modules'],
    [{ target_modules: ['lm_head'] }, 'it adapts "lm_head", expected modules among q_proj, k_proj'],
    [{ peft_type: 'IA3' }, '"peft_type" is "IA3", expected "LORA"'],
  ])('refuses adapters of another kind: %o', async (change, message) => {
    await write('policy');
    const lora = { rank: 2, alpha: 4, targets: ['q_proj'] };
    await saveAdapters(at('adapter'), { lora, adapters: createAdapters(loraLayout(config, lora), 1), config });
    const path = at('adapter/adapter_config.json');
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
    await expect(exportAdapter(at('adapter'), at('out'), { base: at('policy') })).rejects.toThrow(
      `Cannot read adapter config "${path}": ${message}`,
    );
  });
});
