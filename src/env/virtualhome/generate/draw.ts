/** Draws a household for an errand: a scene graph in VirtualHome's format that leaves everything to be done, and the goal as a record writes it. */
import type { Rng } from '../../../base/rng.ts';
import type { SceneEdge, SceneGraph, SceneNode } from '../graph.ts';
import type { HouseholdGoal } from '../household.ts';
import { type Errand, say } from './activity.ts';
import { carried, decor, furniture, type HouseholdSize, isInside, roomClasses } from './catalogue.ts';
import { furnitureOf, type Home } from './home.ts';

/** A household with something to do. */
export interface DrawnHousehold {
  readonly graph: SceneGraph;
  readonly goal: HouseholdGoal;
  /** The errand's words, and where the person is if not standing. */
  readonly description: string;
}

/** What a household is drawn from. */
export interface DrawOptions {
  readonly home: Home;
  readonly size: HouseholdSize;
  readonly rng: Rng;
}

/** Things besides those of the errand, and the most that lie in or on one piece of furniture. */
const clutter: Readonly<Record<HouseholdSize, { readonly things: number; readonly perPlace: number }>> = {
  small: { things: 7, perPlace: 2 },
  full: { things: 24, perPlace: 4 },
};

/** How often the person starts sitting or lying, and how often a door, plug or switch is not as usual. */
const restingShare = 0.15;
const unusualShare = 0.25;

interface Draft {
  readonly nodes: SceneNode[];
  readonly edges: SceneEdge[];
  readonly idOf: Map<string, number>;
}

/** Draws a household. */
export function drawHousehold(errand: Errand, options: DrawOptions): DrawnHousehold {
  const draft: Draft = { nodes: [], edges: [], idOf: new Map() };
  for (const room of roomClasses) addNode(draft, { class_name: room, category: 'Rooms' });
  for (const { name, room } of furnitureOf(options.home)) {
    const { category, properties } = furniture[name]!; // a name of the catalogue
    addNode(draft, { class_name: name, category, properties, states: statesOf(name, errand, options.rng) });
    relate(draft, name, 'INSIDE', room);
  }
  const resting = addCharacter(draft, options);
  addThings(draft, errand, options);
  addNeighbours(draft, options);
  if (options.size === 'full') addDecor(draft, options);
  return {
    graph: { nodes: draft.nodes, edges: draft.edges },
    goal: goalOf(draft, errand),
    description: `${resting}${errand.description}`,
  };
}

type Part = Pick<SceneNode, 'class_name' | 'category'> & Partial<Pick<SceneNode, 'properties' | 'states'>>;

/** Adds a node and returns its id; the first of a class is the one {@link relate} means. */
function addNode(draft: Draft, { class_name, category, properties = [], states = ['CLEAN'] }: Part): number {
  const id = draft.nodes.length + 1;
  draft.nodes.push({ id, class_name, category, properties, states, prefab_name: null, bounding_box: null });
  if (!draft.idOf.has(class_name)) draft.idOf.set(class_name, id);
  return id;
}

function relate(draft: Draft, from: string, relation: string, to: string): void {
  draft.edges.push(edge(draft, from, relation, to));
}

function edge({ idOf }: Pick<Draft, 'idOf'>, from: string, relation: string, to: string): SceneEdge {
  return { from_id: idOf.get(from)!, relation_type: relation, to_id: idOf.get(to)! }; // both are in the house
}

/** Draws the states of a piece of furniture. What the errand wants on is off and the other way round; what it wants clean is dirty. */
function statesOf(name: string, errand: Errand, rng: Rng): string[] {
  const states = furniture[name]!.states.map(([usual, other]) => {
    const isUnusual = rng.uniform() < unusualShare;
    const isFilled = errand.places?.some(([, place]) => place === name) ?? false;
    if (usual === 'OFF' && isIn(errand.on, name) && !isFilled) return 'OFF';
    if (usual === 'OFF' && isIn(errand.off, name)) return 'ON';
    return isUnusual ? other : usual;
  });
  const working: Readonly<Record<string, string>> = states.includes('ON')
    ? { OPEN: 'CLOSED', PLUGGED_OUT: 'PLUGGED_IN' }
    : {};
  return [...states.map((state) => working[state] ?? state), isIn(errand.clean, name) ? 'DIRTY' : 'CLEAN'];
}

function isIn(names: readonly string[] | undefined, name: string): boolean {
  return names?.includes(name) ?? false;
}

/** Adds the person, standing or not; CLEAN from the start, so that no washing can change them. @returns What the person says about it. */
function addCharacter(draft: Draft, { rng, home }: DrawOptions): string {
  const isResting = rng.uniform() < restingShare;
  const posture = rng.pick(['SITTING', 'LYING']);
  const seat = rng.pick(['bed', ...['couch', 'sofa'].filter((name) => home.furniture[name] !== undefined)]);
  addNode(draft, {
    class_name: 'character',
    category: 'Characters',
    states: isResting ? ['CLEAN', posture] : ['CLEAN'],
  });
  relate(draft, 'character', 'INSIDE', isResting ? home.furniture[seat]! : rng.pick(roomClasses));
  if (!isResting) return '';
  relate(draft, 'character', 'ON', seat);
  for (const [from, to] of [
    ['character', seat],
    [seat, 'character'],
  ] as const)
    relate(draft, from, 'CLOSE', to);
  return `I am ${posture === 'SITTING' ? 'sitting' : 'lying'} on the ${say(seat)}. `;
}

