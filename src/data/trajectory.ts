/**
 * The trajectory record: what was played, one row per agent turn, and the one Arrow schema of every trajectory file.
 * Episodes are the unit of writing and reading, because return and outcome are known only when an episode has ended.
 */

/** Version of the record, kept in each file's schema metadata as `spa.trajectory`. */
export const trajectoryVersion = '1';

/** How an episode ended: goal reached, world ended without it, step limit, or an infrastructure fault (never scored). */
export const outcomes = ['success', 'failure', 'limit', 'infra_error'] as const;
export type Outcome = (typeof outcomes)[number];

/** Who chose an action: the policy, the scripted expert, or chance (a disturbance shown in a demonstration, never imitated). */
export const actors = ['policy', 'expert', 'noise'] as const;
export type Actor = (typeof actors)[number];

/** One agent turn. Numbers named float32 below are rounded to 32-bit floats by a write. */
export interface Turn {
  readonly actor: Actor;
  /** What the agent saw before it acted. */
  readonly observation: string;
  /** The reasoning part of the reply; empty if it had none. */
  readonly thought: string;
  /** The action handed to the world; empty if none could be parsed. */
  readonly action: string;
  /** The reply as the agent wrote it. */
  readonly text: string;
  /** Token ids of the reply with its stop token, shape [T]; empty where the policy has no tokens. */
  readonly tokenIds: readonly number[];
  /** Natural log-probability of each token under the policy that played (float32), shape [T] or empty. */
  readonly logProbs: readonly number[];
  /** The environment's reward of this step, in the world's unit (float32). */
  readonly reward: number;
  /** True if the world could execute the action. */
  readonly grounded: boolean;
  /** True if the world ended with this step. */
  readonly done: boolean;
  /** True if the goal had been reached after this step. */
  readonly success: boolean;
  /** Estimated progress c_t of this turn (float32); null until attributed. */
  readonly progress: number | null;
  /** Reward r_t given to the optimiser (float32); null until attributed. */
  readonly shapedReward: number | null;
  /** Advantage of this turn (float32); null until computed. */
  readonly advantage: number | null;
  /** Actions a knowing player still needs after this action (0 = goal reached); null where the world cannot tell. */
  readonly remaining: number | null;
  /** When the turn began, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** How long the policy took, milliseconds (float32). */
  readonly actMs: number;
  /** How long the world took, milliseconds (float32). */
  readonly stepMs: number;
}

/** What is the same on every row of one episode. */
export interface EpisodeFacts {
  /** Id of the run that played it; empty where the result is shared between runs, as the stages' are. */
  readonly run: string;
  /** `<stage>-<first digits of its key>`: the folder of the result in the store. */
  readonly stageKey: string;
  /** Name of the world, e.g. `alfworld`. */
  readonly env: string;
  readonly split: string;
  readonly taskId: string;
  readonly taskType: string;
  /** Seed of the experiment's shard, int32. */
  readonly seed: number;
  /** Which attempt at this task under this seed, from 0, int32. */
  readonly rollout: number;
  readonly outcome: Outcome;
  /** The episode's return: sum of the environment's rewards (float32). */
  readonly return: number;
}

/** One episode. Without turns only as `infra_error`: it broke before the agent's first reply. */
export interface Episode extends EpisodeFacts {
  readonly turns: readonly Turn[];
  /** What the world showed after the last action; absent if not recorded. */
  readonly finalObservation?: string;
}

/** One row of the file. An episode that broke before its first turn is one row with `turn` -1 and empty contents. */
export interface TrajectoryRow extends EpisodeFacts, Turn {
  /** Number of the turn from 0, int32; -1 marks an episode without turns. */
  readonly turn: number;
  /** Set on an episode's last row, null elsewhere. */
  readonly finalObservation: string | null;
}

/** How a column is stored; `?` may be null, `[]` is a list, `dictionary` is a repeated text. */
export type ColumnKind =
  | 'dictionary'
  | 'utf8'
  | 'utf8?'
  | 'bool'
  | 'int32'
  | 'int32?'
  | 'int32[]'
  | 'float32'
  | 'float32?'
  | 'float32[]'
  | 'float64';

