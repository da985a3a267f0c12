/** Where games come from: a listing per split, the text of a game on demand, and a digest of what the tasks are made of. */
import type { Task } from '../environment.ts';
import type { GameText } from './game.ts';

/** A source of games. */
export interface GameSource {
  readonly splits: readonly string[];
  /** Tasks of a split in its order. */
  tasks(split: string): readonly Task[];
  /** Text of one game. @throws {SpaError} If it cannot be read. */
  read(task: Task): GameText;
  /** SHA-256 of what the tasks of a split are made of. */
  digest(split: string): string;
}
