/** Names of the files stages leave for each other, and what every record says about its origin. */
import type { StageContext } from '../runner/stage.ts';

export const demonstrationsFile = 'demonstrations.arrow';
export const episodesFile = 'episodes.arrow';
/** Folder of a policy: config.json, model.safetensors, tokenizer.json, chat_template.jinja. */
export const policyFolder = 'policy';
/** Folder of a separate critic, beside the policy it was trained with. */
export const criticFolder = 'critic';
/** Folder of a progress estimator: the same files, with a progress head. */
export const estimatorFolder = 'estimator';

/** What a record says about where it comes from. The key is not known inside a stage; its node is. */
export function originOf(context: StageContext, seed: number): { run: string; stageKey: string; seed: number } {
  return { run: '', stageKey: context.node.id, seed };
}
