/**
 * VirtualHome's evolving graph as a text world: household activities, recorded ones from files or generated ones, behind the contract of every world.
 * Type of a task in tables: the name of its activity, e.g. `Wash hands`. Every reset restores the whole graph.
 */
import { hashJson } from '../../base/hash.ts';
import type { Environment, Task } from '../environment.ts';
import { unknownSplit } from '../split.ts';
import { admissible } from './admissible.ts';
import { createGuide, createPlanner } from './expert.ts';
import { type FilesOptions, openFiles } from './files.ts';
import { type GenerateOptions, openGenerated } from './generate/generated.ts';
import type { SceneGraph } from './graph.ts';
import { courseToGoal } from './guide.ts';
import type { HouseholdSource } from './household.ts';
import { planLength } from './plan.ts';
import { completeRules, type House, type HouseholdRules, openEpisode, openHouse, stepEpisode } from './play.ts';
import { compileScene, type Scene } from './scene.ts';
import type { VirtualhomeState } from './state.ts';

/** Which households to open, and by which rules. */
export type VirtualhomeOptions = HouseholdRules &
  (({ readonly source: 'files' } & FilesOptions) | ({ readonly source: 'generated' } & GenerateOptions));

/**
 * Opens VirtualHome.
 * @throws {SpaError} If the households are not there or the options make no sense (bad input).
 */
export function openVirtualhome(options: VirtualhomeOptions): Environment<VirtualhomeState> {
  return options.source === 'files'
    ? openHousehold(openFiles(options), options)
    : openHousehold(openGenerated(options), { ...options, plans: true });
}

/** How a source is played. */
interface OpenOptions extends HouseholdRules {
  /** True: the expert plans from the goal. False: it follows the recorded solution and comes back to it when disturbed. Default false. */
  readonly plans?: boolean;
}

/** Most nodes of compiled households kept; one of 300 nodes takes about 0.6 MB and 13 ms to open. */
const nodesKept = 80_000;

/** Makes a world of any source of households. */
function openHousehold(source: HouseholdSource, options: OpenOptions = {}): Environment<VirtualhomeState> {
  const houses = new Map<string, House>();
  const scenes = new WeakMap<SceneGraph, Scene>();
  let nodes = 0;
  const houseOf = (task: Task): House => {
    const known = houses.get(task.id);
    if (known !== undefined) return known;
    const { record, graph } = source.read(task);
    const scene = scenes.get(graph) ?? compileScene(graph);
    scenes.set(graph, scene);
    const house = openHouse({ record }, { scene, seed: task.id, rules: options });
    nodes += scene.nodes.length;
    for (const [id, old] of houses) {
      if (nodes <= nodesKept) break;
      houses.delete(id);
      nodes -= old.scene.nodes.length;
    }
    houses.set(task.id, house);
    return house;
  };
  const checked = (split: string): string => {
    if (source.splits.includes(split)) return split;
    throw unknownSplit(split, { world: 'VirtualHome', splits: source.splits });
  };
  const plans = options.plans === true;
  return {
    name: 'virtualhome',
    splits: source.splits,
    digest: (split) => hashJson(['virtualhome', source.digest(checked(split)), { ...completeRules(options) }]),
    tasks: (split) => source.tasks(checked(split)),
    reset: (task) => openEpisode(houseOf(task)),
    step: (task, state, action) => stepEpisode(houseOf(task), state, action),
    admissible: (task, state) => admissible(houseOf(task), state),
    ...(plans ? planning(houseOf) : options.leakIds === false ? {} : guided(houseOf)),
  };
}

type Guidance = Pick<Environment<VirtualhomeState>, 'expert' | 'remaining'>;

function planning(houseOf: (task: Task) => House): Guidance {
  return {
    expert: (task) => createPlanner(houseOf(task)),
    remaining: (task, state) => planLength(houseOf(task), state),
  };
}

/** With ids hidden there is none: a recording is about its own instances, which a name may not mean then. */
function guided(houseOf: (task: Task) => House): Guidance {
  return {
    expert: (task) => createGuide(houseOf(task)),
    remaining: (task, state) => courseToGoal(houseOf(task), state)?.length ?? Number.POSITIVE_INFINITY,
  };
}
