/**
 * A published program → a task in the form of the published test tasks. Its goal is the difference its own replay makes to the scene: on the 75
 * test tasks of Scene 1 this rule gives every recorded goal edge for edge (and 71 of them node for node; the other four also name a node that
 * ends as it began, which cannot keep a task from being done).
 */
import { type ActionName, arity, isActionName, writeAction } from './action.ts';
import type { SceneGraph } from './graph.ts';
import type { HouseholdGoal, HouseholdTask } from './household.ts';
import { openEpisode, openHouse, stepEpisode } from './play.ts';
import { compileScene, edgeOf, stateNames } from './scene.ts';

/** Why a program is not a task. */
export type Unfit =
  | 'has no action'
  | 'names an unknown action'
  | 'means two things of one class'
  | 'is refused on the way'
  | 'changes nothing';

interface Step {
  readonly action: ActionName;
  readonly objects: readonly { readonly name: string; readonly id: number }[];
}

/**
 * Makes a task of a program.
 * @param text The program's file: name, description, then lines such as `[WALK] <sink> (1.42)`.
 */
export function taskOfProgram(
  text: string,
  { id, graph }: { readonly id: string; readonly graph: SceneGraph },
): HouseholdTask | Unfit {
  const lines = text.split(/\r?\n/);
  const written = lines.filter((line) => line.startsWith('['));
  const steps = written.flatMap((line) => readStep(line) ?? []);
  if (written.length === 0) return 'has no action';
  if (steps.length < written.length) return 'names an unknown action';
  const ids = new Map<string, number>();
  for (const { name, id: object } of steps.flatMap((step) => step.objects)) {
    if (ids.get(name) !== undefined && ids.get(name) !== object) return 'means two things of one class';
    ids.set(name, object);
  }
  const record = {
    id,
    task: lines[0]?.trim() ?? '',
    description: lines[1]?.trim() ?? '',
    action_list: steps.map(({ action, objects }) =>
      writeAction(
        action,
        objects.map(({ name }) => name),
      ),
    ),
    object_id_dict: Object.fromEntries(ids),
  };
  const goal = differenceOf(record, graph);
  return typeof goal === 'string' ? goal : { ...record, revised_graph: goal };
}

function readStep(line: string): Step | undefined {
  const action = /^\[(\w+)\]/.exec(line)?.[1]?.toUpperCase() ?? '';
  const objects = Array.from(line.matchAll(/<([^>]+)> \((?:\d+\.)?(\d+)\)/g), ([, name, id]) => ({
    name: name!, // both groups take part in every match
    id: Number(id),
  }));
  return isActionName(action) && arity(action) === objects.length ? { action, objects } : undefined;
}

/** Replays the actions and compares the end with the start. */
function differenceOf(record: Omit<HouseholdTask, 'revised_graph'>, graph: SceneGraph): HouseholdGoal | Unfit {
  const scene = compileScene(graph);
  const open: HouseholdGoal = { nodes: [], revised_nodes: [], revised_add_edges: [] };
  const house = openHouse({ record: { ...record, revised_graph: open } }, { scene, seed: record.id, rules: {} });
  let { state } = openEpisode(house);
  for (const action of record.action_list ?? []) {
    const turn = stepEpisode(house, state, action);
    if (!turn.grounded) return 'is refused on the way';
    state = turn.state;
  }
  const { added, removed, changed } = state;
  if (added.length + removed.length + changed.length === 0) return 'changes nothing';
  return {
    nodes: changed.map(([node, bits]) => ({ ...scene.nodes[node]!, states: stateNames(bits) })),
    revised_nodes: removed.map((code) => edgeOf(scene, code)),
    revised_add_edges: added.map((code) => edgeOf(scene, code)),
  };
}
