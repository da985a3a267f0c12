/**
 * What each of the 42 actions asks for and does, side by side, one entry per action. A rule that does nothing but be allowed has no `apply`.
 * Source: xavierpuigf/virtualhome@58970fd:virtualhome/simulation/evolving_graph/execution.py, one executor class per rule.
 */
import type { ActionName } from './action.ts';
import { freeHand, isClose, isFacing, isHeld, isShutAway, roomOf } from './reach.ts';
import { bit, rel } from './scene.ts';
import {
  addEdge,
  changeStates,
  deleteEdge,
  detach,
  hasEdge,
  hasProperty,
  held,
  type Live,
  postureOf,
  sources,
  statesOf,
  targets,
  targetsInSetOrder,
} from './state.ts';

/** What a rule is asked about. */
export interface Attempt {
  readonly live: Live;
  /** First object, or -1 for an action without one. */
  readonly object: number;
  /** Second object, or -1. */
  readonly target: number;
  /** What {@link isClose} says of a node, possibly known beforehand. */
  readonly close: (node: number) => boolean;
}

/** One action: whether it may be done now, and what it changes. */
export interface Rule {
  readonly allows: (attempt: Attempt) => boolean;
  readonly apply?: (attempt: Attempt) => void;
}

const squeezable = new Set(
  'cleaning_solution tooth_paste shampoo food_peanut_butter dish_soap soap towel rag paper sponge food_lemon check'.split(
    ' ',
  ),
);
const seats: Readonly<Record<string, number>> = { couch: 4, bed: 4, loveseat: 2, sofa: 4, pianobench: 2, bench: 2 };
const berths: Readonly<Record<string, number>> = { couch: 2, bathtub: 2, bed: 3, loveseat: 2, sofa: 2, bench: 1 };

const is = ({ live, object }: Attempt, state: keyof typeof bit): boolean => (statesOf(live, object) & bit[state]) !== 0;
const can = ({ live, object }: Attempt, property: string): boolean => hasProperty(live, object, property);
const classOf = ({ live }: Attempt, node: number): string => live.scene.nodes[node]!.class_name;
const hasHand = ({ live }: Attempt): boolean => freeHand(live) !== -1;
const near = (attempt: Attempt): boolean => attempt.close(attempt.object);
const holds = ({ live, object }: Attempt): boolean => isHeld(live, object);
const hasRoom = (a: Attempt, places: Readonly<Record<string, number>>): boolean =>
  sources(a.live, rel.ON, a.object).length <
  ((Object.hasOwn(places, classOf(a, a.object)) ? places[classOf(a, a.object)] : undefined) ?? 1);
const opens = (a: Attempt): boolean => can(a, 'CAN_OPEN') || ['desk', 'window'].includes(classOf(a, a.object));

function beClose(live: Live, node: number): void {
  addEdge(live, rel.CLOSE, live.scene.character, node);
  addEdge(live, rel.CLOSE, node, live.scene.character);
}

function letGo(live: Live, node: number): void {
  deleteEdge(live, rel.HOLDS_RH, live.scene.character, node);
  deleteEdge(live, rel.HOLDS_LH, live.scene.character, node);
}

const change =
  (take: keyof typeof bit, give: keyof typeof bit) =>
  ({ live, object }: Attempt): void =>
    changeStates(live, object, { take: bit[take], give: bit[give] });

