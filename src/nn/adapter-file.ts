/** LoRA adapters on disk, as Hugging Face PEFT writes them: adapter_config.json and adapter_model.safetensors. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../base/error.ts';
import { writeJson } from '../base/file.ts';
import { viewOf } from './layout.ts';
import { type Beside, type LoraOptions, loraLayout, loraTargets } from './lora.ts';
import type { ModelConfig } from './model-config.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const prefix = 'base_model.model.';

/** Writes adapters into a folder. @param model.base What PEFT is told about the model they belong to: a path or a name. Absent: nothing. */
export async function saveAdapters(
  folder: string,
  model: Beside & { readonly config: ModelConfig; readonly base?: string },
): Promise<void> {
  const { lora, adapters, base = null } = model;
  const tensors = loraLayout(model.config, lora).entries.map((entry) => ({
    name: `${prefix}${entry.name}`,
    shape: entry.shape,
    data: viewOf(adapters, entry),
  }));
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors);
  await writeJson(join(folder, 'adapter_config.json'), {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout ?? 0,
    target_modules: lora.targets,
    bias: 'none',
    inference_mode: true,
  });
}

/** Reads adapters for a model of this shape. @throws {SpaError} Bad input, if a file is missing, damaged or made for another shape. */
export async function loadAdapters(folder: string, config: ModelConfig): Promise<Beside> {
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
  const refuse = (what: string): never => {
    throw badInput('model', `Cannot read adapter config "${path}": ${what}`);
  };
  const { peft_type, r, lora_alpha, lora_dropout = 0, target_modules } = json;
  if (peft_type !== 'LORA') refuse(`"peft_type" is ${JSON.stringify(peft_type)}, expected "LORA"`);
  if (typeof r !== 'number' || typeof lora_alpha !== 'number' || typeof lora_dropout !== 'number')
    return refuse('"r", "lora_alpha" or "lora_dropout" is no number, expected numbers');
  if (!Array.isArray(target_modules)) return refuse('"target_modules" is no list, expected names of modules');
  for (const [key, value] of Object.entries(json)) {
    if (!unsupported.includes(key) || isOff(value)) continue;
    refuse(`"${key}" is ${JSON.stringify(value)}, expected none: only plain LoRA is read`);
  }
  const targets = loraTargets.filter((target) => target_modules.includes(target));
  const unknown = target_modules.find((target) => !targets.includes(target));
  if (unknown !== undefined) refuse(`it adapts "${unknown}", expected modules among ${loraTargets.join(', ')}`);
  return { rank: r, alpha: lora_alpha, targets, ...(lora_dropout > 0 ? { dropout: lora_dropout } : {}) };
}

/** Settings of PEFT that change what an adapter computes and are not read here. */
const unsupported: readonly string[] = [
  'alpha_pattern',
  'bias',
  'fan_in_fan_out',
  'layer_replication',
  'layers_to_transform',
  'lora_bias',
  'modules_to_save',
  'rank_pattern',
  'target_parameters',
  'trainable_token_indices',
  'use_dora',
  'use_rslora',
];

function isOff(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === null || value === false || value === 'none';
}
