/**
 * Compiles the text of a game into index tables, once per task. Objects, receptacles and locations are numbered in ascending order
 * of their ids, which is the order of every list the game prints; entities no initial fact mentions come last and have no name.
 */
import { type Dialect, readDialect } from './dialect.ts';
import { type Changing, compileGoal, type Facts, type Goal } from './goal.ts';
import { nameEntities } from './name.ts';
import { type Problem, parseProblem, type Rules, readRules } from './problem.ts';
import { type AlfworldState, bitsOf, isIn, isNear, type Layout, property } from './state.ts';

/** Unchanging traits of an object, as bits. */
export const trait = {
  pickupable: 1,
  cleanable: 2,
  heatable: 4,
  coolable: 8,
  toggleable: 16,
  sliceable: 32,
  container: 64,
  knife: 128,
} as const;

/** Unchanging traits of a receptacle, as bits. */
export const appliance = { openable: 1, cleans: 2, heats: 4, cools: 8 } as const;

/** A compiled game. */
export interface Game extends Layout {
  readonly dialect: Dialect;
  /** Names of objects that have one. */
  readonly objects: readonly string[];
  /** Names of receptacles that have one. */
  readonly receptacles: readonly string[];
  /** Names of locations that have one. */
  readonly locations: readonly string[];
  readonly objectOf: ReadonlyMap<string, number>;
  readonly receptacleOf: ReadonlyMap<string, number>;
  /** Class of each object, e.g. `apple`, from its type. */
  readonly objectClass: readonly string[];
  /** Class of each receptacle. */
  readonly receptacleClass: readonly string[];
  /** Location of each receptacle, -1 for none. */
  readonly locationOf: Int32Array;
  /** Receptacles at each location, ascending. */
  readonly receptaclesAt: readonly (readonly number[])[];
  readonly traits: Uint8Array;
  readonly appliances: Uint8Array;
  /** 1 at r * O + o if receptacle r accepts object o. */
  readonly accepts: Uint8Array;
  readonly objectCount: number;
  /** True if a thing can be examined where it lies; false: only in hand. */
  readonly examinesInReach: boolean;
  /** Objects lying inside each object that is a container, ascending. */
  readonly inside: readonly (readonly number[])[];
  /** Every `go to` command, sorted, with the location it leads to. */
  readonly destinations: readonly { readonly command: string; readonly location: number }[];
  /** Sentences about receptacles as they are at the start, filled in when first asked for. */
  readonly firstViews: (string | undefined)[];
  readonly initial: AlfworldState;
  readonly goal: Goal;
}

/** The content of `game.tw-pddl`. */
export interface GameText {
  readonly pddl_domain: string;
  readonly grammar: string;
  readonly pddl_problem: string;
}

/**
 * Compiles a game.
 * @throws {SyntaxError} If its problem or grammar cannot be read.
 */
export function compileGame(text: GameText): Game {
  return compileProblem(parseProblem(text.pddl_problem), readRules(text.pddl_domain), readDialect(text.grammar));
}

/** Ids of one type: those that facts mention first, each group ascending. */
interface Entities {
  readonly ids: readonly string[];
  readonly index: ReadonlyMap<string, number>;
}

/** A problem with its entities numbered. */
interface Indexed {
  readonly problem: Problem;
  readonly factsOf: (predicate: string) => readonly (readonly string[])[];
  readonly mentioned: ReadonlySet<string>;
  readonly objects: Entities;
  readonly receptacles: Entities;
  readonly locations: Entities;
}

type Pair = readonly [number, number];

function indexProblem(problem: Problem): Indexed {
  const mentioned = new Set(problem.facts.flatMap((fact) => fact.slice(1)));
  const byPredicate = groupBy(problem.facts, (fact) => fact[0]!);
  const entitiesOf = (type: string): Entities => {
    const declared = [...problem.types].filter(([, other]) => other === type).map(([id]) => id);
    const ids = declared.sort((a, b) => Number(mentioned.has(b)) - Number(mentioned.has(a)) || (a < b ? -1 : 1));
    return { ids, index: new Map(ids.map((id, i) => [id, i])) };
  };
  return {
    problem,
    factsOf: (predicate) => byPredicate.get(predicate) ?? [],
    mentioned,
    objects: entitiesOf('object'),
    receptacles: entitiesOf('receptacle'),
    locations: entitiesOf('location'),
  };
}

