/**
 * The published WebShop catalogue: set WEBSHOP_DATA to the folder `spa data pull webshop` fills. The thousand products have 13 human
 * instructions, so the goals made of attributes and options are used; with all 1.18 M products set `environment.webshop.goals` to `human`.
 * Splits as published: goals 0-499 are `test`, 500-1499 `valid`, the rest `train`.
 */
import { defineExperiment } from 'spa';
import small from './webshop.ts';

export default defineExperiment({
  ...small,
  name: 'webshop-real',
  note: 'The whole method on the published thousand products.',
  environment: { name: 'webshop', source: 'files', maxTurns: 10, webshop: { goals: 'synthetic' } },
  tokenizer: { kind: 'word', vocabSize: 4096, phrases: 64 },
  model: { ...small.model, maxLength: 2048 }, // a page of results holds ten titles of thirty words: 820 tokens an episode, 1,270 at the 95th percentile
  demonstrations: { episodes: 400 },
  sft: { ...small.sft, batchTokens: 4096 },
  estimator: { ...small.estimator, batchTokens: 4096 },
  explore: { tasks: 40, rollouts: 2, maxNewTokens: 32 },
  ppo: { ...small.ppo, rounds: 1, batchTokens: 4096 },
  evaluate: { splits: ['test'], temperatures: [0], maxNewTokens: 32 },
});
