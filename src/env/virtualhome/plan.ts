/**
 * The planner: what to do next in a household, from any state, knowing everything about it. It carries each thing of the goal to its place,
 * puts everything into its state, then takes what must be held and takes the place it must end in. What it decides by is what an agent has
 * just been told (what is near, open, plugged in, in hand), so that a policy can learn it from what it sees. It understands goals about things
 * in or on furniture, states of nodes, and the person's hands, posture and view; other goals it gives up.
 */

import { type ActionName, writeAction } from './action.ts';
import { type Goal, type Missing, missing } from './goal.ts';
import { type House, liveOf, stepEpisode } from './play.ts';
import { freeHand, isHeld, isShutAway } from './reach.ts';
import { closeIn, rules } from './rule.ts';
import { bit, rel } from './scene.ts';
import {
  hasEdge,
  hasProperty,
  held,
  type Live,
  postureOf,
  sources,
  statesOf,
  targets,
  type VirtualhomeState,
} from './state.ts';

/** Longest plan that is followed to its end. */
const planLimit = 60;

interface Mind {
  readonly live: Live;
  readonly lacks: Missing;
}

/** Returns the next action of the plan, or undefined at the goal and where there is no plan. */
export function nextAction(house: House, state: VirtualhomeState): string | undefined {
  const live = liveOf(house, state);
  const lacks = missing(live, house.goal);
  const mind = { live, lacks };
  if (lacks.absent.length > 0 || house.goal.isImpossible) return undefined;
  return mendHere(mind) ?? carryAll(mind) ?? mendAll(mind) ?? settle(mind, house.goal);
}

/** Counts the actions of the plan: 0 at the goal, Infinity without a plan. */
export function planLength(house: House, start: VirtualhomeState): number {
  let state = start;
  for (let count = 0; count < planLimit; count++) {
    const action = nextAction(house, state);
    if (action === undefined) return isDone(house, state) ? count : Number.POSITIVE_INFINITY;
    const turn = stepEpisode(house, state, action);
    if (turn.success) return count + 1;
    if (!turn.grounded) return Number.POSITIVE_INFINITY;
    state = turn.state;
  }
  return Number.POSITIVE_INFINITY;
}

function isDone(house: House, state: VirtualhomeState): boolean {
  const { present, absent, states } = missing(liveOf(house, state), house.goal);
  return !house.goal.isImpossible && present.length + absent.length + states.length === 0;
}

/** Takes one edge apart. */
function ends({ scene }: Live, code: number): { relation: number; from: number; to: number } {
  const n = scene.nodes.length;
  return { relation: Math.floor(code / n / n), from: Math.floor(code / n) % n, to: code % n };
}

function carryAll(mind: Mind): string | undefined {
  const { live, lacks } = mind;
  for (const code of lacks.present) {
    const { relation, from, to } = ends(live, code);
    if (from === live.scene.character) continue;
    return carry(mind, { thing: from, place: to, relation });
  }
  return undefined;
}

interface Errand {
  readonly thing: number;
  readonly place: number;
  readonly relation: number;
}

function carry(mind: Mind, { thing, place, relation }: Errand): string | undefined {
  const { live, lacks } = mind;
  if (relation !== rel.INSIDE && relation !== rel.ON) return undefined;
  if (!isHeld(live, thing)) return fetch(live, thing);
  const wanted = lacks.states.find(([node]) => node === thing)?.[1] ?? 0;
  if ((wanted & bit.CLEAN) !== 0 && is(live, thing, 'DIRTY')) return say(live, 'WASH', thing);
  if (!isNear(live, place)) return goTo(live, place);
  if (relation === rel.ON) return say(live, 'PUTBACK', thing, place);
  return opened(live, place, thing) ?? say(live, 'PUTIN', thing, place);
}

/** Gets a thing into a hand. */
function fetch(live: Live, thing: number, keep = -1): string | undefined {
  if (live.grabbed.has(thing) || !hasProperty(live, thing, 'GRABBABLE')) return undefined; // taken once and never put down: the rules forbid it
  const full = emptied(live, keep);
  if (full !== undefined) return full;
  if (!isNear(live, thing)) return goTo(live, thing);
  if (!isShutAway(live, thing)) return say(live, 'GRAB', thing);
  const box = targets(live, rel.INSIDE, thing).find((at) => live.scene.isRoom[at] === 0 && is(live, at, 'CLOSED'))!; // or it were not shut away
  return isNear(live, box) ? opened(live, box) : goTo(live, thing);
}

/** Returns what must be done before a thing at hand is open, or undefined if it is, or has no door. */
function opened(live: Live, place: number, keep = -1): string | undefined {
  if (!is(live, place, 'CLOSED') || !hasProperty(live, place, 'CAN_OPEN')) return undefined;
  if (is(live, place, 'ON')) return say(live, 'SWITCHOFF', place);
  return emptied(live, keep) ?? say(live, 'OPEN', place);
}

/** Returns what must be put down before a hand is free; undefined if one is. */
function emptied(live: Live, keep = -1): string | undefined {
  if (freeHand(live) !== -1) return undefined;
  const burden = held(live).find((node) => node !== keep)!; // two things are held
  return say(live, 'DROP', burden);
}