function compileProblem(problem: Problem, rules: Rules, dialect: Dialect): Game {
  const indexed = indexProblem(problem);
  const { objects, receptacles, locations, factsOf, mentioned } = indexed;
  const names = nameEntities(mentioned);
  const namesOf = (kind: Entities): string[] => kind.ids.filter((id) => mentioned.has(id)).map((id) => names.get(id)!);
  const [objectNames, receptacleNames] = [namesOf(objects), namesOf(receptacles)];
  const objectTypes = typesOf(objects, factsOf('objecttype'));
  const receptacleTypes = typesOf(receptacles, factsOf('receptacletype'));
  const layout = layoutOf(indexed);
  const places = pairsOf(factsOf('receptacleatlocation'), receptacles, locations);
  const locationOf = new Int32Array(receptacles.ids.length).fill(-1);
  for (const [r, l] of places) if (locationOf[r] === -1) locationOf[r] = l;
  return {
    ...layout,
    dialect,
    objects: objectNames,
    receptacles: receptacleNames,
    locations: namesOf(locations),
    objectOf: new Map(objectNames.map((name, o) => [name, o])),
    receptacleOf: new Map(receptacleNames.map((name, r) => [name, r])),
    objectClass: objectTypes.map(classOf),
    receptacleClass: receptacleTypes.map(classOf),
    locationOf,
    receptaclesAt: listsOf(locations.ids.length, places.map(swap)),
    traits: traitsOf(indexed, objectTypes, rules),
    appliances: appliancesOf(indexed, receptacleTypes, rules),
    accepts: acceptance(objectTypes, receptacleTypes, factsOf('cancontain')),
    objectCount: objects.ids.length,
    examinesInReach: rules.examinesInReach,
    inside: listsOf(objects.ids.length, pairsOf(factsOf('inreceptacleobject'), objects, objects).map(swap)),
    destinations: receptacleNames
      .map((name, r) => ({ command: `go to ${name}`, location: locationOf[r]! }))
      .filter(({ location }) => location >= 0)
      .sort((a, b) => (a.command < b.command ? -1 : 1)),
    firstViews: [],
    initial: initialOf(indexed),
    goal: compileGoal(problem.goal, factTable(indexed, layout)),
  };
}

function layoutOf({ objects, receptacles, locations, factsOf }: Indexed): Layout {
  const locationCount = locations.ids.length;
  const nearby = pairsOf(factsOf('objectatlocation'), objects, locations);
  return {
    receptacleCount: receptacles.ids.length,
    locationCount,
    contents: listsOf(receptacles.ids.length, pairsOf(factsOf('inreceptacle'), objects, receptacles).map(swap)),
    places: new Set(nearby.map(([o, l]) => o * locationCount + l)),
    bits: flagsOf(objects, factsOf, propertyPredicates),
  };
}

function initialOf({ objects, receptacles, locations, factsOf }: Indexed): AlfworldState {
  const opened = flagsOf(receptacles, factsOf, { opened: 1 });
  return {
    at: locations.index.get(factsOf('atlocation')[0]?.[2] ?? '') ?? -1,
    held: objects.index.get(factsOf('holds')[0]?.[2] ?? '') ?? -1,
    open: [...opened.keys()].filter((r) => opened[r] === 1),
    placed: [],
    taken: [],
    near: [],
    far: [],
    bits: [],
    won: false,
  };
}

type Types = readonly (readonly string[])[];

function traitsOf({ objects, factsOf }: Indexed, types: Types, rules: Rules): Uint8Array {
  const traits = flagsOf(objects, factsOf, traitPredicates);
  types.forEach((own, o) => {
    if (own.some((type) => rules.slice.includes(type))) traits[o]! |= trait.knife;
  });
  return traits;
}

function appliancesOf({ receptacles, factsOf }: Indexed, types: Types, rules: Rules): Uint8Array {
  const appliances = flagsOf(receptacles, factsOf, { openable: appliance.openable });
  types.forEach((own, r) => {
    if (own.some((type) => rules.clean.includes(type))) appliances[r]! |= appliance.cleans;
    if (own.some((type) => rules.heat.includes(type))) appliances[r]! |= appliance.heats;
    if (own.some((type) => rules.cool.includes(type))) appliances[r]! |= appliance.cools;
  });
  return appliances;
}

/** Returns the two arguments of facts as indices, leaving out facts about anything else. */
function pairsOf(facts: readonly (readonly string[])[], a: Entities, b: Entities): Pair[] {
  return facts.flatMap((fact): Pair[] => {
    const [x, y] = [a.index.get(fact[1] ?? ''), b.index.get(fact[2] ?? '')];
    return x === undefined || y === undefined ? [] : [[x, y]];
  });
}

function swap([a, b]: Pair): Pair {
  return [b, a];
}

/** Returns for each first index the second ones, ascending, each once. */
function listsOf(count: number, pairs: readonly Pair[]): readonly (readonly number[])[] {
  const lists = Array.from({ length: count }, (): number[] => []);
  for (const [key, value] of pairs) if (!lists[key]!.includes(value)) lists[key]!.push(value);
  return lists.map((list) => list.sort((a, b) => a - b));
}

