/** The contract of a stage: a named, versioned function from parameters and input folders to a folder of files. */
import type { Json, JsonObject } from '../base/json.ts';

/** One node of a plan; plain data, so that it can be hashed, printed and sent to another process. */
export interface StageNode {
  /** Unique in its plan, e.g. `sft/seed=1` or `explore@2/seed=1`. */
  readonly id: string;
  /** Name of the stage that runs it, e.g. `explore`. */
  readonly stage: string;
  /** Version of the stage's code; bumped when its results change. */
  readonly version: number;
  /** What decides the result: the semantic fields of the manifest it reads, its seed, digests of outside data. In the key. */
  readonly params: JsonObject;
  /** What does not decide the result: threads, batch memory. Not in the key. */
  readonly resources: JsonObject;
  /** Role -> id of the node whose output folder it reads. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** What a running stage is given. */
export interface StageContext {
  readonly node: StageNode;
  /** Folder to write results into. It survives a kill: a stage finds its own shards and checkpoints here and goes on. */
  readonly folder: string;
  /** Role -> folder of a finished, verified input. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Aborted when the user interrupts; a stage stops at its next safe point by throwing `signal.reason`. */
  readonly signal: AbortSignal;
  /** Reports how far the work is. */
  progress(update: StageProgress): void;
  /** Logs numbers at a step; kept in the run's record and sent to the tracker. */
  metrics(step: number, values: Readonly<Record<string, number>>): void;
}

/** How far a stage is. */
export interface StageProgress {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  /** A short extra, e.g. `loss 0.31`. */
  readonly note?: string;
}

/** What a stage hands back beside its files: a small record, shown in tables and kept with the output. */
export interface StageResult {
  readonly summary: JsonObject;
}

/** A stage's code. Every file it leaves in `folder` is published, except names that begin with `.`. */
export interface Stage {
  readonly name: string;
  readonly version: number;
  run(context: StageContext): Promise<StageResult>;
}

/** A plan: nodes in an order where inputs come first. */
export interface Plan {
  readonly experiment: string;
  readonly nodes: readonly StageNode[];
  /** The manifest it came from, for the record. */
  readonly manifest: Json;
}
