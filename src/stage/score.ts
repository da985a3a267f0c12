/** Forward passes over sequences: log-probabilities of their tokens, values and progress at their positions. */
import { bucketOf } from '../nn/batching.ts';
import type { Model } from '../nn/model.ts';
import { createScorer } from '../nn/scorer.ts';
import type { EngineName } from '../tensor/compile.ts';
import { languageBatch } from './batch.ts';
import type { Sequence } from './sequence.ts';

/** What can be asked of a model; each answer has shape [T] per sequence. */
export interface Scores {
  /** log p(token t | tokens before it); 0 at t = 0. */
  readonly logProbs: Float32Array;
  /** Value head at position t; zeros if the model has none. */
  readonly values: Float32Array;
  /** Progress head at position t; zeros if the model has none. */
  readonly progress: Float32Array;
}

/** How to compute. */
export interface ScoreOptions {
  readonly engine: EngineName;
  readonly threads: number;
  readonly batchTokens: number;
  readonly wants: { readonly logProbs?: true; readonly values?: true; readonly progress?: true };
  readonly onProgress?: (done: number) => void;
}

/** Scores sequences in length order, which pads least; answers keep the order of the sequences. */
export async function scoreSequences(
  model: Model,
  sequences: readonly Sequence[],
  options: ScoreOptions,
): Promise<Scores[]> {
  const { engine, threads, wants } = options;
  const { maxLength } = model.config;
  const answers = new Array<Scores>(sequences.length);
  const order = sequences
    .map((_, index) => index)
    .sort((a, b) => sequences[b]!.ids.length - sequences[a]!.ids.length || a - b);
  await using scorer = await createScorer(model, { engine, threads });
  for (let start = 0; start < order.length; ) {
    const T = bucketOf(sequences[order[start]!]!.ids.length, { maxLength });
    const B = Math.max(1, Math.floor(options.batchTokens / T));
    const rows: number[] = [];
    while (
      rows.length < B &&
      start < order.length &&
      bucketOf(sequences[order[start]!]!.ids.length, { maxLength }) === T
    ) {
      rows.push(order[start++]!);
    }
    const shape = { B, T };
    const batch = languageBatch(
      rows.map((index) => sequences[index]!),
      shape,
      () => 0,
    );
    const scores = await scorer.score(batch, wants);
    rows.forEach((index, row) => {
      const { length } = sequences[index]!.ids;
      const at = (values: Float32Array | undefined, shift: number): Float32Array => {
        const answer = new Float32Array(length);
        if (values !== undefined) answer.set(values.subarray(row * T, row * T + length - shift), shift);
        return answer;
      };
      answers[index] = {
        logProbs: at(scores.logProbs, 1),
        values: at(scores.values, 0),
        progress: at(scores.progress, 0),
      };
    });
    options.onProgress?.(start);
  }
  return answers;
}
