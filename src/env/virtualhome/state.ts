/**
 * What an episode has changed in its scene, as plain data, and the same opened for reading and writing. A step opens the state, lets one rule
 * write, and closes it into a new value; the scene itself is shared and never written.
 */
import type { JsonObject } from '../../base/json.ts';
import type { SceneGraph } from './graph.ts';
import { bit, edgeCode, edgeOf, rel, type Scene, stateNames } from './scene.ts';
import { setOrder } from './set-order.ts';

/** A difference to the scene at the start. */
export interface Changes {
  /** Codes of edges that were not there, in the order they came; see `edgeCode`. */
  readonly added: readonly number[];
  /** Codes of edges that were there and are gone, ascending. */
  readonly removed: readonly number[];
  /** Changed nodes: index, states as bits, in the order of their first change. */
  readonly changed: readonly (readonly [number, number])[];
  /** What was grabbed from where: object, place, relation (its number). */
  readonly grabbed: readonly (readonly [number, number, number])[];
}

/** State of an episode. */
export interface VirtualhomeState extends Changes, JsonObject {
  readonly added: readonly number[];
  readonly removed: readonly number[];
  readonly changed: readonly (readonly [number, number])[];
  readonly grabbed: readonly (readonly [number, number, number])[];
  /** Instances meant by class names so far, as pairs; beside those the task gives. */
  readonly meant: readonly (readonly [string, number])[];
  /** Id of the last object named; -1 at the start. */
  readonly last: number;
}

/** A state opened on its scene. */
export interface Live {
  readonly scene: Scene;
  /** True if SITTING and LYING are read from the character at the start, as the public code does. */
  readonly blindPosture: boolean;
  added: number[];
  readonly removed: Set<number>;
  readonly changed: Map<number, number>;
  readonly grabbed: Map<number, readonly [number, number]>;
}

/** The state at the start. */
export const untouched: Changes = { added: [], removed: [], changed: [], grabbed: [] };

/** Opens a state for reading and writing; the state stays as it is. */
export function openState(scene: Scene, state: Changes, options: { readonly blindPosture?: boolean } = {}): Live {
  return {
    scene,
    blindPosture: options.blindPosture ?? false,
    added: [...state.added],
    removed: new Set(state.removed),
    changed: new Map(state.changed),
    grabbed: new Map(state.grabbed.map(([object, place, relation]) => [object, [place, relation]])),
  };
}

/** Copies an opened state, so that one may be tried and thrown away. */
export function copyState(live: Live): Live {
  return {
    ...live,
    added: [...live.added],
    removed: new Set(live.removed),
    changed: new Map(live.changed),
    grabbed: new Map(live.grabbed),
  };
}

/** Returns what an opened state holds, as a value. */
export function closeState(live: Live): Changes {
  return {
    added: live.added,
    removed: Array.from(live.removed).sort((a, b) => a - b),
    changed: [...live.changed],
    grabbed: Array.from(live.grabbed, ([object, [place, relation]]) => [object, place, relation] as const),
  };
}

/** True if the edge is there. */
export function hasEdge(live: Live, relation: number, from: number, to: number): boolean {
  const code = edgeCode(live.scene, relation, from, to);
  if (((live.scene.edges[code >> 3]! >> (code & 7)) & 1) === 1) return !live.removed.has(code);
  return live.added.includes(code);
}

/** Adds an edge unless it is there. */
export function addEdge(live: Live, relation: number, from: number, to: number): void {
  const code = edgeCode(live.scene, relation, from, to);
  if (((live.scene.edges[code >> 3]! >> (code & 7)) & 1) === 1) live.removed.delete(code);
  else if (!live.added.includes(code)) live.added.push(code);
}

/** Removes an edge if it is there. */
export function deleteEdge(live: Live, relation: number, from: number, to: number): void {
  const code = edgeCode(live.scene, relation, from, to);
  if (((live.scene.edges[code >> 3]! >> (code & 7)) & 1) === 1) {
    live.removed.add(code);
    return;
  }
  const at = live.added.indexOf(code);
  if (at >= 0) live.added.splice(at, 1);
}

/** Lists the targets of a node under a relation: what came first, then what was there. */
export function targets(live: Live, relation: number, from: number): number[] {
  const { scene, added, removed } = live;
  const n = scene.nodes.length;
  const first = (relation * n + from) * n;
  const found: number[] = [];
  for (const code of added) if (code >= first && code < first + n) found.push(code - first);
  for (const to of scene.out[relation * n + from]!) if (!removed.has(first + to)) found.push(to);
  return found;
}

/** Lists the targets of a node in the order the reference's Python walks them; see {@link setOrder}. */
export function targetsInSetOrder(live: Live, relation: number, from: number): readonly number[] {
  const found = targets(live, relation, from);
  if (found.length < 2) return found;
  const { nodes, indexOf } = live.scene;
  return setOrder(found.map((node) => nodes[node]!.id)).map((id) => indexOf.get(id)!); // ids of this scene
}

/** Lists the sources of a node under a relation. */
export function sources(live: Live, relation: number, to: number): number[] {
  const { scene, added, removed } = live;
  const n = scene.nodes.length;
  const first = relation * n * n;
  const found: number[] = [];
  for (const code of added)
    if (code % n === to && code >= first && code < first + n * n) found.push(Math.floor((code - first) / n));
  for (const from of scene.into[relation * n + to]!) if (!removed.has(first + from * n + to)) found.push(from);
  return found;
}

/** Removes every edge of a node under a relation, in both directions. */
export function detach(live: Live, relation: number, node: number): void {
  for (const to of targets(live, relation, node)) deleteEdge(live, relation, node, to);
  for (const from of sources(live, relation, node)) deleteEdge(live, relation, from, node);
}

/** Returns the states of a node as bits. */
export function statesOf(live: Live, node: number): number {
  return live.changed.get(node) ?? live.scene.states[node]!;
}

/** Replaces states: first takes away, then gives. */
export function changeStates(live: Live, node: number, change: { readonly take: number; readonly give: number }): void {
  const bits = (statesOf(live, node) & ~change.take) | change.give;
  if (bits === live.scene.states[node]) live.changed.delete(node);
  else live.changed.set(node, bits);
}

/** True if a node has a property. */
export function hasProperty(live: Live, node: number, property: string): boolean {
  return live.scene.nodes[node]!.properties.includes(property);
}

/** States of the character as the rules see them. */
export function postureOf(live: Live): number {
  const { character, states } = live.scene;
  return (live.blindPosture ? states[character]! : statesOf(live, character)) & (bit.SITTING | bit.LYING);
}

/** Lists what the character holds, right hand first. */
export function held(live: Live): number[] {
  const { character } = live.scene;
  return [...targets(live, rel.HOLDS_RH, character), ...targets(live, rel.HOLDS_LH, character)];
}

/** Writes an opened state as a whole graph; nodes in the order of the scene, edges by code. */
export function toGraph(live: Live): SceneGraph {
  const { scene } = live;
  const n = scene.nodes.length;
  const edges = [...live.added];
  scene.out.forEach((list, from) => {
    for (const to of list) if (!live.removed.has(from * n + to)) edges.push(from * n + to);
  });
  return {
    nodes: scene.nodes.map((node, i) =>
      live.changed.has(i) ? { ...node, states: stateNames(statesOf(live, i)) } : node,
    ),
    edges: edges.sort((a, b) => a - b).map((code) => edgeOf(scene, code)),
  };
}
