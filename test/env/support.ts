/** Where the real games and the golden files are, if they are. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Environment, Task } from '../../src/env/environment.ts';

/** Folder of real ALFWorld games. */
export const realRoot =
  process.env.ALFWORLD_DATA ?? fileURLToPath(new URL('../../../shared/data/alfworld', import.meta.url));

/** True if the real games are there. */
export const hasReal = existsSync(`${realRoot}/json_2.1.1/valid_unseen`);

/** Returns the path of a golden file. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`../../../shared/spec/golden/${name}`, import.meta.url));
}

/** Reads a golden file; its shape is what the README beside it says. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(goldenPath(name), 'utf8')) as T;
}

/** Plays the expert; returns its actions and whether it won. */
export function playExpert(
  world: Environment,
  task: Task,
  limit = 150,
): { readonly actions: string[]; readonly success: boolean } {
  const expert = world.expert!(task);
  let { state, observation } = world.reset(task);
  const actions: string[] = [];
  for (let i = 0; i < limit; i++) {
    actions.push(expert.act({ observation, admissible: world.admissible!(task, state), lastAction: actions.at(-1) }));
    const turn = world.step(task, state, actions.at(-1)!);
    if (turn.success) return { actions, success: true };
    ({ state, observation } = turn);
  }
  return { actions, success: false };
}
