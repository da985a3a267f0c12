/** The stages by name, loaded when they run: planning and cached runs never load the tensor engine. */
import { SpaError } from '../base/error.ts';
import type { Stage } from '../runner/stage.ts';
import type { StageName } from './version.ts';

const loaders: Readonly<Record<StageName, () => Promise<Stage>>> = {
  demonstrate: async () => (await import('./demonstrate.ts')).demonstrate,
  sft: async () => (await import('./sft.ts')).sft,
  explore: async () => (await import('./explore.ts')).explore,
  estimate: async () => (await import('./estimate.ts')).estimate,
  attribute: async () => (await import('./attribute.ts')).attribute,
  optimise: async () => (await import('./optimise.ts')).optimise,
  evaluate: async () => (await import('./evaluate.ts')).evaluate,
};

/** Loads a stage. @throws {SpaError} If there is none of that name. */
export async function stageOf(name: string): Promise<Stage> {
  const load = (loaders as Readonly<Record<string, (() => Promise<Stage>) | undefined>>)[name];
  if (load === undefined) {
    throw new SpaError(
      'stage',
      `Cannot run stage "${name}": it is unknown, expected one of ${Object.keys(loaders).join(', ')}`,
    );
  }
  return load();
}
