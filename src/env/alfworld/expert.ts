/**
 * The scripted expert: looks where things usually are, remembers what it saw, and plays on from any state, also after actions that
 * were not its own. Rewritten from the behaviour of alfworld/alfworld@0.3.3 agents/expert/handcoded_expert{,_tw}.py (`HandCodedTWAgent`);
 * unlike it, this one sees only what an agent sees, and answers a refused plan with another command instead of repeating it.
 */
import { createRng } from '../../base/rng.ts';
import type { Expert, ExpertTurn } from '../environment.ts';
import { classOfName, createMemory, type Memory, remember } from './expert-memory.ts';
import { homes, openable } from './home.ts';
import { type TaskParams, treatments } from './task.ts';

/** What the expert believes before it has seen anything. */
export interface Beliefs {
  /** Object class to the receptacle classes it is usually found in. */
  readonly homes: Readonly<Record<string, readonly string[]>>;
  /** Receptacle classes with a door. */
  readonly openable: readonly string[];
  /** Classes searched for as receptacles, although objects; the original has some of these. */
  readonly receptacles: readonly string[];
}

/** Our own beliefs. */
export const ownBeliefs: Beliefs = { homes, openable, receptacles: [] };

/** How an expert plays. */
export interface ExpertOptions {
  /** Which of several equal choices is taken: the first, or a seeded one. */
  readonly choice: 'first' | { readonly seed: string };
  readonly beliefs?: Beliefs;
  /** `none`: say what the original would say, also where the world will refuse it. Default `refused`: say something that works. */
  readonly repair?: 'refused' | 'none';
}

type Subgoal =
  | { readonly kind: 'find' | 'take' | 'put' | 'use'; readonly what: string }
  | { readonly kind: 'goto'; readonly what: string }
  | { readonly kind: 'clean' | 'heat' | 'cool'; readonly what: string };

interface Mind {
  readonly params: TaskParams;
  readonly beliefs: Beliefs;
  readonly memory: Memory;
  readonly pick: <T>(items: readonly T[]) => T | undefined;
  /** False to keep the original's mistakes. */
  readonly isMending: boolean;
}

/** Creates an expert for one episode of a task. */
export function createExpert(params: TaskParams, options: ExpertOptions): Expert {
  const beliefs = options.beliefs ?? ownBeliefs;
  const rng = options.choice === 'first' ? undefined : createRng(['expert', options.choice.seed]);
  const pick = <T>(items: readonly T[]): T | undefined =>
    items.length < 2 ? items[0] : rng === undefined ? items[0] : rng.pick(items);
  const mind: Mind = { params, beliefs, memory: createMemory(), pick, isMending: options.repair !== 'none' };
  return {
    act: (turn) => {
      const isOpenable = (receptacleClass: string): boolean =>
        mind.isMending ? turn.observation.includes('closed') : beliefs.openable.includes(receptacleClass);
      remember(mind.memory, turn, { params, isOpenable });
      const action = mind.isMending ? decideWell(mind, turn) : decide(mind, turn);
      if (action === turn.lastAction) return pick(turn.admissible) ?? action;
      return action;
    },
  };
}

/** Chooses what to do next from what is true now, not from what was done before. */
function subgoalOf(mind: Mind, turn: ExpertTurn): Subgoal {
  const { params, memory } = mind;
  const { object, target } = params;
  const plain = turn.admissible.map((command) => command.replace(/\d+/g, '').replace(/\s+/g, ' ').trim());
  const isHolding = memory.held !== undefined && classOfName(memory.held) === object;
  const anchor = anchorOf(mind);
  const canPut =
    (anchor === undefined ? memory.current.includes(target) : memory.current === anchor) &&
    (plain.includes(`put ${object} in/on ${target}`) || plain.includes(`move ${object} to ${target}`));
  const treatment = treatments[params.type];
  if (isHolding) {
    if (params.type === 'look_at_obj_in_light')
      return { kind: plain.includes(`use ${target}`) ? 'use' : 'find', what: target };
    if (treatment !== undefined && !memory.treated.has(`${treatment.verb} ${memory.held}`)) {
      if (plain.includes(`${treatment.verb} ${object} with ${treatment.device}`))
        return { kind: treatment.verb, what: object };
      return { kind: 'goto', what: treatment.device };
    }
    return { kind: canPut ? 'put' : 'find', what: target };
  }
  const text = memory.textAt.get(memory.current) ?? '';
  const canTake = plain.some((command) => command.includes(`take ${object}`)) && text.includes(` ${object} `);
  const isTaking = canTake && !(params.type === 'pick_two_obj_and_place' && wouldUndo(mind, turn));
  return { kind: isTaking ? 'take' : 'find', what: object };
}

