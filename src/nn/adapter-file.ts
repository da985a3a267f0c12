/** LoRA adapters on disk, as Hugging Face PEFT writes them: adapter_config.json and adapter_model.safetensors. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../base/error.ts';
import { writeJson } from '../base/file.ts';
import { viewOf } from './layout.ts';
import { type LoraOptions, loraLayout } from './lora.ts';
import type { ModelConfig } from './model-config.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const prefix = 'base_model.model.';

/** Writes adapters into a folder. @param model `adapters` has the order of `loraLayout(config, lora)`. */
export async function saveAdapters(
  folder: string,
  model: { readonly config: ModelConfig; readonly lora: LoraOptions; readonly adapters: Float32Array },
): Promise<void> {
  const { lora, adapters } = model;
  const tensors = loraLayout(model.config, lora).entries.map((entry) => ({
    name: `${prefix}${entry.name}`,
    shape: entry.shape,
    data: viewOf(adapters, entry),
  }));
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors);
  await writeJson(join(folder, 'adapter_config.json'), {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout ?? 0,
    target_modules: lora.targets,
    bias: 'none',
    inference_mode: true,
  });
}

/** Reads adapters for a model of this shape. @throws {SpaError} Bad input, if a file is missing, damaged or made for another shape. */
export async function loadAdapters(
  folder: string,
  config: ModelConfig,
): Promise<{ readonly lora: LoraOptions; readonly adapters: Float32Array }> {
  const lora = await readOptions(join(folder, 'adapter_config.json'));
  const file = await readSafetensors(join(folder, 'adapter_model.safetensors'));
  const layout = loraLayout(config, lora);
  const adapters = new Float32Array(layout.size);
  for (const entry of layout.entries) {
    const { shape, data } = file.read(`${prefix}${entry.name}`);
    if (shape.join() !== entry.shape.join()) {
      const is = `tensor "${prefix}${entry.name}" has shape [${shape}], expected [${entry.shape}]`;
      throw badInput('model', `Cannot read adapters "${file.path}": ${is}`);
    }
    viewOf(adapters, entry).set(data);
  }
  return { lora, adapters };
}

async function readOptions(path: string): Promise<LoraOptions> {
  let json: Readonly<Record<string, unknown>>;
  try {
    json = JSON.parse(await readFile(path, 'utf8')); // its fields are checked below
  } catch (cause) {
    throw badInput('model', `Cannot read adapter config "${path}": ${messageOf(cause)}, expected a JSON object`, {
      cause,
    });
  }
  const { peft_type, r, lora_alpha, target_modules } = json;
  if (
    peft_type !== 'LORA' ||
    typeof r !== 'number' ||
    typeof lora_alpha !== 'number' ||
    !Array.isArray(target_modules)
  ) {
    throw badInput(
      'model',
      `Cannot read adapter config "${path}": not a LoRA, expected peft_type "LORA" with r, lora_alpha, target_modules`,
    );
  }
  return { rank: r, alpha: lora_alpha, targets: target_modules.map(String) };
}
