/** Scores of sequences: aligned with their tokens, whatever they were batched with. */
import { describe, expect, it } from 'vitest';
import { createModel } from '../../src/nn/model.ts';
import { createScorer } from '../../src/nn/scorer.ts';
import { scoreSequences } from '../../src/stage/score.ts';
import type { Sequence } from '../../src/stage/sequence.ts';
import { episodeOf, sequenceFrom } from './support.ts';

const shape = { vocabSize: 30, hiddenSize: 8, layers: 1, heads: 2, kvHeads: 1, headSize: 4, intermediateSize: 12 };
const rest = { maxLength: 160, ropeTheta: 10000, normEps: 1e-5, tieEmbeddings: true, previousTokenEmbedding: true };
const born = createModel({ ...shape, ...rest }, ['value', 'progress'], 1);
/** A head is born as 0 everywhere; this one says something. */
const model = { ...born, parameters: born.parameters.map((value, i) => value + 0.1 * Math.sin(i)) };

/** A sequence of a length; tokens differ between sequences. */
const sequenceOfLength = (length: number): Sequence => {
  const made = sequenceFrom([-1, ...Array.from({ length: length - 1 }, () => 0)], episodeOf());
  return { ...made, ids: Int32Array.from({ length }, (_, t) => (length * 7 + t * t) % 30) };
};
const lengths = [70, 5, 64, 130, 6, 65, 160, 2];
const sequences = lengths.map(sequenceOfLength);
const compute = { engine: 'onnx', threads: 1, batchTokens: 200 } as const;

describe('scoreSequences()', () => {
  it('gives each sequence, in the given order, what it gets alone', async () => {
    const wants = { logProbs: true, values: true, progress: true } as const;
    const together = await scoreSequences(model, sequences, { ...compute, wants });
    await using scorer = createScorer(model, { engine: 'onnx', threads: 1 });
    for (const [index, { ids }] of sequences.entries()) {
      const T = ids.length;
      const targets = Int32Array.from([...ids.slice(1), 0]);
      const alone = await scorer.score({ shape: { B: 1, T }, tokens: ids, targets }, wants);
      const { logProbs, values, progress } = together[index]!;
      expect([logProbs.length, values.length, progress.length]).toEqual([T, T, T]);
      expect(logProbs[0]).toBe(0); // nothing foretells the first token
      for (let t = 1; t < T; t++) expect(Math.abs(logProbs[t]! - alone.logProbs![t - 1]!)).toBeLessThan(1e-5);
      for (let t = 0; t < T; t++) {
        expect(Math.abs(values[t]! - alone.values![t]!)).toBeLessThan(1e-5);
        expect(Math.abs(progress[t]! - alone.progress![t]!)).toBeLessThan(1e-5);
      }
    }
    const heads = together.map(({ values, progress }) => [values[1]!, progress[1]!]);
    expect(new Set(heads.flat()).size).toBeGreaterThan(8); // the heads do differ from place to place
  });

  it('gives zeros for what was not asked, and reports how far it is', async () => {
    const done: number[] = [];
    const scores = await scoreSequences(model, sequences, {
      ...compute,
      wants: { values: true },
      onProgress: (count) => done.push(count),
    });
    expect(scores.every(({ logProbs, progress }) => [...logProbs, ...progress].every((value) => value === 0))).toBe(
      true,
    );
    expect(done.at(-1)).toBe(lengths.length);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });

  it('answers nothing for no sequences', async () => {
    expect(await scoreSequences(model, [], { ...compute, wants: { values: true } })).toEqual([]);
  });
});
