/**
 * The way back to a recorded solution. From any state it looks for the shortest end of the recording that still wins when it is played with common
 * sense: what is refused because it is done already is left out, a seated person stands up, full hands put down, what got out of reach is found again,
 * and at the end what the person must be near or face is found and faced.
 */

import { writeAction } from './action.ts';
import { missing } from './goal.ts';
import { parseAction } from './parse.ts';
import { type House, liveOf, stepEpisode } from './play.ts';
import { edgeOf } from './scene.ts';
import { held, type Live, postureOf, type VirtualhomeState } from './state.ts';

/** A course of actions while it is being tried. */
interface Course {
  readonly actions: string[];
  state: VirtualhomeState;
  isWon: boolean;
}

/** Returns actions that win from a state, all of them accepted on the way; undefined if no end of the recording leads back. */
export function courseToGoal(house: House, state: VirtualhomeState): readonly string[] | undefined {
  const recording = house.record.action_list ?? [];
  if (isWon(house, state)) return [];
  const starts = [...openings(liveOf(house, state))];
  for (let from = recording.length; from >= 0; from--) {
    for (const opening of starts) {
      const course: Course = { actions: [], state, isWon: false };
      for (const action of [...opening, ...recording.slice(from)]) {
        attempt(house, course, action);
        if (course.isWon) return course.actions;
      }
      settle(house, course);
      if (course.isWon) return course.actions;
    }
  }
  return undefined;
}

function isWon(house: House, state: VirtualhomeState): boolean {
  const { present, absent, states } = missing(liveOf(house, state), house.goal);
  return !house.goal.isImpossible && present.length + absent.length + states.length === 0;
}

/** What may have to be undone first: posture, and what is in the hands. */
function openings(live: Live): readonly (readonly string[])[] {
  const up = postureOf(live) === 0 ? [] : [writeAction('STANDUP', [])];
  const hands = held(live).map((node) => live.scene.nodes[node]!.class_name);
  const drops = hands.map((name) => writeAction('DROP', [name]));
  const backs = hands.map((name) => writeAction('PUTOBJBACK', [name]));
  const all = [[], up, drops, [...up, ...drops], backs, [...up, ...backs]];
  return [...new Map(all.map((opening) => [opening.join('\n'), opening])).values()];
}

/** Plays an action, after the one thing that may make it possible; leaves it out if nothing does. */
function attempt(house: House, course: Course, action: string): void {
  if (play(house, course, action)) return;
  const { args } = parseAction(action);
  const live = liveOf(house, course.state);
  const remedies = [
    ...(postureOf(live) === 0 ? [] : [[writeAction('STANDUP', [])]]),
    ...args.map((name) => [writeAction('FIND', [name])]),
    ...args.map((name) => [writeAction('GRAB', [name])]),
    ...held(live).map((node) => [writeAction('DROP', [live.scene.nodes[node]!.class_name])]),
  ];
  for (const remedy of remedies) {
    const trial: Course = { actions: [], state: course.state, isWon: false };
    if (!remedy.every((first) => play(house, trial, first))) continue;
    if (!trial.isWon && !play(house, trial, action)) continue;
    course.actions.push(...trial.actions);
    course.state = trial.state;
    course.isWon = trial.isWon;
    return;
  }
}

function play(house: House, course: Course, action: string): boolean {
  const turn = stepEpisode(house, course.state, action);
  if (!turn.grounded) return false;
  course.state = turn.state;
  course.actions.push(action);
  course.isWon ||= turn.success;
  return true;
}

/** Goes near and faces what the goal says the person is near and faces. */
function settle(house: House, course: Course): void {
  const live = liveOf(house, course.state);
  const { character, nodes } = live.scene;
  for (const code of missing(live, house.goal).present) {
    const edge = edgeOf(live.scene, code);
    const other = edge.from_id === nodes[character]!.id ? edge.to_id : edge.from_id;
    const name = nodes[live.scene.indexOf.get(other) ?? -1]?.class_name;
    if (name === undefined || course.isWon) continue;
    if (edge.relation_type === 'CLOSE') play(house, course, writeAction('FIND', [name]));
    if (edge.relation_type === 'FACING') play(house, course, writeAction('TURNTO', [name]));
  }
}
