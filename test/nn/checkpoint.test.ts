/** Models, adapters and trainer states on disk, and every way their files can be wrong. */
import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { loadAdapters, saveAdapters } from '../../src/nn/adapter-file.ts';
import { checkModel, loadModel, saveModel } from '../../src/nn/checkpoint.ts';
import { createAdapters, loraLayout, mergeAdapters } from '../../src/nn/lora.ts';
import { withHeads } from '../../src/nn/model.ts';
import { type NamedTensor, readSafetensors, writeSafetensors } from '../../src/nn/safetensors.ts';
import { loadTrainerState, saveTrainerState } from '../../src/nn/trainer-state.ts';
import { tinyConfig, tinyModel } from './support.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-nn-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function failureOf(promise: Promise<unknown>): Promise<SpaError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SpaError);
  expect((error as SpaError).badInput).toBe(true); // checked to be one just above
  return error as SpaError;
}

/** Writes a file of one tensor given as raw bytes. */
async function writeRaw(
  tensor: { readonly dtype: string; readonly shape: readonly number[] },
  bytes: Uint8Array,
): Promise<string> {
  const path = join(folder, 'raw.safetensors');
  const header = Buffer.from(JSON.stringify({ x: { ...tensor, data_offsets: [0, bytes.length] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([length, header, bytes]));
  return path;
}

describe('saveModel() and loadModel()', () => {
  it.each([
    tinyModel(['value', 'progress']),
    tinyModel([], {
      tieEmbeddings: false,
      previousTokenEmbedding: true,
      ropeScaling: { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxLength: 64 },
    }),
  ])('keep configuration, heads and every bit of the parameters', async (model) => {
    await saveModel(folder, model);
    expect(await loadModel(folder)).toEqual(model);
  });

  it('name file, tensor, what is and what must be when something is wrong', async () => {
    await saveModel(folder, tinyModel([]));
    const path = join(folder, 'model.safetensors');
    const file = await readSafetensors(path);
    const tensors = file.names().map((name): NamedTensor => ({ name, ...file.read(name) }));
    const norm = tensors.findIndex((tensor) => tensor.name === 'model.norm.weight');

    await writeSafetensors(path, tensors.toSpliced(norm, 1));
    expect((await failureOf(loadModel(folder))).message).toBe(
      `Cannot read weights "${path}": tensor "model.norm.weight" is missing, expected it in the file`,
    );
    await writeSafetensors(path, tensors.with(norm, { ...tensors[norm]!, shape: [4, 6] }));
    expect((await failureOf(loadModel(folder))).message).toBe(
      `Cannot read weights "${path}": tensor "model.norm.weight" has shape [4,6], expected [24] by config.json`,
    );
    await writeSafetensors(path, [...tensors, { ...tensors[norm]!, name: 'surplus.weight' }]);
    expect((await failureOf(loadModel(folder))).message).toBe(
      `Cannot read weights "${path}": tensor "surplus.weight" is unknown, expected the tensors of a Llama model`,
    );
    await writeSafetensors(path, tensors);
    const whole = (await readFile(path)).length;
    await truncate(path, whole - 4);
    expect((await failureOf(loadModel(folder))).message).toMatch(
      /tensor "model\.norm\.weight" ends at byte \d+ of the data, expected at most \d+ \(truncated file\)$/,
    );
    await truncate(path, 100);
    expect((await failureOf(loadModel(folder))).message).toMatch(
      /the file has 100 bytes, expected a header of \d+ bytes behind the first 8/,
    );
    await rm(path);
    expect((await failureOf(loadModel(folder))).message).toBe(
      `Cannot read weights "${path}": the file does not exist, expected a safetensors file`,
    );
    const config = join(folder, 'config.json');
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('"silu"', '"gelu"'));
    expect((await failureOf(loadModel(folder))).message).toBe(
      `Cannot read model config "${config}": "hidden_act" is "gelu", expected silu`,
    );
    await writeFile(config, text.replace('"num_key_value_heads": 2', '"num_key_value_heads": 3'));
    expect((await failureOf(loadModel(folder))).message).toBe(
      `Cannot build model "${config}": 4 heads share 3 kvHeads, expected a divisor of 4`,
    );
  });

  it('read a model cut into shards', async () => {
    const model = tinyModel([]);
    await saveModel(folder, model);
    const file = await readSafetensors(join(folder, 'model.safetensors'));
    const tensors = file.names().map((name): NamedTensor => ({ name, ...file.read(name) }));
    await writeSafetensors(join(folder, 'a.safetensors'), tensors.slice(0, 5));
    await writeSafetensors(join(folder, 'b.safetensors'), tensors.slice(5));
    await rm(join(folder, 'model.safetensors'));
    const weightMap = Object.fromEntries(
      tensors.map(({ name }, i) => [name, i < 5 ? 'a.safetensors' : 'b.safetensors']),
    );
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    expect(await loadModel(folder)).toEqual(model);

    await rm(join(folder, 'b.safetensors'));
    expect((await failureOf(checkModel(folder))).message).toBe(
      `Cannot read weights "${join(folder, 'b.safetensors')}": the file does not exist, expected a safetensors file`,
    );
  });
});

describe('readSafetensors()', () => {
  it('reads one tensor of a file that is larger than memory has buffers for', async () => {
    const far = 5 * 2 ** 30; // bytes; the file is sparse, so the disk holds a few
    const path = join(folder, 'far.safetensors');
    const entries = {
      big: { dtype: 'BF16', shape: [far / 2], data_offsets: [0, far] },
      small: { dtype: 'F32', shape: [2], data_offsets: [far, far + 8] },
    };
    const header = Buffer.from(JSON.stringify(entries));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const handle = await open(path, 'w');
    await handle.write(Buffer.concat([length, header]), 0, 8 + header.length, 0);
    await handle.write(new Uint8Array(Float32Array.of(1.5, -2).buffer), 0, 8, 8 + header.length + far);
    await handle.close();
    const file = await readSafetensors(path);
    expect(file.shapeOf('big')).toEqual([far / 2]);
    expect([...file.read('small').data]).toEqual([1.5, -2]);
  });

  it('notices that a file became shorter after it was opened', async () => {
    const path = await writeRaw({ dtype: 'F32', shape: [4] }, new Uint8Array(16));
    const file = await readSafetensors(path);
    await truncate(path, (await readFile(path)).length - 6);
    expect(() => file.read('x')).toThrow(
      `Cannot read weights "${path}": it lacks the last 6 bytes of tensor "x", expected the file not to change`,
    );
  });

  it('widens bfloat16', async () => {
    const path = await writeRaw(
      { dtype: 'BF16', shape: [4] },
      new Uint8Array(Uint16Array.of(0x3f80, 0xc049, 0x0000, 0x7f80).buffer),
    );
    expect([...(await readSafetensors(path)).read('x').data]).toEqual([1, -3.140625, 0, Number.POSITIVE_INFINITY]);
  });

  it('widens float16, subnormal numbers included', async () => {
    const halves = Uint16Array.of(0x3c00, 0xc248, 0x0001, 0x03ff, 0x7bff, 0x8000, 0xfc00); // the last: minus infinity
    const path = await writeRaw({ dtype: 'F16', shape: [7] }, new Uint8Array(halves.buffer));
    const expected = [1, -3.140625, 2 ** -24, 1023 * 2 ** -24, 65504, -0, Number.NEGATIVE_INFINITY];
    expect([...(await readSafetensors(path)).read('x').data]).toEqual(expected);
  });

  it('refuses other types and headers that lie', async () => {
    const eight = await writeRaw({ dtype: 'F8_E4M3', shape: [4] }, new Uint8Array(4));
    const file = await readSafetensors(eight);
    expect(() => file.read('x')).toThrow(
      `Cannot read weights "${eight}": tensor "x" has type F8_E4M3, expected one of F32, F16, BF16`,
    );
    const short = await writeRaw({ dtype: 'F32', shape: [3] }, new Uint8Array(8));
    expect((await failureOf(readSafetensors(short))).message).toBe(
      `Cannot read weights "${short}": tensor "x" has 8 bytes, expected 12 for shape [3] of F32`,
    );
    const text = join(folder, 'text');
    await writeFile(text, 'this is not a tensor file at all');
    expect((await failureOf(readSafetensors(text))).message).toMatch(/truncated, or no safetensors file/);
  });
});

describe('saveTrainerState() and loadTrainerState()', () => {
  it('keep every number, and an absent state is undefined', async () => {
    expect(await loadTrainerState(folder)).toBeUndefined();
    const vectors = {
      values: Float32Array.of(1, 2, 3),
      firstMoment: Float32Array.of(0.1, 0, -0.1),
      secondMoment: Float32Array.of(1e-9, 0, 3),
    };
    const state = {
      step: 17,
      parts: {
        model: { ...vectors, firstMoment: new Float32Array(0), secondMoment: new Float32Array(0) },
        adapter: vectors,
      },
    };
    await saveTrainerState(folder, state);
    expect(await loadTrainerState(folder)).toEqual(state);
  });
});

describe('saveAdapters() and loadAdapters()', () => {
  const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] };

  it('keep adapters under the names PEFT gives them', async () => {
    const adapters = createAdapters(loraLayout(tinyConfig, lora), 5);
    await saveAdapters(folder, { config: tinyConfig, lora, adapters });
    expect(await loadAdapters(folder, tinyConfig)).toEqual({ lora, adapters });
    const names = (await readSafetensors(join(folder, 'adapter_model.safetensors'))).names();
    expect(names).toContain('base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight');
    expect(names.length).toBe(8);
    expect(JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 4,
    });
  });
});

