/** Models on disk: a Hugging Face folder (config.json, model.safetensors), which transformers can open as it is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../base/error.ts';
import { writeJson } from '../base/file.ts';
import type { JsonObject } from '../base/json.ts';
import { type HeadName, layoutOf, viewOf } from './layout.ts';
import type { Model } from './model.ts';
import { fromHfConfig, toHfConfig } from './model-config.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const allHeads: readonly HeadName[] = ['value', 'progress'];

/** Writes config.json and model.safetensors (float32; heads in the same file under their names) into a folder. */
export async function saveModel(folder: string, model: Model): Promise<void> {
  const tensors = layoutOf(model.config, model.heads).entries.map((entry) => ({
    name: entry.name,
    shape: entry.shape,
    data: viewOf(model.parameters, entry),
  }));
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  await writeJson(join(folder, 'config.json'), toHfConfig(model.config));
}

/**
 * Reads a model with the heads its file holds; float16 and bfloat16 are widened. Tensors this model has no place for are refused, except
 * the redundant `lm_head.weight` of tied models and rotary buffers.
 * @throws {SpaError} Bad input, naming file and tensor, if something is missing, unknown, truncated or of a wrong shape or type.
 */
export async function loadModel(folder: string): Promise<Model> {
  const config = fromHfConfig(await readConfig(join(folder, 'config.json')), join(folder, 'config.json'));
  const file = await openWeights(folder);
  const heads = allHeads.filter((head) => file.names().some((name) => name.startsWith(`${head}_head.`)));
  const layout = layoutOf(config, heads);
  const parameters = new Float32Array(layout.size);
  const known = new Set(layout.entries.map((entry) => entry.name));
  for (const name of file.names()) {
    if (known.has(name) || name.endsWith('rotary_emb.inv_freq') || (config.tieEmbeddings && name === 'lm_head.weight'))
      continue;
    throw badInput(
      'model',
      `Cannot read weights "${file.path}": tensor "${name}" is unknown, expected the tensors of a Llama model`,
    );
  }
  for (const entry of layout.entries) {
    const { shape, data } = file.read(entry.name);
    if (shape.length !== entry.shape.length || shape.some((extent, axis) => extent !== entry.shape[axis])) {
      const is = `tensor "${entry.name}" has shape [${shape}], expected [${entry.shape}] by config.json`;
      throw badInput('model', `Cannot read weights "${file.path}": ${is}`);
    }
    viewOf(parameters, entry).set(data);
  }
  return { config, heads, parameters };
}

async function readConfig(path: string): Promise<JsonObject> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as JsonObject; // fromHfConfig() checks each field
  } catch (cause) {
    throw badInput('model', `Cannot read model config "${path}": ${messageOf(cause)}, expected a JSON object`, {
      cause,
    });
  }
}

interface Weights {
  readonly path: string;
  names(): readonly string[];
  read(name: string): { readonly shape: readonly number[]; readonly data: Float32Array };
}

/** Opens model.safetensors, or the shards that model.safetensors.index.json lists. */
async function openWeights(folder: string): Promise<Weights> {
  const indexPath = join(folder, 'model.safetensors.index.json');
  const single = await readSafetensors(join(folder, 'model.safetensors'), { optional: true });
  if (single !== undefined) return single;
  let index: { readonly weight_map?: Record<string, string> };
  try {
    index = JSON.parse(await readFile(indexPath, 'utf8')); // only weight_map is read, and checked below
  } catch {
    return readSafetensors(join(folder, 'model.safetensors')); // names the file that should be there
  }
  const map = index.weight_map;
  if (map === undefined)
    throw badInput('model', `Cannot read weights "${indexPath}": it has no "weight_map", expected one`);
  const shards = new Map<string, Weights>();
  for (const name of new Set(Object.values(map))) shards.set(name, await readSafetensors(join(folder, name)));
  return {
    path: indexPath,
    names: () => Object.keys(map),
    read: (name) => readShard(shards, map, { name, path: indexPath }),
  };
}

function readShard(
  shards: ReadonlyMap<string, Weights>,
  map: Readonly<Record<string, string>>,
  tensor: { readonly name: string; readonly path: string },
) {
  const shard = shards.get(map[tensor.name] ?? '');
  if (shard === undefined) {
    throw badInput(
      'model',
      `Cannot read weights "${tensor.path}": tensor "${tensor.name}" is missing, expected it in the index`,
    );
  }
  return shard.read(tensor.name);
}