/** WALK, RUN. What is carried ends up inside the room it came *from*: the reference looks the room up before it moves. */
const walk: Rule = {
  allows: ({ live, object }) =>
    postureOf(live) === 0 && roomOf(live, live.scene.character) !== -1 && roomOf(live, object) !== -1,
  apply: ({ live, object }) => {
    const { character, isRoom, bodyParts } = live.scene;
    const [from, room, carried] = [roomOf(live, character), roomOf(live, object), held(live)];
    for (const relation of [rel.INSIDE, rel.CLOSE, rel.FACING]) detach(live, relation, character);
    addEdge(live, rel.INSIDE, character, room);
    if (room !== object) {
      for (const box of targets(live, rel.INSIDE, object)) if (isRoom[box] === 0) beClose(live, box);
      for (const part of bodyParts) beClose(live, part);
      beClose(live, object);
    }
    for (const node of carried)
      for (const relation of [rel.INSIDE, rel.CLOSE, rel.FACING]) detach(live, relation, node);
    for (const node of carried) {
      beClose(live, node);
      addEdge(live, rel.INSIDE, node, from);
    }
    if (hasProperty(live, object, 'CAN_OPEN'))
      for (const node of sources(live, rel.INSIDE, object)) beClose(live, node);
    for (const below of targets(live, rel.ON, object)) beClose(live, below);
  },
};

const mustBeNear = (a: Attempt): boolean =>
  near(a) ||
  hasEdge(a.live, rel.ON, a.object, a.live.scene.character) ||
  can(a, 'BODY_PART') ||
  postureOf(a.live) !== 0;

/** FIND: of something near a glance; of anything else a walk. */
const find: Rule = {
  allows: (a) => (mustBeNear(a) ? near(a) : walk.allows(a)),
  apply: (a) => {
    if (!mustBeNear(a)) {
      walk.apply?.(a);
      return;
    }
    for (const node of targets(a.live, rel.FACING, a.live.scene.character))
      deleteEdge(a.live, rel.FACING, a.live.scene.character, node);
    beClose(a.live, a.object);
  },
};

const sit: Rule = {
  allows: (a) => near(a) && (postureOf(a.live) & bit.SITTING) === 0 && can(a, 'SITTABLE') && hasRoom(a, seats),
  apply: ({ live, object }) => {
    const { character } = live.scene;
    addEdge(live, rel.ON, character, object);
    for (const seen of targets(live, rel.FACING, object)) addEdge(live, rel.FACING, character, seen);
    changeStates(live, character, { take: bit.LYING, give: bit.SITTING });
  },
};

const lie: Rule = {
  allows: (a) => near(a) && (postureOf(a.live) & bit.LYING) === 0 && can(a, 'LIEABLE') && hasRoom(a, berths),
  apply: ({ live, object }) => {
    addEdge(live, rel.ON, live.scene.character, object);
    changeStates(live, live.scene.character, { take: bit.SITTING, give: bit.LYING });
  },
};

/** STANDUP leaves the edge `character ON chair` in place, so that the chair stays taken. */
const standUp: Rule = {
  allows: ({ live }) => postureOf(live) !== 0,
  apply: ({ live }) => changeStates(live, live.scene.character, { take: bit.SITTING | bit.LYING, give: 0 }),
};

const grab: Rule = {
  allows: (a) =>
    (can(a, 'GRABBABLE') || ['water', 'child'].includes(classOf(a, a.object))) &&
    !a.live.grabbed.has(a.object) &&
    near(a) &&
    !isShutAway(a.live, a.object) &&
    hasHand(a),
  apply: ({ live, object }) => {
    const { character, isRoom } = live.scene;
    const [hand, room] = [freeHand(live), roomOf(live, character)];
    const places = [rel.ON, rel.INSIDE, rel.CLOSE].flatMap((relation) =>
      targetsInSetOrder(live, relation, object).map((node) => ({ node, relation })),
    );
    const place = places.find(({ node }) => isRoom[node] === 0);
    for (const relation of [rel.ON, rel.INSIDE, rel.CLOSE, rel.HOLDS_LH, rel.HOLDS_RH]) detach(live, relation, object);
    beClose(live, object);
    addEdge(live, hand, character, object);
    if (room !== -1) addEdge(live, rel.INSIDE, object, room);
    if (place === undefined) return;
    beClose(live, place.node);
    live.grabbed.set(object, [place.node, place.relation]);
  },
};

