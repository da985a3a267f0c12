/** What is said about memory and time before a run: counted by hand on a tiny shape, and against what was measured on a large one. */
import { describe, expect, it } from 'vitest';
import { footprintOf, secondsOf } from '../../src/nn/footprint.ts';
import { layoutOf } from '../../src/nn/layout.ts';
import { loraTargets } from '../../src/nn/lora.ts';
import type { ModelConfig } from '../../src/nn/model-config.ts';
import { tinyConfig } from './support.ts';

const llama1B: ModelConfig = {
  vocabSize: 128_256,
  hiddenSize: 2048,
  layers: 16,
  heads: 32,
  kvHeads: 8,
  headSize: 64,
  intermediateSize: 8192,
  maxLength: 131_072,
  ropeTheta: 500_000,
  normEps: 1e-5,
  tieEmbeddings: true,
  previousTokenEmbedding: false,
};
const llama3B: ModelConfig = { ...llama1B, hiddenSize: 3072, layers: 28, heads: 24, headSize: 128 };
const lora = { rank: 8, alpha: 16, targets: loraTargets };
const gib = 2 ** 30;

describe('footprintOf()', () => {
  it('counts weights, optimiser state, cache and operations', () => {
    const work = { batch: { B: 3, T: 32 }, slots: 5, length: 40 };
    const found = footprintOf(tinyConfig, work);
    // embedding 40·24; a layer: norms 2·24, q 32·24, k and v 2·16·24, o 24·32, gate, up, down 3·40·24 = 5232; last norm 24
    const numbers = 960 + 2 * 5232 + 24;
    expect(layoutOf(tinyConfig, []).size).toBe(numbers);
    expect([found.parameters, found.trained]).toEqual([numbers, numbers]);
    expect([found.weights, found.moments, found.gradients]).toEqual([8 * numbers, 8 * numbers, 8 * numbers]);
    expect(found.cache).toBe(2 * 2 * 5 * 40 * 2 * 8 * 4); // keys and values, layers, slots, tokens, heads, width, bytes
    // 96 tokens: matrices 2·2·5184·96; attention 4·2·3·4·8·32² with one block; logits 2·24·40·96; three passes each
    expect(found.stepFlops).toBe(3 * (2 * 2 * 5184 * 96 + 4 * 2 * 3 * 4 * 8 * 32 * 32 + 2 * 24 * 40 * 96));
  });

  it('trains adapters for little more than the frozen weights', () => {
    const work = { batch: { B: 1, T: 256 }, slots: 4, length: 512, spokenShare: 1 / 8 };
    const [low, full] = [footprintOf(llama1B, { ...work, lora }), footprintOf(llama1B, work)];
    expect(low.trained).toBe(5_636_096); // as PEFT counts them: 16 · 8 · (2·(2048+2048) + 2·(2048+512) + 3·(2048+8192))
    expect(low.training).toBeLessThan(full.training / 3);
    expect(full.training).toBeGreaterThan(6 * 4 * full.parameters); // weights twice, moments, gradients twice
  });

  it('says what was measured: 5.86 GiB for a LoRA step of the 1B shape, 1.80 GiB for two layers of it (bench big-model)', () => {
    const work = { batch: { B: 1, T: 256 }, slots: 4, length: 512, spokenShare: 1 / 8, lora };
    expect(footprintOf(llama1B, work).training / gib / 5.86).toBeCloseTo(1, 1); // within 5 %
    expect(footprintOf({ ...llama1B, layers: 2 }, work).training / gib / 1.8).toBeCloseTo(1, 1);
  });

  it("plans the paper's model: Llama-3.2-3B with LoRA", () => {
    const found = footprintOf(llama3B, { batch: { B: 1, T: 1024 }, slots: 8, length: 2048, spokenShare: 1 / 8, lora });
    expect(found.parameters).toBe(3_212_749_824);
    expect(found.weights / gib).toBeCloseTo(11.97, 2);
    // 28 layers of 100.7 M numbers, 1024 tokens, forward and back: 11.5 TFLOP, the rest is attention, vocabulary and adapters
    expect(found.stepFlops / 1e12).toBeGreaterThan(11.5);
    expect(found.stepFlops / 1e12).toBeLessThan(12.5);
    expect(secondsOf(found.stepFlops, 100)).toBeCloseTo(found.stepFlops / 1e11, 6);
  });
});
