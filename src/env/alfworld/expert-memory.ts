/** What the scripted expert remembers of an episode: only what the agent has been shown. */
import type { ExpertTurn } from '../environment.ts';
import type { TaskParams } from './task.ts';

/** Memory of one episode; changed in place by {@link remember}. */
export interface Memory {
  /** Receptacle name to class, in the order of the opening text. */
  readonly receptacles: Map<string, string>;
  /** Objects in sight: name to class. */
  visible: Map<string, string>;
  /** Where an object of a class was last seen. */
  readonly seenAt: Map<string, string>;
  /** Last description of each receptacle. */
  readonly textAt: Map<string, string>;
  /** Receptacles whose inside has been seen. */
  readonly inspected: Set<string>;
  /** Where each object was last seen. */
  readonly placeOf: Map<string, string>;
  /** Objects that are where they belong. */
  readonly settled: Set<string>;
  /** Objects that have been cleaned, heated or cooled, as `verb object`. */
  readonly treated: Set<string>;
  /** Receptacle the agent is at, empty before the first move. */
  current: string;
  /** True if the inside of the current receptacle has been seen. */
  isChecked: boolean;
  /** Receptacles still to search, taken from the end. */
  toCheck: string[];
  /** Commands that tidy up: `close R`. */
  backlog: string[];
  /** Object in hand. */
  held: string | undefined;
  /** Where the object in hand came from. */
  origin: string;
}

/** Returns an empty memory. */
export function createMemory(): Memory {
  return {
    receptacles: new Map(),
    visible: new Map(),
    seenAt: new Map(),
    textAt: new Map(),
    inspected: new Set(),
    placeOf: new Map(),
    settled: new Set(),
    treated: new Set(),
    current: '',
    isChecked: false,
    toCheck: [],
    backlog: [],
    held: undefined,
    origin: '',
  };
}

/** `apple 2` → `apple`. */
export function classOfName(name: string): string {
  return name.split(' ', 1)[0]!;
}

/** What the memory needs to know of the task. */
export interface Interests {
  readonly params: TaskParams;
  /** Tells whether receptacles of a class have a door. */
  readonly isOpenable: (receptacleClass: string) => boolean;
}

/** Takes in one turn: what the last action did, then what is to be seen. */
export function remember(memory: Memory, turn: ExpertTurn, interests: Interests): void {
  if (turn.lastAction === undefined) {
    for (const name of namesIn(turn.observation)) memory.receptacles.set(name, classOfName(name));
    return;
  }
  track(memory, turn.lastAction, turn.observation, interests);
  observe(memory, turn.observation);
}

function track(memory: Memory, action: string, observation: string, { params, isOpenable }: Interests): void {
  const isRefused = observation.includes('Nothing happens');
  const words = action.trim().split(' ');
  const [thing, place] = [words.slice(1, 3).join(' '), words.slice(-2).join(' ')];
  const isArrival = words[0] === 'go' || (!isRefused && place !== memory.current);
  if (isArrival && memory.receptacles.has(place)) {
    memory.current = place; // a refused move to a known receptacle means that it is here already
    memory.toCheck = memory.toCheck.filter((other) => other !== place);
    memory.isChecked = !isOpenable(classOfName(place)) || observation.includes('open');
  }
  if (isRefused) return;
  switch (words[0]) {
    case 'open':
      memory.isChecked = true;
      memory.backlog.push(`close ${thing}`);
      break;
    case 'close':
      memory.backlog = memory.backlog.filter((command) => command !== action);
      break;
    case 'take':
      memory.held = thing;
      memory.origin = place;
      memory.placeOf.delete(thing);
      memory.settled.delete(thing);
      forget(memory, thing);
      break;
    case 'put':
    case 'move':
      memory.held = undefined;
      memory.origin = '';
      memory.placeOf.set(thing, memory.current);
      forget(memory, thing);
      if (isInPlace(memory, thing, params)) memory.settled.add(thing);
      break;
    case 'clean':
    case 'heat':
    case 'cool':
      memory.treated.add(`${words[0]} ${thing}`);
      if (words[0] === 'heat') memory.treated.delete(`cool ${thing}`);
      if (words[0] === 'cool') memory.treated.delete(`heat ${thing}`);
      break;
    default:
  }
}

/** The first of two objects is in place in any target receptacle, the second only beside the first. */
function isInPlace(memory: Memory, object: string, params: TaskParams): boolean {
  if (params.type !== 'pick_two_obj_and_place') return false;
  if (classOfName(object) !== params.object || classOfName(memory.current) !== params.target) return false;
  const [first] = memory.settled;
  return first === undefined || memory.placeOf.get(first) === memory.current;
}

function forget(memory: Memory, object: string): void {
  memory.seenAt.delete(classOfName(object));
  memory.visible.delete(object);
  const text = memory.textAt.get(memory.current);
  if (text !== undefined) memory.textAt.set(memory.current, text.replaceAll(object, ''));
}

function observe(memory: Memory, text: string): void {
  const observation = text.replace(/^You arrive at \S+ \d+\. /, '');
  if (!/^(On the|The|You open the) /.test(observation)) return;
  const place = /^(?:On the|The|You open the) (\S+ \d+)/.exec(observation)?.[1];
  if (place === undefined || !observation.includes('you see')) return;
  memory.inspected.add(place);
  if (observation.includes('you see nothing')) {
    memory.visible = new Map();
    return;
  }
  memory.textAt.set(place, observation);
  memory.visible = new Map();
  for (const name of namesIn(observation)) {
    memory.placeOf.set(name, place);
    if (!memory.settled.has(name)) memory.visible.set(name, classOfName(name));
  }
  for (const objectClass of memory.visible.values()) memory.seenAt.set(objectClass, place);
}

/** Returns the names listed after `you see`. */
function namesIn(text: string): string[] {
  const list = (text.split(/you see/i).at(-1) ?? '').split('Your task is to', 1)[0]!;
  return [...list.matchAll(/\ba (\S+ \d+)/g)].map((match) => match[1]!);
}
