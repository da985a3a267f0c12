/** What a training step or a scoring pass is fed: right-padded sequences, all arrays flat and row-major. */
import { SpaError } from '../base/error.ts';
import type { BatchShape } from './llama.ts';

/** What a trainer minimises. */
export type Objective = 'language' | 'progress' | 'value' | 'ppo';

/** Sequences to score. */
export interface TokenBatch {
  readonly shape: BatchShape;
  /** Input tokens, [B, T]; padding is any valid id, on the right. */
  readonly tokens: Int32Array;
  /** The token after each position, [B, T]; any valid id where there is none. */
  readonly targets: Int32Array;
}

/** Sequences to learn from. Fields are needed by the objectives named beside them. */
export interface Batch extends TokenBatch {
  /** language, ppo: loss weight of predicting `targets[b, t]`, ≥ 0, 0 = ignored, [B, T]. */
  readonly weights: Float32Array;
  /** language: 1 where the target is the agent's own word, for the reported cross-entropy, [B, T]. Absent: every weight above 0. */
  readonly agentMask?: Float32Array;
  /** progress: 1 where a turn's last token is an input, [B, T]. Sequences without any 1 are padding. */
  readonly readMask?: Float32Array;
  /** progress: outcome R of each sequence, [B]. */
  readonly returns?: Float32Array;
  /** progress: loss weight of each sequence, [B]. Absent: 1 for each that has something to read. */
  readonly rowWeights?: Float32Array;
  /** ppo: log-probability of the target under the policy that acted, [B, T]. */
  readonly oldLogProbs?: Float32Array;
  /** ppo: log-probability of the target under the reference policy, [B, T]. Absent: the policy that acted (klCoefficient must be 0). */
  readonly refLogProbs?: Float32Array;
  /** ppo: advantage of the target token, [B, T]. */
  readonly advantages?: Float32Array;
  /** value, ppo with values: weight of the value loss at each input position, [B, T]. */
  readonly valueMask?: Float32Array;
  /** value, ppo with values: what the value should be, [B, T]. */
  readonly valueTargets?: Float32Array;
  /** ppo with values: value before the update, for clipping, [B, T]. */
  readonly oldValues?: Float32Array;
}

/** Names of the numeric fields of a batch. */
export type BatchField = Exclude<keyof Batch, 'shape' | 'tokens' | 'targets'>;

/** Returns a field of a batch. @throws {SpaError} If it is absent or has another length than expected. */
export function fieldOf(batch: Batch, field: BatchField, length: number): Float32Array {
  const values = batch[field];
  if (values?.length !== length) {
    const found = values === undefined ? 'absent' : `${values.length} numbers`;
    throw new SpaError('model', `Cannot feed batch field "${field}": ${found}, expected ${length} numbers`);
  }
  return values;
}

/** Checks the token arrays of a batch. @throws {SpaError} If a length is wrong or a token is outside the vocabulary. */
export function checkTokens(
  batch: TokenBatch,
  limits: { readonly vocabSize: number; readonly maxLength: number },
): void {
  const { B, T } = batch.shape;
  if (T > limits.maxLength) {
    throw new SpaError('model', `Cannot feed batch: ${T} tokens per sequence, expected at most ${limits.maxLength}`);
  }
  for (const field of ['tokens', 'targets'] as const) {
    const ids = batch[field];
    if (ids.length !== B * T) {
      throw new SpaError('model', `Cannot feed batch field "${field}": ${ids.length} ids, expected ${B * T}`);
    }
    const wrong = ids.findIndex((id) => id < 0 || id >= limits.vocabSize);
    if (wrong >= 0) {
      throw new SpaError(
        'model',
        `Cannot feed batch field "${field}": id ${ids[wrong]} at row ${Math.floor(wrong / T)}, column ${wrong % T}, expected 0 to ${limits.vocabSize - 1}`,
      );
    }
  }
}
