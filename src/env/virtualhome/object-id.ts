/**
 * Which instance a class name means. An agent writes `cup`; the rules need one cup. What was once meant stays meant for the episode.
 * Source: SPA-RL `eval_agent/envs/virtualhome_env.py` `change_obj_index`; its unseeded `random.choice` is a choice by task and class here.
 */
import { createRng } from '../../base/rng.ts';
import type { Line } from './parse.ts';
import { rel } from './scene.ts';
import { setOrder } from './set-order.ts';
import { held, type Live, sources, targets } from './state.ts';

/** What an episode knows of names. */
export interface Names {
  /** Id meant by each class so far. Written by {@link resolve}. */
  readonly meant: Map<string, number>;
  /** Ids known beforehand, from the task's recorded solution; empty where they are not leaked. */
  readonly given: ReadonlyMap<string, number>;
  /** Id of the last object named, or -1. */
  last: number;
  /** Seed of choices among equals: the task's id. */
  readonly seed: string;
  /** Choices drawn before for this seed, by class: a memory, the same would be drawn again. */
  readonly drawn: Map<string, number>;
}

/**
 * Finds the nodes a line names, and notes them in `names`, also where the action is refused later: whether that lasts is the caller's choice.
 * @returns One node per argument, or undefined if a name means nothing here.
 */
export function resolve(live: Live, line: Line, names: Names): readonly number[] | undefined {
  const [first, second] = line.args;
  if (first === undefined) return [];
  return second === undefined
    ? resolveOne(live, line.name, { first, names })
    : resolvePair(live, { first, second, names });
}

function resolveOne(
  live: Live,
  action: string,
  { first, names }: { readonly first: string; readonly names: Names },
): readonly number[] | undefined {
  const exists = live.scene.members.has(first);
  if (!exists && (action === 'FIND' || action === 'WALK')) return undefined;
  const known = meantBy(names, first);
  if (known === undefined && !exists) return undefined;
  const id = known ?? choose(live, first, names);
  if (known === undefined) names.meant.set(first, id);
  names.last = id;
  return nodesOf(live, [id]);
}

function resolvePair(
  live: Live,
  { first, second, names }: { readonly first: string; readonly second: string; readonly names: Names },
): readonly number[] | undefined {
  const inHand = held(live).filter((node) => live.scene.nodes[node]!.class_name === first);
  if (inHand.length === 0) return undefined;
  const inOrder = inHand.map((node) => live.scene.nodes[node]!.id).sort((a, b) => a - b);
  const one = inOrder.length === 1 ? inOrder[0]! : createRng([names.seed, 'held', first]).pick(inOrder);
  if (meantBy(names, first) !== one) names.meant.set(first, one);
  if (!live.scene.members.has(second)) return undefined;
  const known = meantBy(names, second);
  const other = known ?? choose(live, second, names);
  if (known === undefined) names.meant.set(second, other);
  if (one === other) return undefined;
  names.last = other;
  return nodesOf(live, [one, other]);
}

function meantBy(names: Names, name: string): number | undefined {
  return names.meant.get(name) ?? names.given.get(name);
}

function nodesOf(live: Live, ids: readonly number[]): readonly number[] | undefined {
  const nodes = ids.map((id) => live.scene.indexOf.get(id) ?? -1);
  return nodes.includes(-1) ? undefined : nodes;
}

/** Something near the last object named, else near the character, else any. */
function choose(live: Live, name: string, names: Names): number {
  const { scene } = live;
  const last = scene.indexOf.get(names.last);
  const around = last === undefined ? undefined : lastOf(live, name, [rel.INSIDE, rel.CLOSE], last);
  const near = around ?? lastOf(live, name, [rel.CLOSE], scene.character);
  if (near !== undefined) return near;
  const members = scene.members.get(name)!.map((node) => scene.nodes[node]!.id); // the caller knows that there are some
  if (members.length === 1) return members[0]!;
  const drawn = names.drawn.get(name) ?? createRng([names.seed, 'any', name]).pick(members);
  names.drawn.set(name, drawn);
  return drawn;
}

/** The last thing of a class that stands in one of the relations to a node, either way round; the first relation that has one decides. */
function lastOf(live: Live, name: string, relations: readonly number[], node: number): number | undefined {
  for (const relation of relations) {
    const around = [...targets(live, relation, node), ...sources(live, relation, node)];
    const fitting = around.filter((at) => live.scene.nodes[at]!.class_name === name);
    if (fitting.length === 0) continue;
    const ids = (new Set(fitting).size === 1 ? fitting : around).map((at) => live.scene.nodes[at]!.id);
    const named = new Set(fitting.map((at) => live.scene.nodes[at]!.id));
    return setOrder(ids).findLast((id) => named.has(id));
  }
  return undefined;
}