/** Returns the bits of the unary predicates that hold of each entity. */
function flagsOf(kind: Entities, factsOf: Indexed['factsOf'], bits: Readonly<Record<string, number>>): Uint8Array {
  const result = new Uint8Array(kind.ids.length);
  for (const [predicate, bit] of Object.entries(bits)) {
    for (const fact of factsOf(predicate)) {
      const i = kind.index.get(fact[1] ?? '');
      if (i !== undefined) result[i]! |= bit;
    }
  }
  return result;
}

/** Groups items by a key, keeping their order. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

const traitPredicates = {
  pickupable: trait.pickupable,
  cleanable: trait.cleanable,
  heatable: trait.heatable,
  coolable: trait.coolable,
  toggleable: trait.toggleable,
  sliceable: trait.sliceable,
  isreceptacleobject: trait.container,
};

const propertyPredicates = {
  isclean: property.clean,
  ishot: property.hot,
  iscool: property.cool,
  ison: property.on,
  istoggled: property.toggled,
  issliced: property.sliced,
};

function typesOf(kind: Entities, facts: readonly (readonly string[])[]): Types {
  const types = kind.ids.map((): string[] => []);
  for (const fact of facts) types[kind.index.get(fact[1] ?? '') ?? -1]?.push(fact[2] ?? '');
  return types;
}

/** `appletype` → `apple`. */
function classOf(types: readonly string[]): string {
  const name = (types[0] ?? '').replace(/type$/, '');
  return Buffer.from(name).toString(); // a copy: a slice would keep the whole problem in memory
}

function acceptance(objectTypes: Types, receptacleTypes: Types, facts: readonly (readonly string[])[]): Uint8Array {
  const allowed = new Set(facts.map((fact) => `${fact[1]} ${fact[2]}`));
  const accepts = new Uint8Array(receptacleTypes.length * objectTypes.length);
  receptacleTypes.forEach((into, r) => {
    objectTypes.forEach((what, o) => {
      if (into.some((a) => what.some((b) => allowed.has(`${a} ${b}`)))) accepts[r * objectTypes.length + o] = 1;
    });
  });
  return accepts;
}

/** Gives goals their facts: entities of all types get one numbering; changing predicates look their own index up. */
function factTable({ problem, objects, receptacles, locations }: Indexed, layout: Layout): Facts {
  const ids = [...problem.types.keys()];
  const entity = new Map(ids.map((id, i) => [id, i]));
  const localOf = (kind: Entities): number[] => ids.map((id) => kind.index.get(id) ?? -1);
  const byType = groupBy([...ids.keys()], (i) => problem.types.get(ids[i]!)!);
  const width = ids.length + 2;
  const constant = new Map<string, Set<number>>();
  for (const [predicate, a, b] of problem.facts) {
    const known = constant.get(predicate!) ?? new Set();
    known.add(pairKey(entity.get(a ?? '') ?? -1, entity.get(b ?? '') ?? -1, width));
    constant.set(predicate!, known);
  }
  const changing = changingPredicates(layout, localOf(objects), {
    receptacle: localOf(receptacles),
    location: localOf(locations),
  });
  return {
    entity: (name) => entity.get(name),
    ofType: (type) => byType.get(type) ?? [],
    changing: (predicate) => (Object.hasOwn(changing, predicate) ? changing[predicate] : undefined),
    constant: (predicate) => membership(constant.get(predicate) ?? new Set(), width),
  };
}

/** Entities are numbered from 0; -1 and -2 stand for none and unknown. */
function pairKey(a: number, b: number, width: number): number {
  return (a + 2) * width + b + 2;
}

function membership(known: ReadonlySet<number>, width: number): (a: number, b: number) => boolean {
  return (a, b) => known.has(pairKey(a, b, width));
}

/** Predicates that actions change, over the numbering of all entities. */
function changingPredicates(
  layout: Layout,
  object: readonly number[],
  { receptacle, location }: { readonly receptacle: readonly number[]; readonly location: readonly number[] },
): Readonly<Record<string, Changing>> {
  const changing: Record<string, Changing> = {
    atlocation: { test: (state, _, l) => location[l] === state.at, reads: ['at'] },
    opened: { test: (state, r) => state.open.includes(receptacle[r] ?? -1), reads: ['open'] },
    inreceptacle: {
      test: (state, o, r) => isIn(layout, state, object[o] ?? -1, receptacle[r] ?? -1),
      reads: ['placed', 'taken'],
    },
    objectatlocation: {
      test: (state, o, l) => isNear(layout, state, object[o] ?? -1, location[l] ?? -1),
      reads: ['near', 'far'],
    },
    holds: { test: (state, _, o) => state.held >= 0 && object[o] === state.held, reads: ['held'] },
    holdsany: { test: (state) => state.held >= 0, reads: ['held'] },
  };
  for (const [predicate, bit] of Object.entries(propertyPredicates)) {
    changing[predicate] = { test: (state, o) => (bitsOf(layout, state, object[o] ?? -1) & bit) !== 0, reads: ['bits'] };
  }
  return changing;
}
