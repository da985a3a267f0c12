/** Times and sizes: CPU seconds of this process (other programs on the machine do not count), medians, memory of live episodes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** CPU seconds this process has used so far, all threads. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The middle value. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Repeats `round` for about `seconds` and counts.
 * @param round Does some work and returns how many units that was.
 * @returns CPU seconds and wall seconds for each unit.
 */
export function timePerUnit(round, seconds) {
  let units = 0;
  const cpu = cpuSeconds();
  const wall = performance.now();
  do units += round();
  while (performance.now() - wall < seconds * 1000);
  return { cpu: (cpuSeconds() - cpu) / units, wall: (performance.now() - wall) / 1000 / units };
}

/** Bytes in use after a full collection: V8's heap and what it keeps outside. */
export function usedBytes() {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Times of ours on recorded runs: steps alone (from saved openings), steps with lists, resets, whole episodes. */
export function timeOurs({ world, runs }, seconds) {
  const openings = runs.map(({ task }) => world.reset(task).state);
  const replay = (withList, withReset) => () => {
    let steps = 0;
    for (let i = 0; i < runs.length; i++) {
      const { task, actions } = runs[i];
      let state = withReset ? world.reset(task).state : openings[i];
      for (const action of actions) {
        if (withList) world.admissible(task, state);
        ({ state } = world.step(task, state, action));
      }
      steps += actions.length;
    }
    return steps;
  };
  const resets = () => {
    for (const { task } of runs) world.reset(task);
    return runs.length;
  };
  const timed = { step: timePerUnit(replay(false, false), seconds), reset: timePerUnit(resets, seconds / 4) };
  if (world.admissible !== undefined) timed.listed = timePerUnit(replay(true, false), seconds);
  return timed;
}

/** Times of ours on runs that are played once: steps alone and resets. */
export function timeOnce({ world, runs }) {
  let openings;
  const reset = timePerUnit(() => {
    openings = runs.map(({ task }) => world.reset(task).state);
    return runs.length;
  }, 0);
  const step = timePerUnit(() => {
    let steps = 0;
    for (const [i, { task, actions }] of runs.entries()) {
      let state = openings[i];
      for (const action of actions) ({ state } = world.step(task, state, action));
      steps += actions.length;
    }
    return steps;
  }, 0);
  return { step, reset };
}

/** Plays the recorded runs halfway until `count` states are alive and returns the bytes each of them holds. */
export function bytesPerLiveState({ world, runs }, count) {
  const play = ({ task, actions }) => {
    let { state } = world.reset(task);
    for (const action of actions.slice(0, actions.length >> 1)) ({ state } = world.step(task, state, action));
    return state;
  };
  const held = runs.map(play); // everything shared is there before the first measurement
  const before = usedBytes();
  for (let i = 0; i < count; i++) held.push(play(runs[i % runs.length]));
  const bytes = (usedBytes() - before) / count;
  if (held.length !== count + runs.length) throw new Error('Internal: states were dropped');
  return bytes;
}
