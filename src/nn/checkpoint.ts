/** Models on disk: a Hugging Face folder (config.json, model.safetensors), which transformers can open as it is. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../base/error.ts';
import { writeJson } from '../base/file.ts';
import type { JsonObject } from '../base/json.ts';
import { sizeOf } from '../base/shape.ts';
import { type HeadName, layoutOf, viewOf } from './layout.ts';
import { type Beside, mergedEntry } from './lora.ts';
import type { Model } from './model.ts';
import { fromHfConfig, toHfConfig } from './model-config.ts';
import {
  bytesOf,
  readSafetensors,
  type SafetensorsFile,
  type WrittenTensor,
  type WrittenType,
  writeSafetensors,
} from './safetensors.ts';

const allHeads: readonly HeadName[] = ['value', 'progress'];

/** How a model is written. */
export interface SaveOptions {
  /** Default float32. */
  readonly dtype?: WrittenType;
  /** Adapters to fold in on the way, one matrix at a time. */
  readonly beside?: Beside;
  /** Bytes of numbers above which the weights are cut into several files. Default 5 GB, as transformers does. */
  readonly shardBytes?: number;
}

const defaultShardBytes = 5e9;
const weightsFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';

/** Writes config.json and the weights (heads among them under their names) into a folder. */
export async function saveModel(folder: string, model: Model, options: SaveOptions = {}): Promise<void> {
  const { dtype = 'float32', beside, shardBytes = defaultShardBytes } = options;
  const tensors = layoutOf(model.config, model.heads).entries.map((entry) => ({
    name: entry.name,
    shape: entry.shape,
    data: () => (beside === undefined ? viewOf(model.parameters, entry) : mergedEntry(model, entry, beside)),
  }));
  const shards = cutShards(tensors, shardBytes / bytesOf[dtype]);
  const isSingle = shards.length === 1;
  const nameOf = (at: number): string => {
    const digits = (count: number): string => String(count).padStart(5, '0');
    return isSingle ? weightsFile : `model-${digits(at + 1)}-of-${digits(shards.length)}.safetensors`;
  };
  for (const [at, shard] of shards.entries()) await writeSafetensors(join(folder, nameOf(at)), shard, { dtype });
  if (!isSingle) {
    const weightMap = Object.fromEntries(shards.flatMap((shard, at) => shard.map(({ name }) => [name, nameOf(at)])));
    const totalSize = layoutOf(model.config, model.heads).size * bytesOf[dtype];
    await writeJson(join(folder, indexFile), { metadata: { total_size: totalSize }, weight_map: weightMap });
  }
  await removeOthers(folder, [...shards.keys()].map(nameOf));
  await writeJson(join(folder, 'config.json'), { ...toHfConfig(model.config), torch_dtype: dtype });
}

/** Removes the weights of an earlier model in this folder. */
async function removeOthers(folder: string, written: readonly string[]): Promise<void> {
  const isWeights = /^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/;
  const keep = new Set(written.length === 1 ? written : [...written, indexFile]);
  for (const name of await readdir(folder)) if (isWeights.test(name) && !keep.has(name)) await rm(join(folder, name));
}

/** Cuts a list of tensors so that no part holds more numbers than the limit, unless one tensor alone does. */
function cutShards(tensors: readonly WrittenTensor[], limit: number): WrittenTensor[][] {
  const shards: WrittenTensor[][] = [[]];
  let count = 0;
  for (const tensor of tensors) {
    const size = sizeOf(tensor.shape);
    if (count > 0 && count + size > limit) {
      shards.push([]);
      count = 0;
    }
    shards.at(-1)!.push(tensor);
    count += size;
  }
  return shards;
}

/**
 * Reads a model with the heads its file holds; float16 and bfloat16 are widened. Memory holds the numbers once. Tensors this model has
 * no place for are refused, except the redundant `lm_head.weight` of tied models and rotary buffers.
 * @throws {SpaError} Bad input, naming file and tensor, if something is missing, unknown, truncated or of a wrong shape or type.
 */
export async function loadModel(folder: string): Promise<Model> {
  const { config, heads, file } = await openModel(folder);
  const layout = layoutOf(config, heads);
  const parameters = new Float32Array(layout.size);
  for (const entry of layout.entries) file.readInto(entry.name, viewOf(parameters, entry));
  return { config, heads, parameters };
}

/** Reads the shape of a model and checks its files as {@link loadModel} does, without reading a number. @throws {SpaError} As there. */
export async function checkModel(folder: string): Promise<Pick<Model, 'config' | 'heads'>> {
  const { config, heads } = await openModel(folder);
  return { config, heads };
}

async function openModel(folder: string): Promise<Pick<Model, 'config' | 'heads'> & { readonly file: Weights }> {
  const config = fromHfConfig(await readConfig(join(folder, 'config.json')), join(folder, 'config.json'));
  const file = await openWeights(folder);
  const heads = allHeads.filter((head) => file.names().some((name) => name.startsWith(`${head}_head.`)));
  const layout = layoutOf(config, heads);
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
    const shape = file.shapeOf(entry.name);
    if (shape.length !== entry.shape.length || shape.some((extent, axis) => extent !== entry.shape[axis])) {
      const is = `tensor "${entry.name}" has shape [${shape}], expected [${entry.shape}] by config.json`;
      throw badInput('model', `Cannot read weights "${file.path}": ${is}`);
    }
  }
  return { config, heads, file };
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

type Weights = Pick<SafetensorsFile, 'path' | 'names' | 'shapeOf' | 'readInto'>;

/** Opens model.safetensors, or the shards that model.safetensors.index.json lists. */
async function openWeights(folder: string): Promise<Weights> {
  const indexPath = join(folder, indexFile);
  const single = await readSafetensors(join(folder, weightsFile), { optional: true });
  if (single !== undefined) return single;
  let index: { readonly weight_map?: Record<string, string> };
  try {
    index = JSON.parse(await readFile(indexPath, 'utf8')); // only weight_map is read, and checked below
  } catch {
    return readSafetensors(join(folder, weightsFile)); // names the file that should be there
  }
  const map = index.weight_map;
  if (map === undefined)
    throw badInput('model', `Cannot read weights "${indexPath}": it has no "weight_map", expected one`);
  const shards = new Map<string, Weights>();
  for (const name of new Set(Object.values(map))) shards.set(name, await readSafetensors(join(folder, name)));
  const shardOf = (name: string): Weights => {
    const shard = shards.get(map[name] ?? '');
    if (shard !== undefined) return shard;
    throw badInput(
      'model',
      `Cannot read weights "${indexPath}": tensor "${name}" is missing, expected it in the index`,
    );
  };
  return {
    path: indexPath,
    names: () => Object.keys(map),
    shapeOf: (name) => shardOf(name).shapeOf(name),
    readInto: (name, target) => shardOf(name).readInto(name, target),
  };
}
