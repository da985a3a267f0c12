/** Forward passes over whole sequences: log-probabilities of given tokens, and the heads' outputs at every position. */
import { badInput } from '../base/error.ts';
import { compile, type EngineName, type Program, type TensorSpec } from '../tensor/compile.ts';
import { tf } from '../tensor/tf.ts';
import { checkTokens, type TokenBatch } from './batch.ts';
import { groupsOf, layoutOf } from './layout.ts';
import { headOutput, hiddenStates, logitsOf, sequenceConstants, type Weights } from './llama.ts';
import type { Model } from './model.ts';
import type { ModelConfig } from './model-config.ts';
import { tokenLogProb } from './ops.ts';
import { partFeeds, partInputs, partWeights } from './parts.ts';
import { createProgramCache } from './program-cache.ts';
import { isLarge, rowsAtOnce } from './rows.ts';

/** Shapes kept compiled. */
const programLimit = 16;

/** What to compute; less is faster. */
export interface ScoreWants {
  /** Log-probability of `targets[b, t]` given the tokens up to t. */
  readonly logProbs?: true;
  /** Value head at each position. */
  readonly values?: true;
  /** Progress head at each position. */
  readonly progress?: true;
}

/** What was asked for, each [B, T]; valid until the next call of `score`. */
export interface Scores {
  readonly logProbs?: Float32Array;
  readonly values?: Float32Array;
  readonly progress?: Float32Array;
}

/** Scores sequences with one model. */
export interface Scorer {
  /** @throws {SpaError} If the batch is malformed or a head is wanted that the model lacks. */
  score(batch: TokenBatch, wants: ScoreWants): Promise<Scores>;
  /** Goes on with other parameters of the same model, shape [P]; the array is read at every call, not copied. */
  setParameters(parameters: Float32Array): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Creates a scorer on the model's own parameter array. Programs are compiled when a shape is first seen. */
export function createScorer(
  model: Model,
  options: { readonly engine: EngineName; readonly threads?: number },
): Scorer {
  const part = { name: 'model', groups: groupsOf(layoutOf(model.config, model.heads)) } as const;
  const programs = createProgramCache(programLimit);
  let feeds = partFeeds(part, model.parameters);

  const programOf = ({ B, T }: TokenBatch['shape'], wants: ScoreWants): Promise<Program> => {
    const fn = (inputs: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
      const weights = partWeights(part, inputs);
      const hidden = hiddenStates(weights, inputs.tokens!, {
        config: model.config,
        constants: sequenceConstants(model.config, T),
      });
      return {
        ...(wants.logProbs ? { logProbs: logProbsOf(weights, hidden, inputs.targets!, model.config) } : {}),
        ...(wants.values ? { values: headOutput(weights, 'value', hidden) } : {}),
        ...(wants.progress ? { progress: headOutput(weights, 'progress', hidden) } : {}),
      };
    };
    const inputs: Record<string, TensorSpec> = { ...partInputs(part), tokens: { shape: [B, T], dtype: 'int32' } };
    if (wants.logProbs) inputs.targets = { shape: [B * T], dtype: 'int32' };
    return programs.get(`${B}x${T} ${Object.keys(wants).sort()}`, () => compile(fn, inputs, options));
  };

  return {
    async score(batch, wants) {
      if (wants.values && !model.heads.includes('value')) throw missingHead('value');
      if (wants.progress && !model.heads.includes('progress')) throw missingHead('progress');
      checkTokens(wants.logProbs ? batch : { ...batch, targets: batch.tokens }, model.config);
      const program = await programOf(batch.shape, wants);
      const results = await program.run({
        ...feeds,
        tokens: batch.tokens,
        ...(wants.logProbs ? { targets: batch.targets } : {}),
      });
      return results as Scores; // the program's outputs are named so, all float32
    },
    setParameters(parameters) {
      if (parameters.length !== model.parameters.length) {
        throw new RangeError(
          `Cannot set parameters: ${parameters.length} numbers, expected ${model.parameters.length}`,
        );
      }
      feeds = partFeeds(part, parameters);
    },
    [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose](),
  };
}

/** Computes the log-probabilities of targets, a stretch of positions at a time where the logits of all would fill the memory. */
function logProbsOf(weights: Weights, hidden: tf.Tensor, targets: tf.Tensor, config: ModelConfig): tf.Tensor {
  const [count, width] = hidden.shape as [number, number];
  if (!isLarge(count, config.vocabSize)) return tokenLogProb(logitsOf(weights, hidden, config), targets);
  const step = rowsAtOnce(config.vocabSize);
  const parts: tf.Tensor[] = [];
  for (let from = 0; from < count; from += step) {
    const size = Math.min(step, count - from);
    const logits = logitsOf(weights, tf.slice(hidden, [from, 0], [size, width]), config);
    parts.push(tokenLogProb(logits, tf.slice(targets, [from], [size])));
  }
  return tf.concat(parts, 0);
}

function missingHead(head: string): Error {
  return badInput('model', `Cannot score sequences: the model has no ${head} head, expected one (see withHeads)`);
}
