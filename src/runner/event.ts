/** What happens while a plan runs, as plain data: the run's log, the screen and the tracker all read the same events. */
import type { JsonObject } from '../base/json.ts';
import type { StageProgress } from './stage.ts';

/** How a node ended. `skipped`: an input failed or the run was interrupted before it began. */
export type NodeStatus = 'run' | 'cached' | 'failed' | 'interrupted' | 'skipped';

/** One event of a run. `node` is a node id. */
export type RunEvent =
  | {
      readonly type: 'started';
      readonly node: string;
      readonly key: string;
      readonly threads: number;
      readonly why: string;
    }
  | { readonly type: 'waiting'; readonly node: string; readonly pid: number | undefined }
  | {
      readonly type: 'quarantined';
      readonly node: string;
      readonly folder: string;
      readonly problems: readonly string[];
    }
  | ({ readonly type: 'progress'; readonly node: string } & StageProgress)
  | {
      readonly type: 'metrics';
      readonly node: string;
      readonly step: number;
      readonly values: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'finished';
      readonly node: string;
      readonly status: NodeStatus;
      readonly key: string;
      readonly seconds: number;
      /** Why it ran, or why it did not. */
      readonly note: string;
      readonly folder?: string;
      readonly summary?: JsonObject;
      readonly hint?: string;
    };
