/**
 * The way back to a recorded solution. From any state it looks for the shortest end of the recording that still wins when it is played with common
 * sense: what is refused because it is done already is left out, a seated person stands up, full hands put down, what got out of reach is found again,
 * and at the end what the person must be near or face is found and faced.
 */
import { type ActionName, writeAction } from './action.ts';
import { isReached, missing } from './goal.ts';
import type { Names } from './object-id.ts';
import { type Line, parseAction } from './parse.ts';
import { attemptLine, type House, liveOf, namesOf } from './play.ts';
import { bit, edgeOf } from './scene.ts';
import { copyState, held, type Live, postureOf, statesOf, type VirtualhomeState } from './state.ts';

/** A course of actions while it is being tried. */
interface Course {
  actions: string[];
  live: Live;
  names: Names;
  isWon: boolean;
}

interface Move {
  readonly text: string;
  readonly line: Line;
}

/** Returns actions that win from a state, all of them accepted on the way; undefined if no end of the recording leads back. */
export function courseToGoal(house: House, state: VirtualhomeState): readonly string[] | undefined {
  const recording = (house.record.action_list ?? []).map((text) => ({ text, line: parseAction(text) }));
  const start = liveOf(house, state);
  if (isReached(start, house.goal)) return [];
  if (isHopeless(house, start)) return undefined;
  const starts = openings(start);
  for (let from = recording.length; from >= 0; from--) {
    for (const opening of starts) {
      const course = { actions: [], live: copyState(start), names: namesOf(house, state), isWon: false };
      if (wins(house, course, [...opening, ...recording.slice(from)])) return course.actions;
    }
  }
  return undefined;
}

/** True if a node has become clean that must not be: nothing takes that back. */
function isHopeless(house: House, live: Live): boolean {
  return (
    house.goal.isImpossible ||
    house.goal.states.some(([node, bits]) => (statesOf(live, node) & ~bits & bit.CLEAN) !== 0)
  );
}

function move(action: ActionName, ...classes: readonly string[]): Move {
  return { text: writeAction(action, classes), line: { name: action, args: classes } };
}

/** What may have to be undone first: posture, and what is in the hands. */
function openings(live: Live): readonly (readonly Move[])[] {
  const up = postureOf(live) === 0 ? [] : [move('STANDUP')];
  const drops = handsOf(live).map((name) => move('DROP', name));
  const backs = handsOf(live).map((name) => move('PUTOBJBACK', name));
  const all = [[], up, drops, [...up, ...drops], backs, [...up, ...backs]];
  return [...new Map(all.map((opening) => [opening.map(({ text }) => text).join('\n'), opening])).values()];
}

function handsOf(live: Live): readonly string[] {
  return held(live).map((node) => live.scene.nodes[node]!.class_name);
}

function wins(house: House, course: Course, moves: readonly Move[]): boolean {
  for (const next of moves) {
    if (!play(house, course, next)) playWithRemedy(house, course, next);
    if (course.isWon) return true;
  }
  settle(house, course);
  return course.isWon;
}

/** Plays an action after the one thing that makes it possible; leaves it out if nothing does. */
function playWithRemedy(house: House, course: Course, next: Move): void {
  const remedies = [
    ...(postureOf(course.live) === 0 ? [] : [move('STANDUP')]),
    ...next.line.args.map((name) => move('FIND', name)),
    ...next.line.args.map((name) => move('GRAB', name)),
    ...handsOf(course.live).map((name) => move('DROP', name)),
  ];
  for (const remedy of remedies) {
    const names = { ...course.names, meant: new Map(course.names.meant) };
    const trial: Course = { actions: [...course.actions], live: copyState(course.live), names, isWon: false };
    if (!play(house, trial, remedy)) continue;
    if (!trial.isWon && !play(house, trial, next)) continue;
    Object.assign(course, trial);
    return;
  }
}

function play(house: House, course: Course, { text, line }: Move): boolean {
  if (!attemptLine(house, course.live, { line, names: course.names })) return false;
  course.actions.push(text);
  course.isWon = isReached(course.live, house.goal);
  return true;
}

/** Goes near and faces what the goal says the person is near and faces. */
function settle(house: House, course: Course): void {
  const { character, nodes, indexOf } = course.live.scene;
  for (const code of missing(course.live, house.goal).present) {
    const edge = edgeOf(course.live.scene, code);
    const other = edge.from_id === nodes[character]!.id ? edge.to_id : edge.from_id;
    const name = nodes[indexOf.get(other) ?? -1]?.class_name;
    if (name === undefined || course.isWon) continue;
    if (edge.relation_type === 'CLOSE') play(house, course, move('FIND', name));
    if (edge.relation_type === 'FACING') play(house, course, move('TURNTO', name));
  }
}
