/** The project's configuration, `spa.config.ts`: where things lie and how they are reported. Nothing in it decides a result. */
import Type from 'typebox';
import { count, group, optionalText } from './field.ts';
import { cosmetic, resource } from './role.ts';

/** JSON Schema of `spa.config.{ts,js,json,yaml}`. */
export const configSchema = Type.Object(
  {
    runs: resource(
      Type.Optional(
        Type.String({
          description: 'Folder for the store and the runs, relative to the config file.',
          default: './runs',
        }),
      ),
    ),
    cores: resource(count('Cores the runner may use; 0 = all.', 0, { minimum: 0 })),
    tracking: group('Experiment tracking.', {
      uri: cosmetic(
        Type.Optional(
          Type.String({
            description: '`file:<folder>`, `http(s)://…` or `none`. MLFLOW_TRACKING_URI wins over it.',
            default: 'file:./runs/mlruns',
          }),
        ),
      ),
      experiment: cosmetic(optionalText('Name of the MLflow experiment; null = the name of the manifest.')),
    }),
  },
  { $id: 'config', title: 'spa config', additionalProperties: false },
);

/** What a user writes. */
export type Config = Type.Static<typeof configSchema>;

/** Declares a configuration; the identity function, for its types. */
export function defineConfig(config: Config): Config {
  return config;
}
