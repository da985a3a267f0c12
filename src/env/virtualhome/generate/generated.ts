/**
 * Households made here, in VirtualHome's own format and played by the same code: deterministic in (seed, split, index), made when asked for.
 * Training and seen tasks share homes; unseen tasks have homes of their own, and one in four kinds of errand is kept for them. Every
 * task has been solved by the planner.
 */
import { badInput } from '../../../base/error.ts';
import { hashJson } from '../../../base/hash.ts';
import { createRng } from '../../../base/rng.ts';
import type { Task } from '../../environment.ts';
import type { Household, HouseholdSource } from '../household.ts';
import { parseAction } from '../parse.ts';
import { nextAction } from '../plan.ts';
import { openEpisode, openHouse, stepEpisode } from '../play.ts';
import { compileScene } from '../scene.ts';
import { activities, type Errand, fits, keyOf } from './activity.ts';
import type { HouseholdSize } from './catalogue.ts';
import { drawHousehold } from './draw.ts';
import { drawHomes, type Home } from './home.ts';

/** Options of {@link openGenerated}. */
export interface GenerateOptions {
  /** Seed of the whole world. */
  readonly seed: number;
  /** Number of tasks per split. */
  readonly counts: { readonly train: number; readonly valid_seen: number; readonly valid_unseen: number };
  /** How rich households are. Default `small`. */
  readonly size?: HouseholdSize;
  /** Homes seen in training, and kept unseen. Default 48 and 12. */
  readonly homes?: { readonly train: number; readonly unseen: number };
}

/** Changes whenever the same options give other tasks. */
export const generatorVersion = 1;

/** Longest plan a task may need, in actions. */
const planLimit = 20;

interface Quest {
  readonly activity: string;
  readonly errand: Errand;
  readonly home: Home;
}

/** Opens a generated world. @throws {SpaError} If a number is not a whole number from 0 (bad input). */
export function openGenerated(options: GenerateOptions): HouseholdSource {
  const { seed, size = 'small', homes = { train: 48, unseen: 12 } } = options;
  const { train, valid_seen, valid_unseen } = options.counts; // named, so that stray keys do not reach the digest
  const counts: Readonly<Record<string, number>> = { train, valid_seen, valid_unseen };
  assertCounts({ seed, ...counts, 'homes.train': homes.train, 'homes.unseen': homes.unseen });
  const all = drawHomes({ seed, size, homes });
  const quests = new Map<string, Quest>();
  const listings = new Map<string, readonly Task[]>();
  const list = (split: string): readonly Task[] => {
    const isUnseen = split === 'valid_unseen';
    const pool = all.filter((home) => home.isUnseen === isUnseen);
    return Array.from({ length: counts[split] ?? 0 }, (_, index) => {
      const quest = drawQuest({ seed, size, split, index }, pool);
      const id = `${split}/${quest.activity.replaceAll(' ', '-')}-${quest.home.number}/G${seed}_${index.toString().padStart(6, '0')}`;
      quests.set(id, quest);
      return { id, split, type: quest.activity };
    });
  };
  const tasks = (split: string): readonly Task[] => {
    const known = listings.get(split) ?? list(split);
    listings.set(split, known);
    return known;
  };
  return {
    splits: Object.keys(counts),
    tasks,
    read: (task) => {
      tasks(task.split);
      const quest = quests.get(task.id);
      if (quest === undefined)
        throw new RangeError(`Cannot generate household "${task.id}": it is not a task of this world, expected one`);
      return makeHousehold(task, quest, size);
    },
    digest: (split) =>
      hashJson(['virtualhome generated', generatorVersion, { seed, size, homes, split, count: counts[split] ?? 0 }]),
  };
}

function assertCounts(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isInteger(value) && value >= 0) continue;
    throw badInput(
      'environment',
      `Cannot generate VirtualHome tasks: ${name} is ${value}, expected a whole number from 0`,
    );
  }
}

/** Tells whether an errand is kept for unseen tasks: one in four, by what it asks for and not by its words. */
function isReserved(activity: string, errand: Errand): boolean {
  return Number.parseInt(hashJson(keyOf(activity, errand)).slice(0, 8), 16) % 4 === 0;
}

function drawQuest(
  {
    split,
    index,
    ...world
  }: { readonly seed: number; readonly size: string; readonly split: string; readonly index: number },
  pool: readonly Home[],
): Quest {
  const rng = createRng(['virtualhome quest', world.seed, world.size, split, index]);
  const names = Object.keys(activities);
  const inTurn = names.map((_, offset) => names[(index + offset) % names.length]!);
  const activity = inTurn.find((name) => pool.some((home) => fits(name, home))) ?? inTurn[0]!; // some home lacks a stereo
  const homes = pool.filter((home) => fits(activity, home));
  for (let attempt = 0; attempt < 1000 && homes.length > 0; attempt++) {
    const home = rng.pick(homes);
    const errand = activities[activity]!.draw({ home, rng });
    if (split === 'valid_unseen' || !isReserved(activity, errand)) return { activity, errand, home };
  }
  throw new RangeError(
    `Cannot draw a task "${activity}" of ${split}: none of ${pool.length} homes allows one, expected more homes`,
  );
}

/** Draws placements until the planner solves the task; the errand stays. */
function makeHousehold(task: Task, { activity, errand, home }: Quest, size: HouseholdSize): Household {
  for (let attempt = 0; attempt < 100; attempt++) {
    const rng = createRng(['virtualhome household', size, task.id, attempt]);
    const { graph, goal, description } = drawHousehold(errand, { home, size, rng });
    const bare = { task: activity, description, id: task.id, revised_graph: goal, object_id_dict: {} };
    const actions = solve({ record: bare, graph }, task.id);
    if (actions === undefined) continue;
    const classes = new Set(actions.flatMap((action) => parseAction(action).args));
    const ids = graph.nodes.filter((node) => classes.has(node.class_name)).map((node) => [node.class_name, node.id]);
    return { record: { ...bare, action_list: actions, object_id_dict: Object.fromEntries(ids) }, graph };
  }
  throw new Error(`Internal: the planner solves no placement of generated task "${task.id}"`);
}

/** Returns the planner's solution, or undefined if there is none, nothing to do, or too much. */
function solve(household: Household, seed: string): string[] | undefined {
  const house = openHouse(household, { scene: compileScene(household.graph), seed, rules: {} });
  let { state } = openEpisode(house);
  const actions: string[] = [];
  while (actions.length < planLimit) {
    const action = nextAction(house, state);
    if (action === undefined) return undefined;
    const turn = stepEpisode(house, state, action);
    if (!turn.grounded) return undefined;
    actions.push(action);
    if (turn.success) return actions;
    state = turn.state;
  }
  return undefined;
}
