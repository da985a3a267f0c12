/**
 * The manifest of an experiment: every field, its unit, its range, its default and where the default comes from. The groups in
 * `group/` are the one place a hyperparameter's default lives. Defaults follow the paper (arXiv 2505.20732) and, where that is silent, the released
 * code (WangHanLinHenry/SPA-RL-Agent@ed20087) or TRL 0.10.1, which it builds on; each departure says so.
 */
import Type from 'typebox';
import { optionalText } from './field.ts';
import { environment } from './group/environment.ts';
import { model, prompt, tokenizer } from './group/language.ts';
import { demonstrations, estimator, explore, ppo, reward, sft } from './group/learning.ts';
import { engine, evaluate, server } from './group/play.ts';
import { cosmetic, semantic } from './role.ts';

export const experimentSchema = Type.Object(
  {
    name: cosmetic(
      Type.String({
        description: 'Name of the experiment.',
        minLength: 1,
        maxLength: 100,
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
      }),
    ),
    note: cosmetic(optionalText('What the experiment asks.')),
    seeds: semantic(
      Type.Optional(
        Type.Array(Type.Integer({ minimum: 0 }), {
          description: 'Seeds; each is a lane of stages of its own.',
          default: [1],
          uniqueItems: true,
          minItems: 1,
        }),
      ),
    ),
    environment,
    prompt,
    tokenizer,
    model,
    demonstrations,
    sft,
    explore,
    estimator,
    reward,
    ppo,
    evaluate,
    server,
    engine,
  },
  { $id: 'experiment', title: 'spa experiment', additionalProperties: false },
);

/** What a user writes. */
export type Experiment = Type.Static<typeof experimentSchema>;

/** Makes every field present, at every depth. */
type Resolved<T> = T extends readonly (infer U)[]
  ? readonly Resolved<U>[]
  : T extends object
    ? { readonly [K in keyof T]-?: Resolved<Exclude<T[K], undefined>> }
    : T;

/** A manifest with its defaults filled in: what stages read. */
export type Manifest = Resolved<Experiment>;

/**
 * Declares an experiment; the identity function, for its types.
 * @returns The same object. Defaults are filled in and problems are reported when it is run.
 */
export function defineExperiment(experiment: Experiment): Experiment {
  return experiment;
}
