/**
 * The same pipeline on the real ALFWorld games: set ALFWORLD_DATA to the folder that holds json_2.1.1. Demonstrations come from the
 * scripted expert on the real training games; evaluation is on all 140 seen and 134 unseen games.
 */
import { defineExperiment } from 'spa';
import alfworld from './alfworld.ts';

export default defineExperiment({
  ...alfworld,
  name: 'alfworld-real',
  note: 'What does the small model reach on the real games, and does SPA-PPO move it?',
  environment: { name: 'alfworld', source: 'files', maxTurns: 40 },
  tokenizer: { kind: 'word', vocabSize: 768, phrases: 64 },
  model: { ...alfworld.model, maxLength: 1024 },
  // Real rooms repeat: without other names the model remembers them instead of reading.
  demonstrations: { episodes: 8000, recovery: 0.05, rename: 0.7 },
  sft: { ...alfworld.sft, epochs: 1 },
  explore: { ...alfworld.explore, tasks: 120 },
  estimator: { ...alfworld.estimator, epochs: 4 },
  ppo: { ...alfworld.ppo, rounds: 1 },
  evaluate: { ...alfworld.evaluate, samples: 1 },
});
