/** `spa diff`: the fields, stages and numbers in which two runs differ. */
import type { JsonObject } from '../base/json.ts';
import { comparisonTable } from '../report/compare-runs.ts';
import { compare, type Difference, differenceText } from '../runner/explain.ts';
import { findRun, type RunRecord } from '../runner/record.ts';
import { flatten } from '../schema/semantic.ts';
import { loadSettings } from './load.ts';

/** Prints the differences from run A to run B; returns exit code 0. */
export async function diffCommand(a: string, b: string): Promise<number> {
  const { runs } = await loadSettings(process.cwd(), process.env);
  const [before, after] = await Promise.all([findRun(runs, a), findRun(runs, b)]);
  const sections: readonly (readonly [string, readonly Difference[]])[] = [
    ['manifest', compare(flatten(manifestOf(before.record)), flatten(manifestOf(after.record)))],
    ['stages', compare(stagesOf(before.record), stagesOf(after.record))],
    ['results', compare(summariesOf(before.record), summariesOf(after.record))],
  ];
  process.stdout.write(`${before.record.id} -> ${after.record.id}\n`);
  for (const [title, differences] of sections) {
    process.stdout.write(`${title}: ${differences.length === 0 ? 'the same' : ''}\n`);
    for (const difference of differences) process.stdout.write(`  ${differenceText(difference)}\n`);
  }
  const table = comparisonTable(before.record, after.record);
  if (table !== '') process.stdout.write(`\n${table}\n`);
  return 0;
}

const manifestOf = (record: RunRecord): JsonObject => record.manifest as JsonObject; // a manifest is an object

const stagesOf = (record: RunRecord): JsonObject =>
  Object.fromEntries(record.nodes.map(({ id, key }) => [id, key.slice(0, 8)]));

/** The numbers of each stage; evaluations are compared game by game in a table of their own. */
const summariesOf = (record: RunRecord): JsonObject =>
  flatten(
    Object.fromEntries(
      record.nodes.filter(({ stage }) => stage !== 'evaluate').map(({ id, summary }) => [id, summary ?? {}]),
    ),
  );
