/** Names of the files stages leave for each other, and what every record says about its origin. */
import { basename } from 'node:path';
import type { StageContext } from '../runner/stage.ts';

export const demonstrationsFile = 'demonstrations.arrow';
export const episodesFile = 'episodes.arrow';
/** Folder of a policy: config.json, model.safetensors, tokenizer.json, chat_template.jinja. */
export const policyFolder = 'policy';
/** Folder of the adapters that led to a policy trained with LoRA, in PEFT's layout; they belong to the policy it was trained from. */
export const adapterFolder = 'adapter';
/** Folder of a separate critic, beside the policy it was trained with. */
export const criticFolder = 'critic';
/** Folder of a progress estimator: the same files, with a progress head. */
export const estimatorFolder = 'estimator';

/**
 * What a record says about where it comes from. Results are shared between runs, so no run is named; the folder of a result is called
 * after its stage and key.
 */
export function originOf(context: StageContext, seed: number): { run: string; stageKey: string; seed: number } {
  return { run: '', stageKey: basename(context.folder), seed };
}
