/**
 * A household task as STeCa and SPA-RL publish it, and where such tasks come from. One record, one scene graph, one world: files and the
 * generator both deliver these, so that they are played by the same code.
 */
import type { Task } from '../environment.ts';
import type { SceneEdge, SceneGraph, SceneNode } from './graph.ts';

/** What must hold at the end. */
export interface HouseholdGoal {
  /** Nodes that must be exactly so; each given member is compared, lists as sets. */
  readonly nodes: readonly Partial<SceneNode>[];
  /** Edges that must be *absent* (the published name misleads). */
  readonly revised_nodes: readonly SceneEdge[];
  /** Edges that must be present. */
  readonly revised_add_edges: readonly SceneEdge[];
}

/** One line of a task file; members the world does not read (recorded observations, …) may be absent. */
export interface HouseholdTask {
  /** Name of the activity, e.g. `Wash hands`. */
  readonly task: string;
  /** What to do, in words. */
  readonly description: string;
  /** Id inside its file; not unique in the published ones. */
  readonly id: string;
  /** The recorded solution as an agent would write it, e.g. `Walk to sink`. */
  readonly action_list?: readonly string[];
  /** The same as a program, e.g. `[WALK] <sink> (42)`. */
  readonly new_program_lines?: readonly string[];
  /** Text after each recorded action. */
  readonly ObserANDState?: readonly string[];
  /** Goal: the difference the recorded solution makes. */
  readonly revised_graph: HouseholdGoal;
  /** Which instance each class of the solution means, e.g. `{ sink: 42 }`. */
  readonly object_id_dict: Readonly<Record<string, number>>;
  /** The program's file; from `TrimmedTestScene` on it names the scene graph. */
  readonly path?: string;
}

/** A task and the household it happens in. */
export interface Household {
  readonly record: HouseholdTask;
  /** The graph at the start, as published (before {@link removeDuplicateEdges}). */
  readonly graph: SceneGraph;
}

/** A source of households. */
export interface HouseholdSource {
  readonly splits: readonly string[];
  /** Tasks of a split in its order. */
  tasks(split: string): readonly Task[];
  /** One household; scenes may be shared between tasks (the same `graph` object is compiled once). @throws {SpaError} If it cannot be read. */
  read(task: Task): Household;
  /** SHA-256 of what the tasks of a split are made of. */
  digest(split: string): string;
}
