/** `spa why`: which fields make a stage run. For a manifest: now. For a run: then, from its own record. */
import { extname } from 'node:path';
import { badInput } from '../base/error.ts';
import { nearest } from '../base/suggest.ts';
import { differenceText } from '../runner/explain.ts';
import { selectNodes } from '../runner/plan.ts';
import { findRun, readEvents } from '../runner/record.ts';
import { loadSettings } from './load.ts';
import { type ManifestOptions, prepare } from './prepare.ts';
import type { Program } from './program.ts';
import { inspectPlan, type PlannedNode } from './show-plan.ts';

/** Prints the reasons and returns exit code 0. */
export async function whyCommand(
  target: string,
  stage: string,
  options: ManifestOptions,
  program: Program,
): Promise<number> {
  if (extname(target) === '' || !/\.(m?[tj]s|json|ya?ml)$/.test(target)) return whyOfRun(target, stage);
  const prepared = await prepare(target, options, program);
  const wanted = selectNodes(prepared.plan, [stage], 'stage');
  for (const row of await inspectPlan(prepared)) if (wanted.has(row.node.id)) printReasons(row);
  return 0;
}

function printReasons({ node, key, status, why, explanation }: PlannedNode): void {
  const head = `${node.id}  ${key.slice(0, 8)}`;
  if (status === 'cached') return void process.stdout.write(`${head}  is cached\n`);
  if (status === 'damaged') return void process.stdout.write(`${head}  its result is damaged: ${why}\n`);
  if (explanation.nearest === undefined)
    return void process.stdout.write(`${head}  no result of this stage is in the store\n`);
  const { nearest: stored, differences } = explanation;
  process.stdout.write(`${head}  nearest result ${stored.stage}-${stored.key.slice(0, 16)} of ${stored.finishedAt}\n`);
  for (const difference of differences) process.stdout.write(`  ${differenceText(difference)}\n`);
}

async function whyOfRun(name: string, stage: string): Promise<number> {
  const { runs } = await loadSettings(process.cwd(), process.env);
  const { folder, record } = await findRun(runs, name);
  const nodes = record.nodes.filter(({ id, stage: of }) => [id, id.split('/')[0], of].includes(stage));
  if (nodes.length === 0) {
    const known = [...new Set(record.nodes.map((node) => node.id.split('/')[0]!))]; // split gives at least one
    const near = nearest(stage, known);
    throw badInput(
      'store',
      `Cannot find stage "${stage}" in run "${record.id}": it has none of that name, expected one of ${known.join(', ')}`,
      {
        ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
      },
    );
  }
  const events = await readEvents(folder);
  for (const { id, key } of nodes) {
    const started = events.find((event) => event.type === 'started' && event.node === id);
    const ended = events.find((event) => event.type === 'finished' && event.node === id);
    const why =
      started?.type === 'started'
        ? started.why
        : ended?.type === 'finished'
          ? `${ended.status} ${ended.note}`
          : 'not reached';
    process.stdout.write(`${id}  ${key.slice(0, 8)}  ${why.trimEnd()}\n`);
  }
  return 0;
}
