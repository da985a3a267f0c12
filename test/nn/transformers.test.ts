/** Equality with transformers and PEFT on tiny random models, within 1e-4; largest seen: 4e-6, and 2e-5 for merged LoRA of all matrices. */
import { describe, expect, it } from 'vitest';
import { loadAdapters } from '../../src/nn/adapter-file.ts';
import { loadModel } from '../../src/nn/checkpoint.ts';
import { createDecoder } from '../../src/nn/decoder.ts';
import { mergeAdapters } from '../../src/nn/lora.ts';
import type { Model } from '../../src/nn/model.ts';
import { fromHfConfig, toHfConfig } from '../../src/nn/model-config.ts';
import {
  adapterFolder,
  floats,
  hashedAdapters,
  hashedModel,
  logitsOfRows,
  rowsAt,
  shardedFolder,
  transformersFixture,
} from './fixtures.ts';
import { largestDifference } from './support.ts';

const limit = 1e-4;
const fixture = transformersFixture();

function expectClose(found: Float32Array, expected: Float32Array, what: string): void {
  const difference = largestDifference(found, expected);
  if (process.env.SPA_SHOW_DIFFERENCE) process.stderr.write(`${what}: ${difference.toExponential(1)}\n`);
  expect(difference, what).toBeLessThanOrEqual(limit);
}

/** Plays a sequence in pieces of up to 16 tokens and collects the logits after the named positions. */
async function playedLogits(model: Model, tokens: readonly number[], positions: readonly number[]): Promise<number[]> {
  await using decoder = createDecoder(model, { engine: 'onnx', threads: 1, slots: 2, maxLength: 256 });
  const all: number[] = [];
  for (const position of positions) {
    while (decoder.length(1) <= position) {
      const from = decoder.length(1);
      const piece = tokens.slice(from, Math.min(from + 16, position + 1));
      const logits = await decoder.advance([{ slot: 1, tokens: piece }], piece.length === 1 ? 1 : 16);
      if (decoder.length(1) === position + 1) all.push(...logits);
    }
  }
  return all;
}

describe.each(fixture.cases)('$name', ({ name, config: json, tokens, at, logits }) => {
  const model = hashedModel(json);

  it('has the logits of transformers when it learns', async () => {
    const found = rowsAt(await logitsOfRows(model, [tokens]), at, model.config.vocabSize);
    expectClose(found, floats(logits), `${name}, whole`);
  });

  it('has them when it plays', async () => {
    const found = Float32Array.from(await playedLogits(model, tokens, at));
    expectClose(found, floats(logits), `${name}, played`);
  });

  it('has a config.json that says the same after a round trip', () => {
    expect(fromHfConfig(toHfConfig(model.config), 'config.json')).toEqual(model.config);
  });
});

describe('padding', () => {
  const { rows, config, left, right } = fixture.padding;
  const model = hashedModel(config);
  const longest = Math.max(...rows.map((row) => row.length));
  const real = rows.flatMap((row, b) => row.map((_, t) => b * longest + t));

  it('on the right changes nothing for real tokens, as in transformers', async () => {
    const found = rowsAt(await logitsOfRows(model, rows), real, 97);
    expectClose(found, floats(right), 'right padding');
  });

  it('is only ever on the right here; a batch that transformers pads on the left has the same logits', async () => {
    const found = rowsAt(await logitsOfRows(model, rows), real, 97);
    expectClose(found, floats(left), 'left padding');
  });

  it('does not arise when episodes of uneven length play together', async () => {
    await using decoder = createDecoder(model, { engine: 'onnx', threads: 1, slots: 3, maxLength: 64 });
    const found = await decoder.advance(
      rows.map((tokens, slot) => ({ slot, tokens })),
      16,
    );
    const ends = rows.map((_, b) => rows.slice(0, b + 1).flat().length - 1);
    expectClose(found, rowsAt(floats(left), ends, 97), 'uneven rows, played');
  });
});

describe.each(fixture.lora)('LoRA of $targets beside $base', ({ base, config: json, tokens, ...rest }) => {
  const model = hashedModel(json);
  const lora = { rank: rest.rank, alpha: rest.alpha, targets: rest.targets };
  const adapters = hashedAdapters(model.config, lora);

  it('has the logits of PEFT', async () => {
    const found = await logitsOfRows(model, [tokens], { lora, adapters });
    expectClose(found, floats(rest.beside), `${base} LoRA beside`);
    expect(largestDifference(found, await logitsOfRows(model, [tokens]))).toBeGreaterThan(0.1); // the adapters do something
  });

  it("has the logits of PEFT's merge_and_unload() when merged", async () => {
    const found = await logitsOfRows(mergeAdapters(model, adapters, lora), [tokens]);
    expectClose(found, floats(rest.merged), `${base} LoRA merged`);
  });
});

describe('files of others', () => {
  it('bfloat16 in three shards, by transformers: same logits', async () => {
    const { tokens, logits } = fixture.bf16;
    expectClose(await logitsOfRows(await loadModel(shardedFolder), [tokens]), floats(logits), 'bf16 shards');
  });

  it('an adapter by PEFT: same logits', async () => {
    const { config, tokens, logits } = fixture.adapter;
    const model = hashedModel(config);
    const { lora, adapters } = await loadAdapters(adapterFolder, model.config);
    expect(lora).toEqual({ rank: 2, alpha: 8, targets: ['q_proj', 'v_proj'], dropout: 0.1 });
    expectClose(await logitsOfRows(model, [tokens], { lora, adapters }), floats(logits), 'PEFT adapter');
  });
});
