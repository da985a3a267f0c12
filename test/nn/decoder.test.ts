/** Decoding with a cache against the full forward pass of the same tokens. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import { createDecoder, type Decoder } from '../../src/nn/decoder.ts';
import { groupsOf, layoutOf } from '../../src/nn/layout.ts';
import { hiddenStates, logitsOf, sequenceConstants } from '../../src/nn/llama.ts';
import type { Model } from '../../src/nn/model.ts';
import { partFeeds, partInputs, partWeights } from '../../src/nn/parts.ts';
import { compile } from '../../src/tensor/compile.ts';
import { largestDifference, tinyModel } from './support.ts';

const T = 160;

/** Computes the logits of every position of one sequence with a single uncached pass, [T, V]; the reference backend is used. */
async function fullLogits(model: Model, sequence: readonly number[]): Promise<(position: number) => Float32Array> {
  const part = { name: 'model', groups: groupsOf(layoutOf(model.config, model.heads)) } as const;
  const { config } = model;
  await using program = await compile(
    (inputs) => {
      const weights = partWeights(part, inputs);
      const hidden = hiddenStates(weights, inputs.tokens!, { config, constants: sequenceConstants(config, T) });
      return { logits: logitsOf(weights, hidden, config) };
    },
    { ...partInputs(part), tokens: { shape: [1, T], dtype: 'int32' } },
    { engine: 'cpu' },
  );
  const tokens = new Int32Array(T);
  tokens.set(sequence);
  const { logits } = await program.run({ ...partFeeds(part, model.parameters), tokens });
  const copy = Float32Array.from(logits!);
  return (position) => copy.subarray(position * config.vocabSize, (position + 1) * config.vocabSize);
}

function randomTokens(count: number, seed: number): number[] {
  const rng = createRng(['tokens', seed]);
  return Array.from({ length: count }, () => rng.int(40));
}

/** Feeds sequences in random pieces, a random subset of slots at a time, and checks every returned row. */
async function play(
  decoder: Decoder,
  model: Model,
  sequences: readonly (readonly number[])[],
  seed: number,
): Promise<void> {
  const expected = await Promise.all(sequences.map((sequence) => fullLogits(model, sequence)));
  const rng = createRng(['pieces', seed]);
  const fed = sequences.map(() => 0);
  for (let round = 0; fed.some((count, slot) => count < sequences[slot]!.length); round++) {
    const width = rng.pick(decoder.widths);
    const open = rng.shuffle([...fed.keys()].filter((slot) => fed[slot]! < sequences[slot]!.length));
    const rows = open.slice(0, 1 + rng.int(open.length)).map((slot) => {
      const count = Math.min(1 + rng.int(width), sequences[slot]!.length - fed[slot]!);
      return { slot, tokens: sequences[slot]!.slice(fed[slot]!, fed[slot]! + count) };
    });
    const logits = await decoder.advance(rows, width);
    expect(logits.length).toBe(rows.length * model.config.vocabSize);
    for (const [row, { slot, tokens }] of rows.entries()) {
      fed[slot]! += tokens.length;
      const found = logits.subarray(row * model.config.vocabSize, (row + 1) * model.config.vocabSize);
      expect(
        largestDifference(found, expected[slot]!(fed[slot]! - 1)),
        `round ${round} slot ${slot}`,
      ).toBeLessThanOrEqual(1e-4);
      expect(decoder.length(slot)).toBe(fed[slot]);
    }
  }
}

describe('advance()', () => {
  it.each([
    { previousTokenEmbedding: false, tieEmbeddings: true },
    { previousTokenEmbedding: true, tieEmbeddings: false },
  ])('has the logits of the full pass for any mix of slots, pieces and widths: %o', async (config) => {
    const model = tinyModel(['value'], config);
    await using decoder = createDecoder(model, { engine: 'onnx', threads: 1, slots: 5, maxLength: 160 });
    const sequences = [160, 90, 31, 70, 1].map((length, slot) => randomTokens(length, slot));
    await play(decoder, model, sequences, 1);
    for (let slot = 0; slot < 5; slot++) decoder.reset(slot);
    await play(decoder, model, [randomTokens(20, 7), randomTokens(66, 8), randomTokens(9, 9)], 2);
  });

  it('follows new parameters and forgets what the old ones cached', async () => {
    const [first, second] = [tinyModel([], {}, 1), tinyModel([], {}, 2)];
    await using decoder = createDecoder(first, { engine: 'onnx', threads: 1, slots: 2, maxLength: 64 });
    await decoder.advance([{ slot: 1, tokens: [1, 2, 3] }], 4);
    decoder.setParameters(second.parameters);
    expect(decoder.length(1)).toBe(0);
    const logits = await decoder.advance([{ slot: 1, tokens: [4, 5] }], 4);
    expect(largestDifference(logits, (await fullLogits(second, [4, 5]))(1))).toBeLessThanOrEqual(1e-4);
  });

  it('refuses what cannot be fed and leaves the slots as they were', async () => {
    await using decoder = createDecoder(tinyModel([]), { engine: 'onnx', threads: 1, slots: 2, maxLength: 8 });
    await decoder.advance([{ slot: 0, tokens: [1, 2, 3, 4] }], 4);
    const feed = (rows: { slot: number; tokens: number[] }[], width: number) =>
      expect(decoder.advance(rows, width)).rejects;
    await feed([{ slot: 0, tokens: [1] }], 3).toThrow('Cannot decode: width 3, expected one of 1, 4');
    await feed([{ slot: 2, tokens: [1] }], 1).toThrow('Cannot decode slot 2: no such slot, expected 0 to 1');
    await feed([{ slot: 0, tokens: [] }], 1).toThrow('Cannot decode slot 0: 0 tokens, expected 1 to 1');
    await feed([{ slot: 1, tokens: [40] }], 1).toThrow('Cannot decode slot 1: token 40, expected 0 to 39');
    await decoder.advance([{ slot: 0, tokens: [1, 2] }], 4);
    await feed([{ slot: 0, tokens: [1, 2, 3] }], 4).toThrow(
      'Cannot decode slot 0: 9 tokens in all, expected at most 8',
    );
    const twice = [{ slot: 1, tokens: [1] }, { slot: 1, tokens: [2] }]; // biome-ignore format: one row each
    await feed(twice, 1).toThrow('Cannot decode slot 1: named twice, expected each slot once');
    expect([decoder.length(0), decoder.length(1)]).toEqual([6, 0]);
  });
});
