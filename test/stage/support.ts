/** Episodes and sequences made by hand, and manifests and plans of them. */
import type { Episode, Turn } from '../../src/data/trajectory.ts';
import { sortPlan } from '../../src/runner/plan.ts';
import type { Plan } from '../../src/runner/stage.ts';
import type { Experiment, Manifest } from '../../src/schema/manifest.ts';
import { validateExperiment } from '../../src/schema/validate.ts';
import { planExperiment } from '../../src/stage/plan.ts';
import type { Sequence } from '../../src/stage/sequence.ts';

const blankTurn: Turn = {
  actor: 'policy',
  observation: 'You see a door.',
  thought: '',
  action: 'look',
  text: 'look',
  tokenIds: [],
  logProbs: [],
  reward: 0,
  grounded: true,
  done: false,
  success: false,
  progress: null,
  shapedReward: null,
  advantage: null,
  remaining: null,
  startedAtMs: 0,
  actMs: 0,
  stepMs: 0,
};

/** Makes a turn. */
export const turnOf = (part: Partial<Turn> = {}): Turn => ({ ...blankTurn, ...part });

/** Makes an episode. */
export const episodeOf = (part: Partial<Episode> = {}): Episode => ({
  run: '',
  stageKey: '',
  env: 'alfworld',
  split: 'train',
  taskId: 'train/a',
  taskType: 'look',
  seed: 1,
  rollout: 0,
  outcome: 'limit',
  return: 0,
  turns: [turnOf()],
  ...part,
});

/** Makes a sequence from the turn each token belongs to; token t has id 10 + t. */
export function sequenceFrom(turns: readonly number[], episode: Episode): Sequence {
  const ends: number[] = [];
  const starts: number[] = [];
  turns.forEach((turn, position) => {
    if (turn < 0) return;
    starts[turn] ??= position - 1;
    ends[turn] = position;
  });
  return {
    ids: Int32Array.from(turns, (_, t) => 10 + t),
    turns: Int32Array.from(turns),
    episode,
    turnStarts: starts,
    turnEnds: ends,
  };
}

/** The worked example of this room: T = 7, turn 0 at positions 2 and 3 worth 1, turn 1 at positions 5 and 6 worth 2. */
export const twoTurns = sequenceFrom(
  [-1, -1, 0, 0, -1, 1, 1],
  episodeOf({ return: 0.75, turns: [turnOf({ shapedReward: 1 }), turnOf({ shapedReward: 2 })] }),
);

/** Fills in a manifest: a small world, everything else the default. */
export function manifestOf(experiment: Partial<Experiment> = {}): Promise<Manifest> {
  const environment = { games: { train: 6, valid_seen: 2, valid_unseen: 2 }, ...experiment.environment };
  return validateExperiment({ name: 'test', ...experiment, environment }, { name: 'test' });
}

/** Plans a manifest. */
export async function planOf(experiment: Partial<Experiment> = {}, env: NodeJS.ProcessEnv = {}): Promise<Plan> {
  return sortPlan(await planExperiment(await manifestOf(experiment), { manifestFolder: '/nowhere', env }));
}
