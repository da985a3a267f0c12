/** `spa plan` and `spa run --plan`: what would run, what is cached, and why. Changes nothing. */
import { join } from 'node:path';
import { type Explanation, explainMiss, explanationText } from '../runner/explain.ts';
import { inputKeysOf, keysOf } from '../runner/key.ts';
import type { StageNode } from '../runner/stage.ts';
import { listStored, lookup, type StoredStage } from '../runner/store.ts';
import type { Prepared } from './prepare.ts';

/** One row: what would happen to a node. */
export interface PlannedNode {
  readonly node: StageNode;
  readonly key: string;
  readonly status: 'cached' | 'run' | 'damaged';
  readonly why: string;
  readonly explanation: Explanation;
}

/** Looks every node up. */
export async function inspectPlan({ plan, settings }: Pick<Prepared, 'plan' | 'settings'>): Promise<PlannedNode[]> {
  const store = join(settings.runs, 'store');
  const keys = keysOf(plan);
  const stored: StoredStage[] = (await listStored(store)).map((entry) => entry.stored);
  return Promise.all(
    plan.nodes.map(async (node) => {
      const key = keys.get(node.id)!; // keysOf covers the plan
      const found = await lookup(store, { stage: node.stage, key });
      if (found.status === 'hit')
        return { node, key, status: 'cached', why: '', explanation: { differences: [] } } as const;
      const explanation = explainMiss(node, inputKeysOf(node, keys), stored);
      if (found.status === 'bad')
        return { node, key, status: 'damaged', why: found.problems.join('; '), explanation } as const;
      return { node, key, status: 'run', why: explanationText(explanation), explanation } as const;
    }),
  );
}

/** Prints the plan; returns exit code 0. */
export async function printPlan(prepared: Pick<Prepared, 'plan' | 'settings'>, json: boolean): Promise<number> {
  const rows = await inspectPlan(prepared);
  const width = Math.max(...rows.map(({ node }) => node.id.length), 4);
  for (const { node, key, status, why } of rows) {
    if (json) {
      const { id, stage, inputs, params } = node;
      process.stdout.write(
        `${JSON.stringify({ type: 'planned', node: id, stage, key, status, why, inputs, params })}\n`,
      );
    } else
      process.stdout.write(`${`${status.padEnd(8)} ${node.id.padEnd(width)}  ${key.slice(0, 8)}  ${why}`.trimEnd()}\n`);
  }
  return 0;
}
