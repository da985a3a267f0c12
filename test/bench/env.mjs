/** Steps per second of ALFWorld on one core: expert replay and random play, with and without lists of admissible actions. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRng } from '../../dist/base/rng.js';
import { openAlfworld } from '../../dist/env/alfworld/alfworld.js';

const shared = fileURLToPath(new URL('../../../shared/data/alfworld', import.meta.url));
const seconds = 2;

/** Opens real games if there are any. */
function openGames() {
  const root = process.env.ALFWORLD_DATA ?? shared;
  if (existsSync(root)) return { world: openAlfworld({ source: 'files', root }), what: 'real games' };
  const counts = { train: 200, valid_seen: 0, valid_unseen: 0 };
  const world = openAlfworld({ source: 'generated', seed: 1, counts, size: 'full' });
  return { world, what: 'generated games, as no real ones are here' };
}

/** Plays the expert once per task and keeps the actions. */
function expertRuns(world, tasks) {
  return tasks.map((task) => {
    const expert = world.expert(task);
    let { state, observation } = world.reset(task);
    const actions = [];
    for (let i = 0; i < 150; i++) {
      const action = expert.act({ observation, admissible: world.admissible(task, state), lastAction: actions.at(-1) });
      actions.push(action);
      const turn = world.step(task, state, action);
      if (turn.done) break;
      ({ state, observation } = turn);
    }
    return { task, actions };
  });
}

/** Plays 40 random admissible actions per task and keeps them. */
function randomRuns(world, tasks) {
  return tasks.map((task) => {
    const rng = createRng(['bench', task.id]);
    let { state } = world.reset(task);
    const actions = Array.from({ length: 40 }, () => {
      const action = rng.pick(world.admissible(task, state));
      ({ state } = world.step(task, state, action));
      return action;
    });
    return { task, actions };
  });
}

/** Replays runs for a while and returns steps per second. */
function rate(world, runs, withList) {
  let steps = 0;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    for (const { task, actions } of runs) {
      let { state } = world.reset(task);
      for (const action of actions) {
        if (withList) world.admissible(task, state);
        ({ state } = world.step(task, state, action));
      }
      steps += actions.length;
    }
  }
  return (steps / (performance.now() - start)) * 1000;
}

/** Prints the table. */
export async function run() {
  const { world, what } = openGames();
  const tasks = world.splits.flatMap((split) => world.tasks(split)).slice(0, 200);
  const compileStart = performance.now();
  for (const task of tasks) world.reset(task);
  const compileMs = (performance.now() - compileStart) / tasks.length;
  console.log(`ALFWorld, ${tasks.length} ${what}, one core`);
  console.log(`  load and compile        ${compileMs.toFixed(2)} ms per game`);
  for (const [name, runs] of [
    ['expert replay', expertRuns(world, tasks)],
    ['random admissible play', randomRuns(world, tasks)],
  ]) {
    for (const withList of [false, true]) {
      const label = `${name}${withList ? ', with lists' : ''}`;
      console.log(`  ${label.padEnd(36)} ${Math.round(rate(world, runs, withList)).toLocaleString('en')} steps/s`);
    }
  }
}