const canPut = (a: Attempt, place: number, relation: number): boolean =>
  isHeld(a.live, a.object) &&
  a.close(place) &&
  (relation !== rel.INSIDE || !hasProperty(a.live, place, 'CAN_OPEN') || (statesOf(a.live, place) & bit.OPEN) !== 0);

function put({ live, object }: Attempt, place: number, relation: number): void {
  letGo(live, object);
  beClose(live, place);
  addEdge(live, rel.CLOSE, object, place);
  addEdge(live, rel.CLOSE, place, object);
  addEdge(live, relation, object, place);
  live.grabbed.delete(object);
}

const putOn = (relation: number): Rule => ({
  allows: (a) => canPut(a, a.target, relation),
  apply: (a) => put(a, a.target, relation),
});

/** PUTOBJBACK of something grabbed that cannot be put back now is accepted and changes nothing, as in the reference. */
const putBack: Rule = {
  allows: ({ live, object }) => live.grabbed.has(object),
  apply: (a) => {
    const [place, relation] = a.live.grabbed.get(a.object)!; // allowed only if it was grabbed
    if (canPut(a, place, relation)) put(a, place, relation);
  },
};

const open: Rule = {
  allows: (a) => opens(a) && near(a) && hasHand(a) && is(a, 'CLOSED') && !is(a, 'ON'),
  apply: change('CLOSED', 'OPEN'),
};
const close: Rule = { allows: (a) => opens(a) && near(a) && is(a, 'OPEN'), apply: change('OPEN', 'CLOSED') };
const switchOn: Rule = {
  allows: (a) => can(a, 'HAS_SWITCH') && near(a) && is(a, 'OFF') && !is(a, 'PLUGGED_OUT'),
  apply: change('OFF', 'ON'),
};
const switchOff: Rule = { allows: (a) => can(a, 'HAS_SWITCH') && near(a) && is(a, 'ON'), apply: change('ON', 'OFF') };
const plugIn: Rule = {
  allows: (a) => can(a, 'HAS_PLUG') && near(a) && hasHand(a) && is(a, 'PLUGGED_OUT'),
  apply: change('PLUGGED_OUT', 'PLUGGED_IN'),
};
const plugOut: Rule = {
  allows: (a) => can(a, 'HAS_PLUG') && near(a) && hasHand(a) && is(a, 'PLUGGED_IN'),
  apply: change('PLUGGED_IN', 'PLUGGED_OUT'),
};

const turnTo: Rule = {
  allows: () => true,
  apply: ({ live, object }) => {
    const { character } = live.scene;
    for (const node of targets(live, rel.FACING, character)) deleteEdge(live, rel.FACING, character, node);
    addEdge(live, rel.FACING, character, object);
  },
};
const lookAt: Rule = { allows: ({ live, object }) => isFacing(live, object) };
const watch: Rule = {
  allows: (a) => {
    if (!can(a, 'LOOKABLE') || !isFacing(a.live, a.object)) return false;
    const room = roomOf(a.live, a.object);
    const seated = postureOf(a.live) !== 0 && classOf(a, a.object) !== 'computer';
    return (
      room !== -1 &&
      room === roomOf(a.live, a.live.scene.character) &&
      (!seated || hasEdge(a.live, rel.FACING, a.live.scene.character, a.object))
    );
  },
};

const clean = change('DIRTY', 'CLEAN');
const wash: Rule = { allows: near, apply: clean };
const wipe: Rule = { allows: (a) => near(a) && held(a.live).length > 0, apply: clean };
const touch: Rule = { allows: (a) => near(a) && !isShutAway(a.live, a.object) };
const rest: Rule = { allows: ({ live }) => postureOf(live) !== 0 };
const move = (action: 'push' | 'pull'): Rule => ({
  allows: (a) =>
    (can(a, 'MOVABLE') || action === 'push' || ['chair', 'curtain', 'button'].includes(classOf(a, a.object))) &&
    near(a) &&
    !isShutAway(a.live, a.object) &&
    hasHand(a),
});

