/** One household being played: it is compiled once, and every step is a function from a state and a text to the next state. */
import type { Opening, Transition } from '../environment.ts';
import { arity, isActionName } from './action.ts';
import { compileGoal, type Goal, isReached } from './goal.ts';
import type { Household, HouseholdTask } from './household.ts';
import { type Names, resolve } from './object-id.ts';
import { observe } from './observe.ts';
import { type Line, parseAction } from './parse.ts';
import { isClose } from './reach.ts';
import { rules } from './rule.ts';
import type { Scene } from './scene.ts';
import { closeState, type Live, openState, untouched, type VirtualhomeState } from './state.ts';

/** Choices the public code makes in a way one may not want. The defaults are the public code, but for what the recordings contradict. */
export interface HouseholdRules {
  /** True: the recorded solution decides which instance each of its class names means, as released. Default true. */
  readonly leakIds?: boolean;
  /**
   * True: the faults of the public code stay in. FIND of something far and PUTOFF are answered with the wrapper's error text, and SITTING and
   * LYING are never noticed. The recordings rule the latter out: it alone loses 13 of their 621 observations and two of the 75 goals;
   * without the faults all are equal. Default false.
   */
  readonly strictHead?: boolean;
  /**
   * True: an action of the world's own that is refused has fixed what its class names mean all the same, as released (`change_obj_index` notes
   * names before anything is executed). False: only what is executed counts. The recordings say nothing about it: none of their 621 actions is
   * refused. Text that is no action, an unknown word or the wrong number of things, notes nothing either way; the public code notes
   * its names too. Default true.
   */
  readonly refusalFixesNames?: boolean;
}

/** Fills in the defaults. */
export function completeRules(rules: HouseholdRules): Required<HouseholdRules> {
  const { leakIds = true, strictHead = false, refusalFixesNames = true } = rules;
  return { leakIds, strictHead, refusalFixesNames };
}

/** A household ready to be played. */
export interface House {
  readonly scene: Scene;
  readonly record: HouseholdTask;
  readonly goal: Goal;
  readonly rules: Required<HouseholdRules>;
  /** What class names mean from the start. */
  readonly given: ReadonlyMap<string, number>;
  /** Seed of choices among equal things, and those drawn so far. */
  readonly seed: string;
  readonly drawn: Map<string, number>;
}

const refused = 'Nothing happens.';
const faulty = "Error Input. Your input must contains 'Action: '";

/** Compiles a household. @param scene Its graph, compiled. */
export function openHouse(
  { record }: Pick<Household, 'record'>,
  { scene, seed, rules: chosen }: { readonly scene: Scene; readonly seed: string; readonly rules: HouseholdRules },
): House {
  const rules = completeRules(chosen);
  return {
    scene,
    record,
    seed,
    drawn: new Map(),
    goal: compileGoal(scene, record.revised_graph),
    given: new Map(rules.leakIds ? Object.entries(record.object_id_dict) : []),
    rules,
  };
}

/** Starts an episode. The released prompt shows no scene, only the task. */
export function openEpisode({ record }: House): Opening<VirtualhomeState> {
  return {
    state: { ...untouched, meant: [], last: -1 },
    observation: `The task is ${record.task}(${record.description}).`,
  };
}

/** Opens a state of a house. */
export function liveOf(house: House, state: VirtualhomeState): Live {
  return openState(house.scene, state, { blindPosture: house.rules.strictHead });
}

/** Opens what a state knows of names. */
export function namesOf({ given, seed, drawn }: House, state: VirtualhomeState): Names {
  return { meant: new Map(state.meant), given, last: state.last, seed, drawn };
}

/** Executes one action. */
export function stepEpisode(house: House, state: VirtualhomeState, text: string): Transition<VirtualhomeState> {
  const line = parseAction(text);
  const live = liveOf(house, state);
  const names = namesOf(house, state);
  const outcome = perform(house, live, { line, nodes: resolve(live, line, names) });
  const success = outcome !== 'fault' && isReached(live, house.goal);
  const grounded = outcome === 'done';
  const isNoted = house.rules.refusalFixesNames && isAction(line);
  return {
    state: grounded ? { ...closeState(live), ...noted(names) } : isNoted ? { ...state, ...noted(names) } : state,
    observation: grounded ? observe(live) : outcome === 'fault' ? faulty : refused,
    reward: success ? 1 : 0,
    done: success,
    success,
    grounded,
  };
}

/** Performs a line on an opened state if it is accepted; otherwise state and names stay as they were. For those who think ahead. */
export function attemptLine(
  house: House,
  live: Live,
  { line, names }: { readonly line: Line; readonly names: Names },
): boolean {
  const trial = { ...names, meant: new Map(names.meant) };
  if (perform(house, live, { line, nodes: resolve(live, line, trial) }) !== 'done') return false;
  for (const [name, id] of trial.meant) names.meant.set(name, id);
  names.last = trial.last;
  return true;
}

function noted({ meant, last }: Names): Pick<VirtualhomeState, 'meant' | 'last'> {
  return { meant: [...meant], last };
}

/** True if a line is one of the world's actions with as many things as it takes. */
function isAction({ name, args }: Line): boolean {
  return isActionName(name) && arity(name) === args.length;
}

/** Performs a line on an opened state: `done`, `refused`, or `fault` where the public code raises and {@link HouseholdRules.strictHead} is set. */
export function perform(
  { rules: { strictHead } }: House,
  live: Live,
  { line: { name, args }, nodes }: { readonly line: Line; readonly nodes: readonly number[] | undefined },
): 'done' | 'refused' | 'fault' {
  if (nodes === undefined || !isActionName(name) || arity(name) !== args.length) return 'refused';
  const close = (node: number): boolean => isClose(live, node);
  const attempt = { live, object: nodes[0] ?? -1, target: nodes[1] ?? -1, close };
  if (strictHead && (name === 'PUTOFF' || (name === 'FIND' && !close(attempt.object)))) return 'fault';
  if (!rules[name].allows(attempt)) return 'refused';
  rules[name].apply?.(attempt);
  return 'done';
}
