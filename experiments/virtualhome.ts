/**
 * SPA-RL on generated VirtualHome households: fifteen household activities, a model small enough to train on a laptop in minutes. Where a
 * value differs from the paper's, the reason stands beside it or in experiments/alfworld.ts, whose settings these are.
 */
import { defineExperiment } from 'spa';

export default defineExperiment({
  name: 'virtualhome',
  note: 'Does stepwise progress attribution improve a cloned policy in homes, and on errands, it has never seen?',
  seeds: [1],
  environment: {
    name: 'virtualhome',
    source: 'generated',
    size: 'small',
    worldSeed: 2, // every setting below was chosen on the households of seed 1
    games: { train: 3000, valid_seen: 140, valid_unseen: 134 },
    maxTurns: 25, // no plan is longer than 20
  },
  prompt: { format: 'action-only', instruction: false },
  tokenizer: { kind: 'word', vocabSize: 640, phrases: 64 },
  model: {
    layers: 3,
    hiddenSize: 128,
    heads: 4,
    kvHeads: 2,
    intermediateSize: 352,
    maxLength: 512,
    previousTokenEmbedding: true, // copying a name takes one layer instead of two
  },
  // Few on purpose, read often: 1,500 read three times win 82 % of unseen tasks when greedy and leave little to improve, 1,000 read five times
  // 71 %, 1,200 read three times (264 steps, not 370) 47 % (world seed 1, one seed each).
  demonstrations: { episodes: 1000, recovery: 0.1 },
  sft: {
    epochs: 5,
    batchTokens: 2048,
    learningRate: 3e-3,
    schedule: 'linear',
    floor: 0.05,
    warmup: 0.02,
    weightDecay: 0.05,
    beta2: 0.98,
    observationWeight: 0.3,
  },
  // Errands are short: with 160 tasks a round has 30 steps and moves nothing.
  explore: { tasks: 600, rollouts: 4, maxNewTokens: 16 },
  estimator: {
    epochs: 3,
    batchTokens: 4096,
    learningRate: 1e-3,
    schedule: 'linear',
    floor: 0.05,
    weightDecay: 0.01,
    beta2: 0.98,
  },
  reward: { scheme: 'spa', alpha: 2, beta: 0.1, grounding: 'penalty' },
  ppo: {
    rounds: 2,
    epochs: 3,
    batchTokens: 6144,
    lengthGroups: 6,
    learningRate: 1e-4, // at 1e-3 the policy forgets what it has cloned
    schedule: 'constant',
    warmup: 0,
    beta2: 0.98,
    gamma: 0.9,
    lambda: 0.8,
    gaeScope: 'turn',
    critic: 'separate',
    criticInit: 'estimator',
    criticEpochs: 1,
    criticLearningRate: 3e-4,
    kl: { coefficient: 0.02, placement: 'loss' },
  },
  evaluate: { splits: ['valid_seen', 'valid_unseen'], temperatures: [0, 1], samples: 2, maxNewTokens: 16 },
});
