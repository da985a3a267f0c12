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

/** Where the public code and the recordings differ. The defaults are what reproduces the recordings. */
export interface HouseholdRules {
  /** True: the recorded solution decides which instance each of its class names means, as released. Default true. */
  readonly leakIds?: boolean;
  /**
   * True: the faults of the public code stay in. FIND of something far and PUTOFF are answered with the wrapper's error text, SITTING and LYING
   * are never noticed, and a refused action still fixes what its names mean. The recordings rule this out: of their 621 observations the
   * second fault alone loses 13 and two of the 75 goals; without the faults all are equal. Default false.
   */
  readonly strictHead?: boolean;
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
  const leakIds = chosen.leakIds ?? true;
  return {
    scene,
    record,
    seed,
    drawn: new Map(),
    goal: compileGoal(scene, record.revised_graph),
    given: new Map(leakIds ? Object.entries(record.object_id_dict) : []),
    rules: { leakIds, strictHead: chosen.strictHead ?? false },
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
  return {
    state: grounded || house.rules.strictHead ? closed(live, names) : state,
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
  const noted = { ...names, meant: new Map(names.meant) };
  if (perform(house, live, { line, nodes: resolve(live, line, noted) }) !== 'done') return false;
  for (const [name, id] of noted.meant) names.meant.set(name, id);
  names.last = noted.last;
  return true;
}

function closed(live: Live, { meant, last }: Names): VirtualhomeState {
  return { ...closeState(live), meant: [...meant], last };
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