/** Adds the things of the errand, away from where they must go, and others. */
function addThings(draft: Draft, errand: Errand, { home, size, rng }: DrawOptions): void {
  const wanted = new Map(errand.places ?? []);
  const needed = [...new Set([...wanted.keys(), ...(errand.held === undefined ? [] : [errand.held])])];
  const others = rng.shuffle(Object.keys(carried).filter((name) => !needed.includes(name)));
  const load = new Map<string, number>();
  const room = (place: string, most: number): boolean => (load.get(place) ?? 0) < most;
  const { things, perPlace } = clutter[size];
  for (const name of [...needed, ...others.slice(0, things)]) {
    const isNeeded = needed.includes(name);
    const places = carried[name]!.homes.filter(
      (place) => home.furniture[place] !== undefined && place !== wanted.get(name) && !isLyingPlace(errand, place),
    );
    const free = places.filter((place) => room(place, perPlace));
    const choice = free.length > 0 ? free : isNeeded ? places : [];
    if (choice.length === 0 && !isNeeded) continue;
    const place = choice.length > 0 ? rng.pick(choice) : 'sink';
    load.set(place, (load.get(place) ?? 0) + 1);
    const { properties } = carried[name]!;
    const isDirty = isIn(errand.clean, name) ? rng.uniform() < 0.6 : !isNeeded && rng.uniform() < unusualShare;
    addNode(draft, {
      class_name: name,
      category: 'placable_objects',
      properties,
      states: [isDirty ? 'DIRTY' : 'CLEAN'],
    });
    if (!isInside(place)) relate(draft, name, 'INSIDE', home.furniture[place]!);
    relate(draft, name, isInside(place) ? 'INSIDE' : 'ON', place);
  }
}

/** Nothing lies where the person wants to lie: few things fit beside them. */
function isLyingPlace(errand: Errand, place: string): boolean {
  return place === errand.rest?.on;
}

/** Furniture of one room: some pieces are close to each other, and seats often face the television. */
function addNeighbours(draft: Draft, { home, rng }: DrawOptions): void {
  for (const room of roomClasses) {
    const pieces = rng.shuffle(Object.keys(home.furniture).filter((name) => home.furniture[name] === room));
    for (let i = 1; i < pieces.length; i += 3) {
      relate(draft, pieces[i - 1]!, 'CLOSE', pieces[i]!);
      relate(draft, pieces[i]!, 'CLOSE', pieces[i - 1]!);
    }
  }
  for (const seat of ['couch', 'sofa', 'bed']) {
    const isSameRoom = home.furniture[seat] !== undefined && home.furniture[seat] === home.furniture.television;
    if (isSameRoom && rng.int(2) === 0) relate(draft, seat, 'FACING', 'television');
  }
}

/** Adds floors, walls and decoration, each close to some of the furniture of its room. */
function addDecor(draft: Draft, { home, rng }: DrawOptions): void {
  for (const room of roomClasses) {
    const pieces = Object.keys(home.furniture).filter((name) => home.furniture[name] === room);
    for (const [class_name, { category, properties, count }] of Object.entries(decor)) {
      for (let i = 0; i < count; i++) {
        const states = [rng.uniform() < unusualShare ? 'DIRTY' : 'CLEAN'];
        const id = addNode(draft, { class_name, category, properties, states });
        draft.edges.push({ from_id: id, relation_type: 'INSIDE', to_id: draft.idOf.get(room)! });
        for (const name of rng.shuffle(pieces).slice(0, 4)) {
          const to = draft.idOf.get(name)!;
          draft.edges.push({ from_id: id, relation_type: 'CLOSE', to_id: to });
          draft.edges.push({ from_id: to, relation_type: 'CLOSE', to_id: id });
        }
      }
    }
  }
}

/** Writes what must hold at the end, as the records of real tasks do: whole nodes, and edges. */
function goalOf(draft: Draft, errand: Errand): HouseholdGoal {
  const edges = (errand.places ?? []).map(([name, place]) =>
    edge(draft, name, isInside(place) ? 'INSIDE' : 'ON', place),
  );
  const { rest, held } = errand;
  if (held !== undefined) edges.push(edge(draft, 'character', 'HOLDS_RH', held));
  if (rest !== undefined) edges.push(edge(draft, 'character', 'ON', rest.on));
  if (rest?.facing !== undefined) edges.push(edge(draft, 'character', 'FACING', rest.facing));
  const named = [errand.clean, errand.closed, errand.on, errand.off].flatMap((names) => names ?? []);
  const nodes = [...new Set(named)].map((name): SceneNode => {
    const node = draft.nodes[draft.idOf.get(name)! - 1]!; // ids count from 1
    return { ...node, states: node.states.map((state) => finalState(state, name, errand)) };
  });
  if (rest !== undefined)
    nodes.push({ ...draft.nodes[draft.idOf.get('character')! - 1]!, states: ['CLEAN', rest.posture] });
  return { nodes, revised_nodes: [], revised_add_edges: edges };
}

function finalState(state: string, name: string, errand: Errand): string {
  if (state === 'OPEN' && isIn(errand.closed, name)) return 'CLOSED';
  if (state === 'DIRTY' && isIn(errand.clean, name)) return 'CLEAN';
  if (state === 'OFF' && isIn(errand.on, name)) return 'ON';
  if (state === 'PLUGGED_OUT' && isIn(errand.on, name)) return 'PLUGGED_IN';
  if (state === 'ON' && isIn(errand.off, name)) return 'OFF';
  return state;
}
