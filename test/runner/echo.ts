/** A stage whose right answer is known: it writes its parameters and what its inputs wrote. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.ts';
import type { Plan, Stage, StageContext, StageNode } from '../../src/runner/stage.ts';

/** Makes a node; `inputs` are ids, their roles the same. */
export function node(id: string, params: JsonObject = {}, inputs: readonly string[] = []): StageNode {
  return {
    id,
    stage: 'echo',
    version: 1,
    params,
    resources: { threads: 1 },
    inputs: Object.fromEntries(inputs.map((input) => [input, input])),
  };
}

/** Makes a plan. */
export const plan = (...nodes: StageNode[]): Plan => ({ experiment: 'echo', nodes, manifest: {} });

/** Makes the stage; `before` runs first, and may fail. */
export function echo(
  before: (context: StageContext) => void | Promise<void> = () => {},
): (name: string) => Promise<Stage> {
  return async (name) => ({
    name,
    version: 1,
    run: async (context) => {
      await before(context);
      const inputs = await Promise.all(
        Object.values(context.inputs).map((folder) => readFile(join(folder, 'said.json'), 'utf8')),
      );
      const said = JSON.stringify({ params: context.node.params, inputs });
      await writeFile(join(context.folder, 'said.json'), said);
      await writeFile(join(context.folder, '.scratch'), 'not published');
      return { summary: { length: said.length } };
    },
  });
}
