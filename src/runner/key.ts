/**
 * The identity of a stage's result: SHA-256 of the canonical JSON of everything that decides it, and of nothing else.
 *
 * In the key: the kind of key, the stage's name and version, its parameters (semantic manifest fields, seed, digests of outside
 * data) and, by role, the keys of its inputs.
 *
 * Left out, each for its reason:
 * - node ids: two lanes that ask for the same work share it;
 * - `resources` (threads, batch memory, engine, slots): they decide cost; engines agree to 1e-5;
 * - places on disk: the content of outside data is in the parameters as a digest, where it lies is not;
 * - names and notes of experiments: they decide what a result is called;
 * - time, host, Node version, git commit: kept in the record for blame; a change of code that changes results bumps the version.
 */
import { hashJson } from '../base/hash.ts';
import type { Plan, StageNode } from './stage.ts';

/** Returns the key of one node: 64 hex digits. @param inputKeys Role -> key of that input. */
export function keyOf(node: StageNode, inputKeys: Readonly<Record<string, string>>): string {
  return hashJson({
    kind: 'stage',
    name: node.stage,
    version: node.version,
    params: node.params,
    inputs: inputKeys,
  });
}

/** Returns role -> key of a node's inputs. */
export function inputKeysOf(node: StageNode, keys: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(node.inputs).map(([role, id]) => [role, keys.get(id)!])); // sorted plans have their inputs first
}

/** Returns node id -> key for a plan whose inputs come first, as `sortPlan` leaves it. */
export function keysOf(plan: Plan): Map<string, string> {
  const keys = new Map<string, string>();
  for (const node of plan.nodes) keys.set(node.id, keyOf(node, inputKeysOf(node, keys)));
  return keys;
}

/** Returns the folder name of a result, e.g. `sft-3f1c09aa41d2e6b7`. */
export function storedName(stage: string, key: string): string {
  return `${stage}-${key.slice(0, 16)}`;
}