describe('withHeads()', () => {
  it('adds and drops heads and keeps all other numbers', () => {
    const model = tinyModel(['value']);
    const both = withHeads(model, ['progress', 'value'], 3);
    expect(withHeads(both, ['value'], 4)).toEqual(model);
    expect(both.parameters.length).toBe(model.parameters.length + 24 * 24 + 24 + 24 + 1);
    expect([...both.parameters.slice(-25)]).toEqual(new Array(25).fill(0)); // a new head says 0 everywhere
  });
});

describe('bfloat16 and shards', () => {
  it('rounds to the nearest bfloat16, ties to even', async () => {
    // 1 + 2^-8 lies half way between 1 and 1 + 2^-7, 1 + 3·2^-8 half way between 1 + 2^-7 and 1 + 2^-6: each goes to the even one
    const data = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1e-40, 3.4e38, Number.NaN);
    const path = join(folder, 'x.safetensors');
    await writeSafetensors(path, [{ name: 'x', shape: [6], data }], { dtype: 'bfloat16' });
    const file = await readSafetensors(path);
    const found = [...file.read('x').data];
    expect(found.slice(0, 3)).toEqual([1, 1 + 2 ** -6, 1 + 2 ** -7]);
    expect(found[3]).toBe(-(2 ** -133)); // the smallest there is
    expect(found.slice(4)).toEqual([Number.POSITIVE_INFINITY, Number.NaN]); // 3.4e38 is nearer to 2^128 than to the largest bfloat16
  });

  it('writes shards of limited size that hold the same numbers, and leaves no older weights beside them', async () => {
    const model = tinyModel(['value']);
    await saveModel(folder, model);
    await saveModel(folder, model, { shardBytes: 8000 });
    const names = (await readdir(folder)).sort();
    expect(names.filter((name) => name.startsWith('model-')).length).toBeGreaterThan(2);
    expect(names).not.toContain('model.safetensors');
    expect(await loadModel(folder)).toEqual(model);
    const index = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'));
    expect(index.metadata.total_size).toBe(4 * model.parameters.length);
    await saveModel(folder, model);
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('folds adapters in while writing, to the same bits as before', async () => {
    const model = tinyModel(['value']);
    const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] };
    const adapters = createAdapters(loraLayout(tinyConfig, lora), 5).map((value) => value + 0.1);
    await saveModel(folder, model, { beside: { lora, adapters } });
    expect(await loadModel(folder)).toEqual(mergeAdapters(model, adapters, lora));
  });
});
