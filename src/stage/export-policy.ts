/** Policies for other programs: a folder that transformers loads, or an adapter folder that PEFT loads. */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput } from '../base/error.ts';
import { writeFileAtomic, writeJson } from '../base/file.ts';
import { loadAdapters, saveAdapters } from '../nn/adapter-file.ts';
import { checkModel, loadModel, saveModel } from '../nn/checkpoint.ts';
import { layoutOf } from '../nn/layout.ts';
import { type ModelConfig, toHfConfig } from '../nn/model-config.ts';
import type { WrittenType } from '../nn/safetensors.ts';
import { generationConfigFile, readChatFormat } from '../text/read-chat-format.ts';
import { textFiles } from './policy.ts';
import { modelingCode, modelingConfig, modelingFile } from './remote-code.ts';

/** What was written. */
export interface Exported {
  readonly parameters: number;
  readonly files: readonly string[];
}

/**
 * Writes a policy without its heads, with tokenizer, chat template and the tokens that end a turn, into a new or empty folder. A model that
 * is no plain Llama or Qwen gets the Python code that transformers opens it with.
 * @param source A policy folder.
 * @throws {SpaError} Bad input, if the policy is broken or the target folder is not empty.
 */
export async function exportPolicy(
  source: string,
  target: string,
  options: { readonly dtype: WrittenType },
): Promise<Exported> {
  const { config } = await checkModel(source);
  const { stopIds, tokenizer } = await readChatFormat(source);
  await openTarget(target);
  const model = await loadModel(source);
  const layout = layoutOf(config, []); // the heads lie behind the trunk
  await saveModel(target, { config, heads: [], parameters: model.parameters.subarray(0, layout.size) }, options);
  const present = new Set(await readdir(source));
  for (const name of textFiles) if (present.has(name)) await copyFile(join(source, name), join(target, name));
  const opening = ['<|begin_of_text|>', '<|bos|>', '<s>'].map(tokenizer.idOf).find((id) => id !== undefined);
  await writeJson(join(target, generationConfigFile), {
    ...(opening === undefined ? {} : { bos_token_id: opening }),
    eos_token_id: [...stopIds],
    pad_token_id: stopIds[0]!, // a chat format has at least one
    ...(config.previousTokenEmbedding ? { use_cache: false } : {}),
  });
  if (config.previousTokenEmbedding) {
    const json = { ...toHfConfig(config), ...modelingConfig, torch_dtype: options.dtype };
    await writeJson(join(target, 'config.json'), json);
    await writeFileAtomic(join(target, modelingFile), modelingCode);
  }
  return { parameters: layout.size, files: (await readdir(target)).sort() };
}

/**
 * Writes adapters as PEFT reads them.
 * @param source A folder of adapters. @param options.base The policy folder they belong to, whose path PEFT is told.
 * @throws {SpaError} Bad input, if a folder is broken or the target is not empty.
 */
export async function exportAdapter(
  source: string,
  target: string,
  options: { readonly base: string },
): Promise<Exported> {
  const { base } = options;
  const { config } = await checkModel(base);
  checkPlain(base, config);
  const beside = await loadAdapters(source, config);
  await openTarget(target);
  await saveAdapters(target, { ...beside, config, base });
  return { parameters: beside.adapters.length, files: (await readdir(target)).sort() };
}

function checkPlain(folder: string, config: ModelConfig): void {
  if (!config.previousTokenEmbedding) return;
  throw badInput(
    'model',
    `Cannot export adapters of model "${folder}": it adds an embedding of the token before, expected a plain Llama or Qwen`,
    { hint: 'Without --adapter the whole model is written, with the code that opens it.' },
  );
}

async function openTarget(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [first] = await readdir(folder);
  if (first === undefined) return;
  throw badInput('store', `Cannot export to "${folder}": it holds "${first}", expected a new or empty folder`);
}
