/** The engine of a run: `auto` is settled once, by self-tests, and every stage is told the answer. */
import type { StageNode } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { EngineName } from '../tensor/compile.ts';
import { chooseEngine, testEngines } from '../tensor/engines.ts';

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

/** Measures the engine a manifest names, or the fastest one: 10^9 operations per second of a matrix product; 0 if it does not work. */
export async function speedOf({ engine }: Pick<Manifest, 'engine'>): Promise<number> {
  const reports = await testEngines(engine.name === 'auto' ? undefined : [engine.name]);
  return Math.max(0, ...reports.map(({ selfTest }) => (selfTest?.ok ? selfTest.gflops : 0)));
}
