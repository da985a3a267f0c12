/**
 * Questions the rules ask: what is within reach, what the character faces, which room something is in, which hand is free.
 * Source: xavierpuigf/virtualhome@58970fd:virtualhome/simulation/evolving_graph/execution.py, "General checks and helpers".
 */
import { bit, rel } from './scene.ts';
import { hasEdge, type Live, sources, statesOf, targets, targetsInSetOrder } from './state.ts';

/** True if the character is close to a node: directly, or to something that is close to it or that it lies on. */
export function isClose(live: Live, node: number): boolean {
  const near = targets(live, rel.CLOSE, live.scene.character);
  return (
    near.includes(node) || near.some((by) => hasEdge(live, rel.CLOSE, by, node) || hasEdge(live, rel.ON, node, by))
  );
}

/** Marks every node the character is close to; the same answers as {@link isClose}, for all nodes at once. */
export function closeNodes(live: Live): Uint8Array {
  const close = new Uint8Array(live.scene.nodes.length);
  for (const by of targets(live, rel.CLOSE, live.scene.character)) {
    close[by] = 1;
    for (const node of targets(live, rel.CLOSE, by)) close[node] = 1;
    for (const node of sources(live, rel.ON, by)) close[node] = 1;
  }
  return close;
}

/** True if the character faces a node, directly or through something it faces. */
export function isFacing(live: Live, node: number): boolean {
  const faced = targets(live, rel.FACING, live.scene.character);
  return faced.includes(node) || faced.some((by) => hasEdge(live, rel.FACING, by, node));
}

/**
 * Returns the room of a node, or -1. With several containers only a direct one counts; with one, the chain is followed.
 * The chain ends where it comes back to itself; the reference would not return.
 */
export function roomOf(live: Live, node: number): number {
  const { isRoom } = live.scene;
  if (isRoom[node] === 1) return node;
  let inside = targetsInSetOrder(live, rel.INSIDE, node);
  if (inside.length > 1) return inside.find((at) => isRoom[at] === 1) ?? -1;
  for (let steps = 0; inside.length > 0 && steps < live.scene.nodes.length; steps++) {
    const at = inside[0]!;
    if (isRoom[at] === 1) return at;
    inside = targetsInSetOrder(live, rel.INSIDE, at);
  }
  return -1;
}

/** True if a node is inside something closed that is not a room. */
export function isShutAway(live: Live, node: number): boolean {
  return targets(live, rel.INSIDE, node).some(
    (at) => live.scene.isRoom[at] === 0 && (statesOf(live, at) & bit.CLOSED) !== 0,
  );
}

/** Returns the relation of a free hand, the right one first, or -1. */
export function freeHand(live: Live): number {
  const { character } = live.scene;
  return [rel.HOLDS_RH, rel.HOLDS_LH].find((hand) => targets(live, hand, character).length === 0) ?? -1;
}

/** True if a node is in one of the hands. */
export function isHeld(live: Live, node: number): boolean {
  const { character } = live.scene;
  return hasEdge(live, rel.HOLDS_RH, character, node) || hasEdge(live, rel.HOLDS_LH, character, node);
}
