/**
 * The published VirtualHome tasks: set VIRTUALHOME_DATA to the folder `spa data pull virtualhome` fills. STeCa's test tasks whose first
 * graph is public are `seen` and `unseen`; training tasks are made from the recorded programs that belong to neither. With few of
 * them (33 where only Scene 1 is at hand) this shows that the pipeline runs on the real world, not what the method can do there.
 */
import { defineExperiment } from 'spa';
import small from './virtualhome.ts';

export default defineExperiment({
  ...small,
  name: 'virtualhome-real',
  note: 'The whole method on the published household tasks.',
  environment: { name: 'virtualhome', source: 'files', maxTurns: 40 },
  tokenizer: { kind: 'word', vocabSize: 1024, phrases: 64 },
  model: { ...small.model, maxLength: 1024 },
  demonstrations: { episodes: 600, recovery: 0.1 },
  explore: { tasks: 40, rollouts: 8, maxNewTokens: 24 },
  ppo: { ...small.ppo, rounds: 1 },
  evaluate: { splits: ['seen', 'unseen'], temperatures: [0, 1], samples: 2, maxNewTokens: 24 },
});
