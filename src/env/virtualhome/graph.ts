/**
 * A household as VirtualHome writes it: nodes with states and properties, edges with a relation. Also the one repair the reference makes
 * before it plays. Source: xavierpuigf/virtualhome@58970fd:virtualhome/simulation/evolving_graph/environment.py (node and edge JSON).
 */

/** Relations between two nodes, in upper case as the loader writes them. */
export const relations = ['ON', 'INSIDE', 'BETWEEN', 'CLOSE', 'FACING', 'HOLDS_RH', 'HOLDS_LH'] as const;

/** How two nodes stand to each other: `from` is … `to`, e.g. `cup ON table`, `character HOLDS_RH cup`. */
export type Relation = (typeof relations)[number];

/** States a node can be in. */
export const nodeStates = [
  'OPEN',
  'CLOSED',
  'ON',
  'OFF',
  'PLUGGED_IN',
  'PLUGGED_OUT',
  'CLEAN',
  'DIRTY',
  'SITTING',
  'LYING',
] as const;

/** One state of a node; the posture (SITTING, LYING) is a state of the character. */
export type NodeState = (typeof nodeStates)[number];

/** A thing, a room, a body part or the character. */
export interface SceneNode {
  /** Unique in its scene. */
  readonly id: number;
  /** What it is, lower case with underscores, e.g. `coffe_maker`; an agent writes it with spaces. */
  readonly class_name: string;
  /** `Rooms`, `Characters`, or a kind of furniture; only `Rooms` matters to the rules. */
  readonly category: string;
  /** What can be done with it, e.g. `GRABBABLE`, `CAN_OPEN`, `HAS_SWITCH`, `SITTABLE`, `SURFACES`. */
  readonly properties: readonly string[];
  readonly states: readonly string[];
  readonly prefab_name?: string | null;
  readonly bounding_box?: unknown;
}

/** One directed edge. */
export interface SceneEdge {
  readonly from_id: number;
  readonly relation_type: string;
  readonly to_id: number;
}

/** A whole household. */
export interface SceneGraph {
  readonly nodes: readonly SceneNode[];
  readonly edges: readonly SceneEdge[];
}

/**
 * Removes edges the way the reference does before it plays, literally: it walks the list of edges while removing from it, so that the element
 * after each removal is skipped. For an edge (a, r, b), if (b INSIDE a) is listed too, both go; an INSIDE self-loop goes alone.
 * Source: SPA-RL `eval_agent/envs/virtualhome_env.py` `remove_duplicate_edge`.
 * @returns The edges left, in their order; the given list is not changed.
 */
export function removeDuplicateEdges(edges: readonly SceneEdge[]): SceneEdge[] {
  // A removal takes out the first equal edge, before or after the walker. Both the list and the positions of equal edges are kept by index.
  const positions = new Map<string, number[]>();
  edges.forEach((edge, i) => {
    const key = keyOf(edge);
    const listed = positions.get(key);
    if (listed === undefined) positions.set(key, [i]);
    else listed.push(i);
  });
  const gone = new Uint8Array(edges.length);
  const removeFirst = (key: string): number => {
    const listed = positions.get(key);
    const first = listed?.shift();
    if (listed === undefined || first === undefined) return edges.length;
    gone[first] = 1;
    if (listed.length === 0) positions.delete(key);
    return first;
  };
  const nextKept = (from: number): number => {
    let i = from;
    while (i < edges.length && gone[i] === 1) i++;
    return i;
  };
  let at = nextKept(0);
  while (at < edges.length) {
    const { from_id, relation_type, to_id } = edges[at]!;
    const key = `${from_id} ${relation_type} ${to_id}`;
    const inverse = `${to_id} INSIDE ${from_id}`;
    let shift = 0; // elements at or before the walker that vanished: the walker's index now points that much further on
    if (positions.has(inverse)) {
      if (removeFirst(inverse) <= at) shift += 1;
      if (inverse !== key && removeFirst(key) <= at) shift += 1;
    }
    at = nextKept(at + 1);
    for (; shift > 0 && at < edges.length; shift--) at = nextKept(at + 1);
  }
  return edges.filter((_, i) => gone[i] === 0);
}

function keyOf({ from_id, relation_type, to_id }: SceneEdge): string {
  return `${from_id} ${relation_type} ${to_id}`;
}
