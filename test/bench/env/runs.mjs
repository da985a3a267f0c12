/** Runs to replay: what the expert does in a task, and what chance does. */
import { createRng } from '../../../dist/base/rng.js';

/** Plays the expert to the end of a task. */
export function expertRun(world, task) {
  const expert = world.expert(task);
  let { state, observation } = world.reset(task);
  const actions = [];
  for (let done = false; !done && actions.length < 100; ) {
    const action = expert.act({ observation, admissible: world.admissible(task, state), lastAction: actions.at(-1) });
    actions.push(action);
    ({ state, observation, done } = world.step(task, state, action));
  }
  return { task, actions };
}

/**
 * Plays 15 random admissible actions, or fewer if the task ends before.
 * @param may Tells whether an action may be the one of this number, from 0. Default: any may.
 * @returns The task, the actions and the last state.
 */
export function randomRun(world, task, may = () => true) {
  const rng = createRng(['bench', task.id]);
  let { state } = world.reset(task);
  const actions = [];
  for (let done = false; !done && actions.length < 15; ) {
    const action = rng.pick(world.admissible(task, state).filter((one) => may(one, actions.length)));
    actions.push(action);
    ({ state, done } = world.step(task, state, action));
  }
  return { task, actions, state };
}
