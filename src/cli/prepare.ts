/** The way from command line words to a sorted plan; `run`, `plan` and `why` share it. */
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { sortPlan } from '../runner/plan.ts';
import type { Plan } from '../runner/stage.ts';
import { indexReporter } from './index-reporter.ts';
import { type LoadedManifest, loadManifest, loadSettings, type Settings } from './load.ts';
import { type Override, parseOverride, parseSeeds } from './override.ts';
import type { Program } from './program.ts';

/** Options that change the manifest. */
export interface ManifestOptions {
  readonly set?: readonly string[];
  readonly seeds?: string;
  readonly engine?: string;
}

/** A plan and all it was made from. */
export interface Prepared extends LoadedManifest {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly cores: number;
}

/** Loads config and manifest and plans. @throws {SpaError} Bad input, of any of the three. */
export async function prepare(path: string, options: ManifestOptions, program: Program): Promise<Prepared> {
  const overrides = overridesOf(options);
  const [settings, loaded] = await Promise.all([
    loadSettings(process.cwd(), process.env),
    loadManifest(path, overrides),
  ]);
  const cores = settings.cores === 0 ? availableParallelism() : settings.cores;
  const plan = await program.plan(loaded.manifest, {
    manifestFolder: dirname(loaded.file),
    env: process.env,
    onIndex: indexReporter(),
  });
  return { ...loaded, settings, plan: sortPlan(plan), cores };
}

/** Returns what the command line sets, later words winning. */
function overridesOf(options: ManifestOptions): Override[] {
  const { set = [], seeds, engine } = options;
  return [
    ...set.map(parseOverride),
    ...(seeds === undefined ? [] : [parseSeeds(seeds)]),
    ...(engine === undefined ? [] : [{ path: 'engine.name', value: engine, origin: `--engine ${engine}` }]),
  ];
}
