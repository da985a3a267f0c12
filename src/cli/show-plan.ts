/** `spa plan` and `spa run --plan`: what would run, what is cached, and why. Changes nothing. */
import { freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type Explanation, explainMiss, explanationText } from '../runner/explain.ts';
import { inputKeysOf, keysOf } from '../runner/key.ts';
import type { StageNode } from '../runner/stage.ts';
import { listStored, lookup, type StoredStage } from '../runner/store.ts';
import type { Prepared } from './prepare.ts';
import type { Program } from './program.ts';
import { bytesText, columns } from './table.ts';

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

/** Prints the plan and what it will take; returns exit code 0. */
export async function printPlan(prepared: Prepared, json: boolean, program: Program): Promise<number> {
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
  await printCosts(prepared, json, program);
  return 0;
}

/** From this many parameters on, the machine's speed is worth a second of measuring. */
const LARGE = 50e6;

/** Prints memory and arithmetic of the largest step of each kind; for a large model also its time on this machine. */
async function printCosts({ manifest, file }: Prepared, json: boolean, program: Program): Promise<void> {
  const found = await program.costs?.(manifest, dirname(file));
  if (found === undefined) return;
  const gflops = found.parameters < LARGE ? undefined : await program.speed?.(manifest);
  if (json) {
    process.stdout.write(`${JSON.stringify({ type: 'costs', ...found, gflops: gflops ?? null })}\n`);
    return;
  }
  const rows = found.costs.map(({ stage, work, bytes, flops }) => [
    stage,
    work,
    bytesText(bytes),
    `${(flops / 1e9).toPrecision(3)} GFLOP${stage === 'play' ? ' a token' : ''}`,
    ...(gflops ? [`${(flops / 1e9 / gflops).toPrecision(2)} s`] : []),
  ]);
  const header = [
    'largest step',
    'work',
    'memory',
    'arithmetic',
    ...(gflops ? [`at ${Math.round(gflops)} GFLOP/s`] : []),
  ];
  const memory = `${bytesText(freemem())} free of ${bytesText(totalmem())}`;
  process.stdout.write(`\n${found.parameters.toLocaleString('en')} parameters; this machine has ${memory}\n`);
  process.stdout.write(`${columns(header, rows)}\n`);
}
