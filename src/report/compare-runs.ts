/** Compares what two runs ended with, game by game: the same games, the same seeds, two policies. */
import type { RunRecord } from '../runner/record.ts';
import type { EvaluateSummary, Evaluation } from '../stage/evaluate.ts';
import { compare } from '../stage/result.ts';
import { textTable } from '../stage/text-table.ts';

/** Formats the paired differences from run A to run B of every split and temperature that both evaluated; empty if there is none. */
export function comparisonTable(before: RunRecord, after: RunRecord): string {
  const own = evaluationsOf(before);
  const other = evaluationsOf(after);
  const settings = [...new Set([...own.values()].flat().map(settingOf))];
  const rows = settings.flatMap((setting) => {
    const nodes = [...own.keys()].filter((node) => pick(own, node, setting) && pick(other, node, setting));
    if (nodes.length === 0) return [];
    const pairs = nodes.map((node) => ({ a: pick(own, node, setting)!, b: pick(other, node, setting)! })); // filtered above
    const { estimate, low, high } = compare(
      pairs.map(({ a }) => a),
      pairs.map(({ b }) => b),
    );
    const mean = (side: 'a' | 'b'): string =>
      `${(pairs.reduce((sum, pair) => sum + 100 * pair[side].success, 0) / pairs.length).toFixed(1)} %`;
    return [
      [setting, String(pairs.length), mean('a'), mean('b'), points(estimate), `[${points(low)}, ${points(high)}]`],
    ];
  });
  return rows.length === 0
    ? ''
    : textTable(['evaluation', 'seeds', before.experiment, after.experiment, 'difference', '95 %, paired'], rows);
}

const settingOf = ({ split, temperature }: Evaluation): string => `${split} T=${temperature}`;
const points = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)}`;

/** Evaluations of the trained policies by node id. */
function evaluationsOf(record: RunRecord): Map<string, readonly Evaluation[]> {
  return new Map(
    record.nodes.flatMap((node) => {
      if (!node.id.startsWith('evaluate/') || node.summary === undefined) return [];
      return [[node.id, (node.summary as unknown as EvaluateSummary).evaluations] as const]; // written by the evaluate stage
    }),
  );
}

function pick(side: ReadonlyMap<string, readonly Evaluation[]>, node: string, setting: string): Evaluation | undefined {
  return side.get(node)?.find((evaluation) => settingOf(evaluation) === setting);
}
