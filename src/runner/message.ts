/** What a run and the child process of one of its stages say to each other. */
import type { Boundary } from '../base/error.ts';
import type { StageNode, StageProgress, StageResult } from './stage.ts';

/** From the run to the child. */
export type ToChild =
  | {
      readonly type: 'start';
      /** URL of the module that exports `stageOf`. */
      readonly registry: string;
      readonly node: StageNode;
      readonly folder: string;
      readonly inputs: Readonly<Record<string, string>>;
    }
  | { readonly type: 'abort'; readonly reason: string };

/** An error as data. */
export interface ErrorRecord {
  readonly message: string;
  readonly stack: string;
  readonly boundary?: Boundary;
  readonly hint?: string;
  readonly badInput: boolean;
}

/** From the child to the run. */
export type FromChild =
  | ({ readonly type: 'progress' } & StageProgress)
  | { readonly type: 'metrics'; readonly step: number; readonly values: Readonly<Record<string, number>> }
  | ({ readonly type: 'done' } & StageResult)
  | { readonly type: 'failed'; readonly error: ErrorRecord };
