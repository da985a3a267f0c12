/** Compares what two runs ended with, game by game: the same games, the same seeds, two policies. */
import type { RunRecord } from '../runner/record.ts';
import type { EvaluateSummary, Evaluation } from '../stage/evaluate.ts';
import { type BySeed, compare, successOf } from './compare.ts';
import { textTable } from './text-table.ts';

/**
 * Formats the paired differences from run A to run B of every split and temperature that both evaluated on the same games; empty if
 * there is none.
 */
export function comparisonTable(before: RunRecord, after: RunRecord): string {
  const [a, b] = [evaluationsOf(before), evaluationsOf(after)];
  const rows = [...a.keys()].flatMap((setting) => {
    const [left, right] = onSameGames(a.get(setting)!, b.get(setting) ?? new Map()); // setting is a key of a
    const difference = compare(left, right);
    if (difference === undefined) return [];
    const success = (side: BySeed): string => `${(100 * (successOf(side)?.estimate ?? 0)).toFixed(1)} %`;
    const interval = `[${points(difference.low)}, ${points(difference.high)}]`;
    return [[setting, String(left.size), success(left), success(right), points(difference.estimate), interval]];
  });
  if (rows.length === 0) return '';
  return textTable(['evaluation', 'seeds', before.experiment, after.experiment, 'difference', '95 %, paired'], rows);
}

const points = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)}`;

/** Evaluations of a run's trained policies: split and temperature -> seed -> evaluation. */
function evaluationsOf(record: RunRecord): Map<string, Map<number, Evaluation>> {
  const found = new Map<string, Map<number, Evaluation>>();
  for (const node of record.nodes) {
    if (!node.id.startsWith('evaluate/') || node.summary === undefined) continue;
    for (const evaluation of (node.summary as unknown as EvaluateSummary).evaluations) {
      // written by the evaluate stage
      const setting = `${evaluation.split} T=${evaluation.temperature}`;
      found.set(setting, (found.get(setting) ?? new Map()).set(Number(node.params.seed), evaluation));
    }
  }
  return found;
}

/** Keeps the seeds that both sides have, and of each the games that both played. */
function onSameGames(a: BySeed, b: BySeed): [BySeed, BySeed] {
  const [left, right] = [new Map<number, Evaluation>(), new Map<number, Evaluation>()];
  for (const [seed, one] of a) {
    const other = b.get(seed);
    if (other === undefined) continue;
    left.set(seed, withGames(one, other));
    right.set(seed, withGames(other, one));
  }
  return [left, right];
}

function withGames(evaluation: Evaluation, other: Evaluation): Evaluation {
  const games = Object.entries(evaluation.games).filter(([task]) => other.games[task] !== undefined);
  return { ...evaluation, games: Object.fromEntries(games) };
}