/** Name of a column. */
export type ColumnName = keyof TrajectoryRow;

/** Every column and how it is stored, in file order: the single source of schema, writer and reader. */
export const columnKinds = {
  run: 'dictionary',
  stageKey: 'dictionary',
  env: 'dictionary',
  split: 'dictionary',
  taskId: 'dictionary',
  taskType: 'dictionary',
  seed: 'int32',
  rollout: 'int32',
  turn: 'int32',
  actor: 'dictionary',
  observation: 'utf8',
  thought: 'utf8',
  action: 'utf8',
  text: 'utf8',
  tokenIds: 'int32[]',
  logProbs: 'float32[]',
  reward: 'float32',
  grounded: 'bool',
  done: 'bool',
  success: 'bool',
  return: 'float32',
  outcome: 'dictionary',
  progress: 'float32?',
  shapedReward: 'float32?',
  advantage: 'float32?',
  remaining: 'int32?',
  startedAtMs: 'float64',
  actMs: 'float32',
  stepMs: 'float32',
  finalObservation: 'utf8?',
} as const satisfies Record<ColumnName, ColumnKind>;

/** Column names in file order. */
export const columnNames = Object.keys(columnKinds) as readonly ColumnName[]; // the keys of a literal are its names

/** What a turn holds before anything has been attributed to it. */
export const unattributed = { progress: null, shapedReward: null, advantage: null } as const;

const emptyTurn: Turn = {
  actor: 'policy',
  observation: '',
  thought: '',
  action: '',
  text: '',
  tokenIds: [],
  logProbs: [],
  reward: 0,
  grounded: false,
  done: false,
  success: false,
  ...unattributed,
  remaining: null,
  startedAtMs: 0,
  actMs: 0,
  stepMs: 0,
};

/**
 * Returns an episode's rows.
 * @throws {RangeError} If it has no turns though it did not break, or a turn's token ids and log-probabilities differ in number.
 */
export function rowsOf(episode: Episode): TrajectoryRow[] {
  const { turns, finalObservation, ...facts } = episode;
  const name = `${episode.taskId}#${episode.rollout}`;
  if (turns.length === 0) {
    if (episode.outcome !== 'infra_error') {
      throw new RangeError(`Cannot record episode "${name}": it has no turns, expected at least 1 unless infra_error`);
    }
    return [{ ...facts, ...emptyTurn, turn: -1, finalObservation: finalObservation ?? null }];
  }
  return turns.map((turn, index) => {
    const { length } = turn.logProbs;
    if (length > 0 && length !== turn.tokenIds.length) {
      const is = `turn ${index} has ${length} log-probabilities for ${turn.tokenIds.length} tokens`;
      throw new RangeError(`Cannot record episode "${name}": ${is}, expected as many or none`);
    }
    const last = index === turns.length - 1;
    return { ...facts, ...turn, turn: index, finalObservation: last ? (finalObservation ?? null) : null };
  });
}

/** Returns the episode of its rows, given in turn order and at least one; the inverse of {@link rowsOf}. */
export function episodeOf(rows: readonly TrajectoryRow[]): Episode {
  const first = rows[0]!;
  const { finalObservation } = rows[rows.length - 1]!;
  return {
    run: first.run,
    stageKey: first.stageKey,
    env: first.env,
    split: first.split,
    taskId: first.taskId,
    taskType: first.taskType,
    seed: first.seed,
    rollout: first.rollout,
    outcome: first.outcome,
    return: first.return,
    turns: rows.filter((row) => row.turn >= 0).map(turnOf),
    ...(finalObservation === null ? {} : { finalObservation }),
  };
}

function turnOf(row: TrajectoryRow): Turn {
  const entries = Object.keys(emptyTurn).map((name) => [name, row[name as keyof Turn]]); // emptyTurn has exactly Turn's names
  return Object.fromEntries(entries) as Turn;
}
