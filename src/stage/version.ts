/** Versions of the stages. Bump one when its code gives other results for the same parameters: every cached output of it is then left behind. */
export const stageVersions = {
  demonstrate: 1,
  sft: 1,
  explore: 1,
  estimate: 1,
  attribute: 1,
  optimise: 1,
  evaluate: 2,
} as const;

/** Name of a stage. */
export type StageName = keyof typeof stageVersions;