/** The receptacle where the second of two objects belongs: where the first one is. */
function anchorOf({ memory, isMending }: Mind): string | undefined {
  const [first] = memory.settled;
  return first === undefined || !isMending ? undefined : memory.placeOf.get(first);
}

/** Tells whether the object that could be taken is the one already in its place. */
function wouldUndo({ params, memory, isMending }: Mind, turn: ExpertTurn): boolean {
  if (isMending) {
    const others = [...memory.visible].filter(([, objectClass]) => objectClass === params.object);
    return !others.some(([name]) => turn.admissible.includes(`take ${name} from ${memory.current}`));
  }
  const inside = [...memory.placeOf]
    .filter(([object, place]) => classOfName(object) === params.object && classOfName(place) === params.target)
    .map(([object, place]) => ({ object, key: `${object} ${place}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return inside[0] !== undefined && turn.admissible.some((command) => command.includes(`take ${inside[0]!.object}`));
}

function decide(mind: Mind, turn: ExpertTurn): string {
  const { memory } = mind;
  const subgoal = subgoalOf(mind, turn);
  const ofInterest = [...memory.visible]
    .filter(([, objectClass]) => objectClass === subgoal.what)
    .map(([name]) => name);
  const isClosed = turn.observation.includes('closed') && !memory.isChecked;
  switch (subgoal.kind) {
    case 'find': {
      const search = find(mind, turn, { what: subgoal.what, isInSight: ofInterest.length > 0 });
      return search ?? lookCloser(mind, turn);
    }
    case 'goto':
      memory.toCheck = [];
      return `go to ${receptaclesOf(mind, deviceIn(mind, subgoal.what))[0] ?? ''}`;
    case 'take': {
      memory.toCheck = [];
      if (isClosed && memory.visible.size === 0) return `open ${memory.current}`;
      if (ofInterest.length === 0) return `examine ${memory.current}`;
      return `take ${mind.pick(ofInterest)} from ${memory.current}`;
    }
    case 'put': {
      memory.toCheck = [];
      if (isClosed) return `open ${memory.current}`;
      return turn.admissible.find((command) => isPutting(command) && command.endsWith(` ${memory.current}`)) ?? '';
    }
    case 'use':
      memory.toCheck = [];
      if (memory.visible.size === 0) return `examine ${memory.current}`;
      return ofInterest.length > 0 ? `use ${mind.pick(ofInterest)}` : anyUse(turn, subgoal.what);
    case 'clean':
    case 'heat':
    case 'cool':
      memory.toCheck = [];
      return `${subgoal.kind} ${memory.held} with ${memory.current}`;
    default:
      return subgoal satisfies never;
  }
}

/** Searches for a class of object or receptacle; undefined if it is at hand. */
function find(
  mind: Mind,
  turn: ExpertTurn,
  goal: { readonly what: string; readonly isInSight: boolean },
): string | undefined {
  const { memory, params } = mind;
  const { what } = goal;
  const isHoldingWrong = memory.held !== undefined && classOfName(memory.held) !== params.object;
  if (
    memory.seenAt.get(what) === memory.current &&
    !goal.isInSight &&
    turn.lastAction === `examine ${memory.current}`
  ) {
    memory.seenAt.delete(what); // somebody moved it
  }
  const anchor = what === params.target ? anchorOf(mind) : undefined;
  const isPlace = anchor === undefined ? classOfName(memory.current) === what : memory.current === anchor;
  const isThere = memory.seenAt.get(what) === memory.current || isPlace;
  if (goal.isInSight || (isThere && memory.isChecked && memory.current !== '' && !isHoldingWrong)) {
    memory.toCheck = [];
    memory.backlog = [];
    return undefined;
  }
  planSearch(mind, what);
  if (memory.isChecked) memory.toCheck = memory.toCheck.filter((name) => name !== memory.current);
  if (isHoldingWrong) {
    if (memory.current !== memory.origin) return `go to ${memory.origin}`;
    return turn.admissible.find((command) => isPutting(command) && command.endsWith(` ${memory.origin}`)) ?? '';
  }
  if (!memory.seenAt.has(what) && turn.observation.includes('closed') && !memory.isChecked)
    return `open ${memory.current}`;
  return memory.backlog.pop() ?? `go to ${memory.toCheck.at(-1) ?? ''}`;
}

function planSearch(mind: Mind, what: string): void {
  const { memory, beliefs } = mind;
  const remembered =
    what === mind.params.target ? (anchorOf(mind) ?? memory.seenAt.get(what)) : memory.seenAt.get(what);
  if (remembered !== undefined) {
    memory.toCheck = [remembered];
    return;
  }
  if (memory.toCheck.length > 0) return;
  const all = [...memory.receptacles.keys()];
  const isReceptacle = beliefs.receptacles.includes(what) || (what === mind.params.target && !what.includes('lamp'));
  if (isReceptacle) {
    memory.toCheck = receptaclesOf(mind, what);
  } else {
    const likely = all.filter((name) => beliefs.homes[what]?.includes(classOfName(name)));
    memory.toCheck = [...all.filter((name) => !likely.includes(name)), ...likely];
  }
  if (memory.toCheck.length === 0) memory.toCheck = all;
  if (mind.isMending && !isReceptacle) {
    const isSeen = (name: string): boolean => memory.inspected.has(name);
    memory.toCheck = [...memory.toCheck.filter(isSeen), ...memory.toCheck.filter((name) => !isSeen(name))];
  }
}

function receptaclesOf({ memory }: Mind, receptacleClass: string): string[] {
  return [...memory.receptacles].filter(([, other]) => other === receptacleClass).map(([name]) => name);
}

/** A room without a sinkbasin cleans in the bathtub. */
function deviceIn(mind: Mind, device: string): string {
  return device === 'sinkbasin' && receptaclesOf(mind, device).length === 0 ? 'bathtubbasin' : device;
}

function lookCloser({ memory }: Mind, turn: ExpertTurn): string {
  return `${turn.observation.includes('closed') ? 'open' : 'examine'} ${memory.current}`;
}

function anyUse(turn: ExpertTurn, lamp: string): string {
  return turn.admissible.find((command) => command.startsWith(`use ${lamp} `)) ?? '';
}

function isPutting(command: string): boolean {
  return command.startsWith('put ') || command.startsWith('move ');
}

/** Decides, and mends what the world would refuse. */
function decideWell(mind: Mind, turn: ExpertTurn): string {
  let action = decide(mind, turn);
  while (action.startsWith('close ') && !turn.admissible.includes(action)) action = decide(mind, turn); // tidying up elsewhere: forget it
  if (turn.admissible.includes(action) && action !== turn.lastAction) return action;
  const here = action.replace('go to', 'examine'); // a known place that cannot be gone to is here already
  if (turn.admissible.includes(here) && here !== turn.lastAction) return here;
  return recover(mind, turn) ?? action;
}

/** Chooses another command when the plan cannot be executed: put a wrong object down anywhere, else look elsewhere. */
function recover(mind: Mind, turn: ExpertTurn): string | undefined {
  const { memory, params, pick } = mind;
  if (memory.held !== undefined && classOfName(memory.held) !== params.object) {
    const drop = turn.admissible.filter(isPutting);
    if (drop.length > 0) return pick(drop);
  }
  const elsewhere = turn.admissible.filter((command) => command !== turn.lastAction);
  return pick(elsewhere.filter((command) => /^(go to|open) /.test(command))) ?? pick(elsewhere);
}
