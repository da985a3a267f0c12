/**
 * SPA-RL in a generated shop, with a model small enough to train on a laptop in minutes. Settings are those of alfworld.ts; where one
 * differs, the reason stands beside it.
 */
import { defineExperiment } from 'spa';
import alfworld from './alfworld.ts';

export default defineExperiment({
  ...alfworld,
  name: 'webshop',
  note: 'Does stepwise progress attribution improve a cloned shopper on wishes, and kinds of products, it has never seen?',
  environment: {
    name: 'webshop',
    source: 'generated',
    size: 'small',
    worldSeed: 2, // every setting below was chosen on the shop of seed 1
    games: { train: 3000, valid_seen: 140, valid_unseen: 140 },
  },
  // Pages are longer and have more words than rooms.
  tokenizer: { kind: 'word', vocabSize: 1024, phrases: 64 },
  model: { ...alfworld.model, maxLength: 640 },
  // Renaming is what lets it search for kinds of products that no training wish names: without it, 9 % of those wishes are met.
  demonstrations: { episodes: 3000, recovery: 0.1, rename: 0.5 },
  explore: { tasks: 320, rollouts: 4, maxNewTokens: 24 },
  // A wrong purchase still earns 0.6 to 0.9, so there is little to fit and six passes over it fit noise.
  estimator: { ...alfworld.estimator, epochs: 2, batchTokens: 4096, lengthGroups: 4 },
  // Small steps of mixed lengths, as in virtualhome.ts.
  ppo: { ...alfworld.ppo, rounds: 1, epochs: 2, batchTokens: 6144, lengthGroups: 4, learningRate: 1e-4 },
  evaluate: { ...alfworld.evaluate, maxNewTokens: 24 },
});
