/** What the command line is handed: how to plan, where the stages are, how to print results. Tests hand in a set of their own. */
import { extname } from 'node:path';
import type { JsonObject } from '../base/json.ts';
import type { Plan, StageNode } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Costs } from '../stage/cost.ts';
import type { PlanOptions } from '../stage/plan.ts';

/** A finished stage, for result tables. */
export interface FinishedStage {
  readonly key: string;
  readonly folder: string;
  readonly summary: JsonObject;
}

/** The parts of the program the command line does not know itself. All are loaded when first used. */
export interface Program {
  plan(manifest: Manifest, options: PlanOptions): Promise<Plan>;
  /** Decides, before a stage runs, what its manifest leaves to the machine. Called for each stage that is not cached. */
  settle?(node: StageNode): Promise<StageNode>;
  /** URL of a module that exports `stageOf(name)`; stage processes import it. */
  readonly registry: string;
  /** Says what the stages of a manifest will take; undefined where that is not ours to know. */
  costs?(manifest: Manifest, manifestFolder: string): Promise<Costs | undefined>;
  /** Measures the engine that would be used, in 10^9 operations per second. */
  speed?(manifest: Manifest): Promise<number>;
  tables(plan: Plan, results: ReadonlyMap<string, FinishedStage>): Promise<string>;
}

/** The program as shipped. */
export const shippedProgram: Program = {
  plan: async (manifest, options) => (await import('../stage/plan.ts')).planExperiment(manifest, options),
  costs: async (manifest, folder) => (await import('../stage/cost.ts')).costsOf(manifest, folder),
  speed: async (manifest) => (await import('../stage/engine.ts')).speedOf(manifest),
  settle: async (node) => (await import('../stage/engine.ts')).withEngine(node),
  registry: new URL(`../stage/registry${extname(import.meta.url)}`, import.meta.url).href,
  tables: async (plan, results) => (await import('../report/result.ts')).resultTables(plan, results),
};
