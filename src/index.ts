/** The public door. Manifests and programs import from here only. */

export type { Config } from './schema/config.ts';
export { defineConfig } from './schema/config.ts';
export type { Experiment, Manifest } from './schema/manifest.ts';
export { defineExperiment } from './schema/manifest.ts';
