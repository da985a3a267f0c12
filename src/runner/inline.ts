/** The executor that runs a stage in this very process: for tests and for debugging. */
import type { Executor } from './execute.ts';
import type { Stage } from './stage.ts';

/** Makes the executor. @param stageOf Finds a stage's code by its name. */
export function inlineExecutor(stageOf: (name: string) => Promise<Stage>): Executor {
  return async (task) => (await stageOf(task.node.stage)).run(task);
}
