/**
 * The contract every world fulfils. Ours are {@link Environment}s: data and functions, no clocks, no global state. States are JSON and contain their own chance,
 * so the same task and actions give the same bytes. One suite proves it for each world: test/contract/environment.ts.
 */
import type { JsonObject } from '../base/json.ts';
import type { Rng } from '../base/rng.ts';

/** One thing an agent can be asked to do. */
export interface Task {
  /** Unique inside its world, stable across machines; ALFWorld: `<split>/<task dir>/<trial dir>`. */
  readonly id: string;
  /** The split it belongs to, e.g. `train`, `valid_seen`, `valid_unseen`. */
  readonly split: string;
  /** The kind of task, the row of per-type tables. */
  readonly type: string;
}

/** What a world answers to `reset`. */
export interface Opening<S extends JsonObject> {
  readonly state: S;
  /** The first message to the agent: the scene and the task. */
  readonly observation: string;
}

/** What a world answers to one action. */
export interface Transition<S extends JsonObject> {
  readonly state: S;
  readonly observation: string;
  /** Reward of this step in the world's own unit: summed from the start it is in [0, 1] at any time, so one step may also take some back. */
  readonly reward: number;
  /** True if the world has ended; limits on steps are the caller's. */
  readonly done: boolean;
  /** True if the goal has been reached. */
  readonly success: boolean;
  /** True if the world could execute the action; a refused action is an observation, not an error. */
  readonly grounded: boolean;
}

/** Something an agent can play, perhaps behind a network. Only an infrastructure fault throws; nothing an agent writes does. */
export interface World<S extends JsonObject = JsonObject> {
  /** Short name, e.g. `alfworld`. */
  readonly name: string;
  /** Names of the splits it has tasks for. */
  readonly splits: readonly string[];
  /** SHA-256 of what the tasks of a split are made of (files, or generator version and parameters): part of cache keys. */
  digest(split: string): string;
  /** Lists the tasks of a split in the world's published order. @throws {SpaError} If the split is unknown (bad input). */
  tasks(split: string): readonly Task[];
  /** Starts a task from its initial state. */
  reset(task: Task): Opening<S> | Promise<Opening<S>>;
  /** Executes one action, written as the agent wrote it. */
  step(task: Task, state: S, action: string): Transition<S> | Promise<Transition<S>>;
  /** Counts the actions still needed; see {@link Environment.remaining}. */
  remaining?(task: Task, state: S): number;
  /** Gives back what the episode in `state` holds outside it (a session on a server). Never throws; absent where there is nothing. */
  release?(state: S): void | Promise<void>;
}

/** A world of our own: it answers at once and its states are values, so that `step` leaves the given one as it was. */
export interface Environment<S extends JsonObject = JsonObject> extends World<S> {
  reset(task: Task): Opening<S>;
  step(task: Task, state: S, action: string): Transition<S>;
  /**
   * Lists every action the world would execute now, sorted; absent where the world cannot tell. An action with free text, such as a
   * search, is stood for by one good example.
   */
  admissible?(task: Task, state: S): readonly string[];
  /** Returns the scripted expert's next action from any state reached; absent where there is none. */
  expert?(task: Task): Expert;
  /**
   * Counts the actions of a short plan from this state to the goal, knowing everything (0 = reached, Infinity = out of reach);
   * absent where the world cannot tell.
   */
  remaining?(task: Task, state: S): number;
  /** Renames things and places in all texts of one episode, the same way in each: augmentation of demonstrations. */
  rename?(texts: readonly string[], rng: Rng): string[];
}

/** A scripted expert playing one episode: it sees what an agent sees and may keep a memory. */
export interface Expert {
  /** Returns the next action. Called once per turn, also after actions that were not its own (recovery). */
  act(turn: ExpertTurn): string;
}

/** What an expert is told each turn. */
export interface ExpertTurn {
  readonly observation: string;
  readonly admissible: readonly string[];
  /** The action executed before this observation; undefined on the first turn. */
  readonly lastAction: string | undefined;
}
