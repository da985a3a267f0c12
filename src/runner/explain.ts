/** Says why a stage has to run: which fields differ from the most similar result in the store. */
import type { Json, JsonObject } from '../base/json.ts';
import { canonicalJson } from '../base/json.ts';
import { flatten } from '../schema/semantic.ts';
import type { StageNode } from './stage.ts';
import type { StoredStage } from './store.ts';

/** One difference between a planned stage and a stored one. */
export interface Difference {
  /** E.g. `ppo.learningRate`, `input sft`, `version`. */
  readonly what: string;
  /** Absent: the field is new, or has gone. */
  readonly before?: Json;
  readonly after?: Json;
}

/** Why a stage is not cached. No `nearest`: nothing of this stage was ever stored. */
export interface Explanation {
  readonly nearest?: StoredStage;
  readonly differences: readonly Difference[];
}

/**
 * Compares a planned node with every stored result of its stage and returns the differences to the nearest.
 * @param inputKeys Role -> key of the node's inputs.
 */
export function explainMiss(
  node: StageNode,
  inputKeys: Readonly<Record<string, string>>,
  stored: readonly StoredStage[],
): Explanation {
  let best: Explanation = { differences: [] };
  let bestCost = Number.POSITIVE_INFINITY;
  for (const candidate of stored) {
    if (candidate.stage !== node.stage) continue;
    const differences = differencesOf(node, inputKeys, candidate);
    // Among equals, the result the same lane left last is what the user has in mind.
    const cost = differences.length * 2 + (candidate.node === node.id ? 0 : 1);
    const later = candidate.finishedAt > (best.nearest?.finishedAt ?? '');
    if (cost < bestCost || (cost === bestCost && later)) {
      best = { nearest: candidate, differences };
      bestCost = cost;
    }
  }
  return best;
}

function differencesOf(
  node: StageNode,
  inputKeys: Readonly<Record<string, string>>,
  stored: StoredStage,
): Difference[] {
  const differences: Difference[] = compare(flatten(stored.params), flatten(node.params));
  if (stored.version !== node.version) {
    differences.push({ what: 'version', before: stored.version, after: node.version });
  }
  const before = Object.fromEntries(Object.entries(stored.inputs).map(([role, { key }]) => [role, key.slice(0, 8)]));
  const after = Object.fromEntries(Object.entries(inputKeys).map(([role, key]) => [role, key.slice(0, 8)]));
  return [...differences, ...compare(before, after).map((input) => ({ ...input, what: `input ${input.what}` }))];
}

/** Returns the members in which two flat records differ, by name. */
export function compare(before: JsonObject, after: JsonObject): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((what) => {
    const [a, b] = [before[what], after[what]];
    if (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b)) return [];
    return [{ what, ...(a === undefined ? {} : { before: a }), ...(b === undefined ? {} : { after: b }) }];
  });
}

/** Writes an explanation in one line, e.g. `ppo.learningRate 0.001 -> 0.002; input sft changed`, or `new`. */
export function explanationText({ nearest, differences }: Explanation): string {
  if (nearest === undefined) return 'new';
  if (differences.length === 0) return 'removed from the store';
  return differences.map(differenceText).join('; ');
}

/** Writes one difference. */
export function differenceText({ what, before, after }: Difference): string {
  if (before === undefined) return `${what} added: ${short(after)}`;
  if (after === undefined) return `${what} removed: ${short(before)}`;
  return what.startsWith('input ') ? `${what} changed` : `${what} ${short(before)} -> ${short(after)}`;
}

const short = (value: Json | undefined): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
};
