/** The engine of a run: `auto` is settled once, by self-tests, and every stage is told the answer. */
import type { StageNode } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { EngineName } from '../tensor/compile.ts';
import { chooseEngine } from '../tensor/engines.ts';

/** The engine settings plan.ts wrote into a node. */
export const engineOf = (node: StageNode): Manifest['engine'] => node.resources as unknown as Manifest['engine'];

let automatic: Promise<EngineName> | undefined;

/** Returns the name of the engine a node computes with; the machine is tested at most once a process. */
export function engineNameOf(node: StageNode): Promise<EngineName> {
  const { name } = engineOf(node);
  if (name !== 'auto') return Promise.resolve(name);
  automatic ??= chooseEngine('auto');
  return automatic;
}

/** Returns the node with its engine named. */
export async function withEngine(node: StageNode): Promise<StageNode> {
  return { ...node, resources: { ...node.resources, name: await engineNameOf(node) } };
}