const drop: Rule = {
  allows: holds,
  apply: ({ live, object }) => {
    const room = roomOf(live, live.scene.character);
    letGo(live, object);
    if (room !== -1) addEdge(live, rel.INSIDE, object, room);
    live.grabbed.delete(object);
  },
};

const pour: Rule = {
  allows: (a) =>
    (can(a, 'POURABLE') || can(a, 'DRINKABLE')) &&
    (hasProperty(a.live, a.target, 'RECIPIENT') || ['hands_both', 'sponge', 'face'].includes(classOf(a, a.target))) &&
    holds(a) &&
    a.close(a.target),
  apply: (a) => {
    addEdge(a.live, rel.INSIDE, a.object, a.target);
    if (classOf(a, a.object) === 'water') letGo(a.live, a.object);
  },
};

const wear: Rule = {
  allows: (a) => holds(a) && can(a, 'CLOTHES'),
  apply: ({ live, object }) => {
    addEdge(live, rel.ON, object, live.scene.character);
    letGo(live, object);
  },
};
const takeOff: Rule = {
  allows: (a) => can(a, 'CLOTHES') && hasEdge(a.live, rel.ON, a.object, a.live.scene.character),
  apply: ({ live, object }) => deleteEdge(live, rel.ON, object, live.scene.character),
};

const squeeze: Rule = {
  allows: (a) => hasHand(a) && near(a) && (can(a, 'CLOTHES') || squeezable.has(classOf(a, a.object))),
};
const cut: Rule = {
  allows: (a) =>
    hasHand(a) &&
    near(a) &&
    can(a, 'EATABLE') &&
    can(a, 'CUTTABLE') &&
    held(a.live).some((node) => classOf(a, node).includes('knife')),
};
const eat: Rule = {
  allows: (a) =>
    near(a) &&
    (can(a, 'EATABLE') || sources(a.live, rel.ON, a.object).some((node) => hasProperty(a.live, node, 'EATABLE'))),
};

/** The rule of each action. */
export const rules: Readonly<Record<ActionName, Rule>> = {
  WALK: walk,
  RUN: walk,
  FIND: find,
  SIT: sit,
  LIE: lie,
  STANDUP: standUp,
  SLEEP: rest,
  WAKEUP: rest,
  GRAB: grab,
  PUTBACK: putOn(rel.ON),
  PUTIN: putOn(rel.INSIDE),
  PUTOBJBACK: putBack,
  DROP: drop,
  RELEASE: drop,
  OPEN: open,
  CLOSE: close,
  SWITCHON: switchOn,
  SWITCHOFF: switchOff,
  PLUGIN: plugIn,
  PLUGOUT: plugOut,
  TURNTO: turnTo,
  LOOKAT: lookAt,
  POINTAT: lookAt,
  WATCH: watch,
  TOUCH: touch,
  WIPE: wipe,
  WASH: wash,
  RINSE: wash,
  SCRUB: wash,
  SQUEEZE: squeeze,
  CUT: cut,
  EAT: eat,
  DRINK: { allows: (a) => (can(a, 'DRINKABLE') || can(a, 'RECIPIENT')) && holds(a) },
  READ: { allows: (a) => can(a, 'READABLE') && holds(a) },
  PUTON: wear,
  PUTOFF: takeOff,
  POUR: pour,
  TYPE: { allows: (a) => near(a) && (classOf(a, a.object) === 'keyboard' || can(a, 'HAS_SWITCH')) },
  PUSH: move('push'),
  PULL: move('pull'),
  MOVE: move('pull'),
  GREET: { allows: (a) => can(a, 'PERSON') },
};

/** True if {@link isClose} holds; the slow way, for one attempt. */
export function closeIn(live: Live): (node: number) => boolean {
  return (node) => isClose(live, node);
}