/** Mends what is at hand before walking away, unless it is still needed as it is: to be filled, or emptied, or for want of a free hand. */
function mendHere({ live, lacks }: Mind): string | undefined {
  const { character } = live.scene;
  const pending = lacks.present.map((code) => ends(live, code));
  const isNeeded = (node: number): boolean =>
    pending.some(({ from, to }) => {
      const thing = from === character ? to : from;
      return thing === node || to === node || hasEdge(live, rel.INSIDE, thing, node);
    });
  for (const [node, wanted] of lacks.states) {
    if (node === character || !isNear(live, node) || isNeeded(node)) continue;
    const action = mend(live, node, wanted);
    if (action !== undefined && !action.startsWith('Drop ')) return action;
  }
  return undefined;
}

function mendAll(mind: Mind): string | undefined {
  const { live, lacks } = mind;
  const [first] = lacks.states.filter(([node]) => node !== live.scene.character);
  return first === undefined ? undefined : mend(live, first[0], first[1]);
}

/** Brings a node a step nearer to the states it must be in. */
function mend(live: Live, node: number, wanted: number): string | undefined {
  if (!isNear(live, node)) return goTo(live, node);
  const lacks = wanted & ~statesOf(live, node);
  if ((lacks & bit.CLEAN) !== 0) return say(live, 'WASH', node);
  if ((lacks & bit.OPEN) !== 0) return opened(live, node);
  if ((lacks & bit.CLOSED) !== 0) return say(live, 'CLOSE', node);
  if ((lacks & bit.OFF) !== 0) return say(live, 'SWITCHOFF', node);
  if ((lacks & bit.PLUGGED_IN) !== 0) return emptied(live) ?? say(live, 'PLUGIN', node);
  if ((lacks & bit.ON) !== 0) return is(live, node, 'PLUGGED_OUT') ? undefined : say(live, 'SWITCHON', node);
  if ((lacks & bit.PLUGGED_OUT) !== 0) return emptied(live) ?? say(live, 'PLUGOUT', node);
  return undefined; // nothing makes a thing dirty
}

/** The person: hands, then posture, then view. */
function settle({ live, lacks }: Mind, goal: Goal): string | undefined {
  const { character } = live.scene;
  const edges = lacks.present.map((code) => ends(live, code));
  const toHold = edges.find(({ relation }) => relation === rel.HOLDS_RH || relation === rel.HOLDS_LH);
  if (toHold !== undefined) return take(live, toHold.relation, toHold.to);
  const posture = lacks.states.find(([node]) => node === character)?.[1];
  const seatEdge = goal.present.map((code) => ends(live, code)).find(isSeat(character));
  const isSeated = !edges.some(isSeat(character)) && posture === undefined;
  if (seatEdge !== undefined && !isSeated) return rest(live, seatEdge.to, posture ?? statesOf(live, character));
  if (posture !== undefined) return postureOf(live) === 0 ? undefined : writeAction('STANDUP', []);
  const toFace = edges.find(({ relation }) => relation === rel.FACING);
  return toFace === undefined ? undefined : say(live, 'TURNTO', toFace.to);
}

function isSeat(character: number): (edge: { readonly relation: number; readonly from: number }) => boolean {
  return ({ relation, from }) => relation === rel.ON && from === character;
}

function take(live: Live, hand: number, thing: number): string | undefined {
  const { character } = live.scene;
  const other = targets(live, hand, character)[0];
  if (other !== undefined) return say(live, 'DROP', other);
  if (isHeld(live, thing)) return say(live, 'DROP', thing); // it is in the wrong hand
  if (hand === rel.HOLDS_LH && targets(live, rel.HOLDS_RH, character).length === 0) return undefined; // the right hand takes first
  return fetch(live, thing);
}

/** Sits or lies down, after taking away what fills the place. What the right hand holds by now stays there. */
function rest(live: Live, seat: number, posture: number): string | undefined {
  if (!isNear(live, seat)) return goTo(live, seat);
  const isSitting = (posture & bit.SITTING) !== 0;
  if ((postureOf(live) & posture) !== 0) return writeAction('STANDUP', []); // so already, but somewhere else
  const attempt = { live, object: seat, target: -1, posture: 'strict' as const, close: closeIn(live) };
  if (rules[isSitting ? 'SIT' : 'LIE'].allows(attempt)) return say(live, isSitting ? 'SIT' : 'LIE', seat);
  const away = sources(live, rel.ON, seat).find((node) => hasProperty(live, node, 'GRABBABLE'));
  return away === undefined ? undefined : fetch(live, away, held(live)[0]);
}

function goTo(live: Live, node: number): string {
  return postureOf(live) === 0 ? say(live, 'WALK', node) : writeAction('STANDUP', []);
}

/** True if the person is close to a node itself, as it is told, not only to something beside it. */
function isNear(live: Live, node: number): boolean {
  return hasEdge(live, rel.CLOSE, live.scene.character, node);
}

function is(live: Live, node: number, state: keyof typeof bit): boolean {
  return (statesOf(live, node) & bit[state]) !== 0;
}

/** Writes an action as an agent does. */
function say(live: Live, action: ActionName, ...nodes: readonly number[]): string {
  return writeAction(
    action,
    nodes.map((node) => live.scene.nodes[node]!.class_name),
  );
}
