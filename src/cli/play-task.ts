/** Finds the task a player names. */
import { nearest } from '../base/suggest.ts';
import type { Task } from '../env/environment.ts';

/** A task's place in its split, or why none was found. */
export type FoundTask = { readonly index: number } | { readonly problem: string; readonly hint?: string };

/** Finds a task by its number from 1, its id, or a part of its id that only it has. */
export function findTask(tasks: readonly Task[], wanted: string): FoundTask {
  const exact = tasks.findIndex(({ id }) => id === wanted);
  if (exact >= 0) return { index: exact };
  if (/^\d+$/.test(wanted)) {
    const number = Number(wanted);
    if (number >= 1 && number <= tasks.length) return { index: number - 1 };
    return { problem: `there are ${tasks.length} tasks, expected a number from 1 to ${tasks.length}` };
  }
  const matching = wanted === '' ? [] : tasks.flatMap(({ id }, index) => (id.includes(wanted) ? [index] : []));
  if (matching.length === 1) return { index: matching[0]! }; // it has one
  if (matching.length > 1) {
    const some = matching.slice(0, 3).map((index) => `${index + 1} = ${tasks[index]?.id}`);
    return {
      problem: `${matching.length} tasks have that in their id, expected one`,
      hint: `For example ${some.join(', ')}`,
    };
  }
  const near = nearest(
    wanted,
    tasks.map(({ id }) => id),
  );
  return {
    problem: 'no task has that number or id, expected a number from 1 or a part of an id',
    ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
  };
}
