/** Golden numbers of a real, public Llama checkpoint (stories260K of karpathy/tinyllamas), which only a development checkout has. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../src/nn/checkpoint.ts';
import { createDecoder, type Decoder } from '../../src/nn/decoder.ts';
import type { Model } from '../../src/nn/model.ts';
import { argMax, logSoftmax } from '../../src/nn/sampling.ts';
import { createScorer } from '../../src/nn/scorer.ts';
import { largestDifference } from './support.ts';

const folder = fileURLToPath(new URL('../../../shared/data/llama/stories260K', import.meta.url));

interface Golden {
  readonly greedy_token_ids: readonly number[];
  readonly logits_step0: readonly number[];
  readonly logits_step50: readonly number[];
}

describe.skipIf(!existsSync(folder))('stories260K (skipped without ../shared/data)', () => {
  let model: Model;
  let golden: Golden;
  let decoder: Decoder;

  beforeAll(async () => {
    model = await loadModel(`${folder}/derived-hf`);
    golden = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8'));
    decoder = createDecoder(model, { engine: 'onnx', threads: 1, slots: 2, maxLength: 512 });
  });
  afterAll(() => decoder[Symbol.asyncDispose]());

  it('has the golden logits after 1 and after 51 tokens', async () => {
    const first = (await decoder.advance([{ slot: 0, tokens: [1] }], 1)).slice();
    expect(largestDifference(first, golden.logits_step0)).toBeLessThanOrEqual(1e-4);
    let logits = first;
    for (let at = 1; at <= 50; at += 10) {
      logits = (await decoder.advance([{ slot: 0, tokens: golden.greedy_token_ids.slice(at, at + 10) }], 16)).slice();
    }
    expect(largestDifference(logits, golden.logits_step50)).toBeLessThanOrEqual(1e-4);
  });

  it('tells the golden story token by token', async () => {
    decoder.reset(1);
    const told = [1];
    while (told.length < golden.greedy_token_ids.length) {
      const logits = await decoder.advance([{ slot: 1, tokens: [told.at(-1)!] }], 1);
      told.push(argMax(logits));
    }
    expect(told).toEqual(golden.greedy_token_ids);
  });

  it('gives whole sequences the log-probabilities that its logits say', async () => {
    await using scorer = createScorer(model, { engine: 'onnx', threads: 1 });
    const T = 64;
    const tokens = Int32Array.from(golden.greedy_token_ids.slice(0, T));
    const targets = Int32Array.from(golden.greedy_token_ids.slice(1, T + 1));
    const { logProbs } = await scorer.score({ shape: { B: 1, T }, tokens, targets }, { logProbs: true });
    const at = (logits: readonly number[], id: number): number => logSoftmax(Float32Array.from(logits))[id]!;
    expect(logProbs![0]).toBeCloseTo(at(golden.logits_step0, targets[0]!), 4);
    expect(logProbs![50]).toBeCloseTo(at(golden.logits_step50, targets[50]!), 4);
  });
});
