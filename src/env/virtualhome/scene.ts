/**
 * A scene graph compiled once for fast play: nodes get dense indices 0 … n-1 in the graph's order, an edge becomes one number, and the edges at
 * the start are indexed from both ends. Nothing in it changes: what an episode changes lives in its state.
 */
import { badInput } from '../../base/error.ts';
import {
  nodeStates,
  type Relation,
  relations,
  removeDuplicateEdges,
  type SceneEdge,
  type SceneGraph,
  type SceneNode,
} from './graph.ts';

/** Number of each relation: its place in {@link relations}. */
export const rel = Object.fromEntries(relations.map((name, i) => [name, i])) as Readonly<Record<Relation, number>>; // keys are exactly relations

/** Bit of each node state: 1 << its place in {@link nodeStates}. */
export const bit = Object.fromEntries(nodeStates.map((name, i) => [name, 1 << i])) as Readonly<
  Record<(typeof nodeStates)[number], number> // keys are exactly nodeStates
>;

/** A compiled scene. A node is its index; -1 stands for "no such node". */
export interface Scene {
  readonly nodes: readonly SceneNode[];
  readonly indexOf: ReadonlyMap<number, number>;
  /** The agent's node: the character with the lowest id. */
  readonly character: number;
  /** Nodes of each class, in graph order. */
  readonly members: ReadonlyMap<string, readonly number[]>;
  /** States at the start, as bits, per node. */
  readonly states: Uint16Array;
  /** 1 for rooms. */
  readonly isRoom: Uint8Array;
  /** Nodes with property BODY_PART. */
  readonly bodyParts: readonly number[];
  /** Targets of (relation, node) at the start, in edge order, at `relation * n + node`. */
  readonly out: readonly (readonly number[])[];
  /** Sources of (relation, node) at the start, at the same place. */
  readonly into: readonly (readonly number[])[];
  /** One bit per possible edge at the start; see {@link edgeCode}. */
  readonly edges: Uint8Array;
}

/** Returns the number of an edge: (relation * n + from) * n + to. */
export function edgeCode(scene: Scene, relation: number, from: number, to: number): number {
  return (relation * scene.nodes.length + from) * scene.nodes.length + to;
}

/** Returns the edge a code stands for. */
export function edgeOf(scene: Scene, code: number): SceneEdge {
  const n = scene.nodes.length;
  const from = Math.floor(code / n) % n;
  return {
    from_id: scene.nodes[from]!.id,
    relation_type: relations[Math.floor(code / n / n)]!,
    to_id: scene.nodes[code % n]!.id,
  };
}

/** Returns the code of an edge, or -1 if one of its ends or its relation is not of this scene. */
export function codeOf(scene: Scene, edge: SceneEdge): number {
  const relation = rel[edge.relation_type.toUpperCase() as Relation] as number | undefined; // undefined for any other text
  const from = scene.indexOf.get(edge.from_id);
  const to = scene.indexOf.get(edge.to_id);
  return relation === undefined || from === undefined || to === undefined ? -1 : edgeCode(scene, relation, from, to);
}

/** How a graph is compiled. */
export interface CompileOptions {
  /** Applies {@link removeDuplicateEdges} first, as the reference does when it plays. Default true. */
  readonly dedupe?: boolean;
}

/**
 * Compiles a graph.
 * @throws {SpaError} If the graph has no character, or names a node, state or relation that does not exist (bad input).
 */
export function compileScene(graph: SceneGraph, options: CompileOptions = {}): Scene {
  const nodes = [...new Map(graph.nodes.map((node) => [node.id, node])).values()];
  const n = nodes.length;
  const indexOf = new Map(nodes.map((node, i) => [node.id, i]));
  const members = new Map<string, number[]>();
  nodes.forEach((node, i) => {
    members.set(node.class_name, [...(members.get(node.class_name) ?? []), i]);
  });
  const characters = (members.get('character') ?? []).map((i) => nodes[i]!.id);
  if (characters.length === 0) throw broken('it has no node of class character', 'one');
  const scene = {
    nodes,
    indexOf,
    character: indexOf.get(Math.min(...characters))!, // it was just listed
    members,
    states: Uint16Array.from(nodes, (node) => stateBits(node.states)),
    isRoom: Uint8Array.from(nodes, (node) => (node.category === 'Rooms' ? 1 : 0)),
    bodyParts: nodes.flatMap((node, i) => (node.properties.includes('BODY_PART') ? [i] : [])),
    out: Array.from({ length: relations.length * n }, (): number[] => []),
    into: Array.from({ length: relations.length * n }, (): number[] => []),
    edges: new Uint8Array(Math.ceil((relations.length * n * n) / 8)),
  };
  const kept = options.dedupe === false ? graph.edges : removeDuplicateEdges(graph.edges);
  for (const edge of kept) {
    const code = codeOf(scene, edge);
    if (code === -1)
      throw broken(`edge ${edge.from_id} ${edge.relation_type} ${edge.to_id} leads nowhere`, 'known ends');
    if (((scene.edges[code >> 3]! >> (code & 7)) & 1) === 1) continue;
    scene.edges[code >> 3]! |= 1 << (code & 7);
    const from = Math.floor(code / n);
    scene.out[from]!.push(code % n);
    scene.into[Math.floor(from / n) * n + (code % n)]!.push(from % n);
  }
  return scene;
}

/** Returns states as bits. @throws {SpaError} If one is unknown (bad input). */
export function stateBits(states: readonly string[]): number {
  return states.reduce((bits, name) => {
    const known = bit[name.toUpperCase() as keyof typeof bit] as number | undefined; // undefined for any other text
    if (known === undefined) throw broken(`it has a node in state ${name}`, `one of ${nodeStates.join(', ')}`);
    return bits | known;
  }, 0);
}

/** Returns the names of states given as bits, in the order of {@link nodeStates}. */
export function stateNames(bits: number): string[] {
  return nodeStates.filter((_, i) => ((bits >> i) & 1) === 1);
}

function broken(what: string, expected: string): Error {
  return badInput('environment', `Cannot compile scene graph: ${what}, expected ${expected}`, {
    hint: 'The graph is damaged or not one of VirtualHome: fetch it again.',
  });
}
