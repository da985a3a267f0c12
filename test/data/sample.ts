/** Small episodes for tests of the data room; every number is exact in 32 bits. */
import type { Episode, Turn } from '../../src/data/trajectory.ts';

export function sampleTurn(changes: Partial<Turn> = {}): Turn {
  return {
    actor: 'policy',
    observation: 'You are in a kitchen.',
    thought: 'Go first.',
    action: 'go to fridge 1',
    text: 'Thought: Go first.\nAction: go to fridge 1',
    tokenIds: [5, 6, 7],
    logProbs: [-0.5, -0.25, 0],
    reward: 0,
    grounded: true,
    done: false,
    success: false,
    progress: null,
    shapedReward: null,
    advantage: null,
    remaining: 3,
    startedAtMs: 1_790_000_000_123.25,
    actMs: 12.5,
    stepMs: 0.5,
    ...changes,
  };
}

export function sampleEpisode(index: number, changes: Partial<Episode> = {}): Episode {
  return {
    run: 'run-1',
    stageKey: 'abc',
    env: 'alfworld',
    split: 'train',
    taskId: `task-${index}`,
    taskType: index % 2 === 0 ? 'heat' : 'cool',
    seed: 1,
    rollout: 0,
    outcome: 'success',
    return: 1,
    turns: [sampleTurn(), sampleTurn({ action: `take apple ${index}`, reward: 1, done: true, success: true })],
    finalObservation: 'You win.',
    ...changes,
  };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
