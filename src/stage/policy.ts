/** Policies on disk: a Hugging Face folder with the weights, the tokenizer and the chat template, and how one is opened to play or learn. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextIfPresent, writeFileAtomic, writeJson } from '../base/file.ts';
import { loadModel, type SaveOptions, saveModel } from '../nn/checkpoint.ts';
import { createDecoder } from '../nn/decoder.ts';
import type { Model } from '../nn/model.ts';
import { createNativePolicy, type Sampling } from '../rollout/native-policy.ts';
import type { Policy } from '../rollout/policy.ts';
import type { StageNode } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { EngineName } from '../tensor/compile.ts';
import { embeddedTemplate } from '../text/chat-template.ts';
import { embeddedTokenizerConfig, readChatFormat } from '../text/read-chat-format.ts';
import { engineNameOf, engineOf } from './engine.ts';
import type { Codec } from './sequence.ts';

/** Files beside the weights. */
export const textFiles = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'generation_config.json',
] as const;

/** A model and how its conversations are written. */
export interface OpenedPolicy {
  readonly model: Model;
  readonly codec: Codec;
}

/** Opens a policy folder. @throws {SpaError} If a file is missing or broken. */
export async function openPolicy(folder: string, prompt: Manifest['prompt']): Promise<OpenedPolicy> {
  return { model: await loadModel(folder), codec: await openCodec(folder, prompt) };
}

/** Opens the tokenizer and template of a policy folder. @throws {SpaError} If they are missing or do not fit together. */
export async function openCodec(folder: string, prompt: Manifest['prompt']): Promise<Codec> {
  return { format: await readChatFormat(folder), prompt };
}

/** Writes a new policy folder from a model and a tokenizer trained here. */
export async function writePolicy(
  folder: string,
  policy: { readonly model: Model; readonly tokenizer: object },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await saveModel(folder, policy.model);
  await writeJson(join(folder, 'tokenizer.json'), policy.tokenizer);
  await writeJson(join(folder, 'tokenizer_config.json'), embeddedTokenizerConfig());
  await writeFileAtomic(join(folder, 'chat_template.jinja'), embeddedTemplate);
}

/** Writes a model with the text files of the folder it was trained from. @param source That folder. */
export async function writeLike(
  folder: string,
  model: Model,
  options: SaveOptions & { readonly source: string },
): Promise<void> {
  const { source, ...how } = options;
  await mkdir(folder, { recursive: true });
  await saveModel(folder, model, how);
  for (const name of textFiles) {
    if ((await readTextIfPresent(join(source, name))) !== undefined)
      await copyFile(join(source, name), join(folder, name));
  }
}

/** What a stage computes with. */
export interface Compute {
  readonly engine: EngineName;
  readonly threads: number;
}

/** Returns the engine and the threads a stage computes with. */
export async function computeOf(node: StageNode): Promise<Compute> {
  return { engine: await engineNameOf(node), threads: engineOf(node).threads };
}

/** Episodes a stage plays at once. */
export const slotsOf = (node: StageNode): number => engineOf(node).slots;

/**
 * Starts a policy that plays. The caller disposes it. It decodes on one thread: ONNX Runtime's one-column step gives other last bits with
 * another number of threads, a sampled word may follow from them, and one thread is as fast here for small models.
 */
export async function startPolicy(
  opened: OpenedPolicy,
  node: StageNode,
  sampling: Sampling & { readonly seed: number },
): Promise<Policy> {
  const { engine } = await computeOf(node);
  const decoder = await createDecoder(opened.model, {
    engine,
    threads: 1,
    slots: slotsOf(node),
    maxLength: opened.model.config.maxLength,
  });
  return createNativePolicy({ decoder, format: opened.codec.format, sampling, seed: sampling.seed });
}
