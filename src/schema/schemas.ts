/** The JSON Schemas that are checked in under `schemas/`: for editors, for other languages, and to see a change of contract in review. */
import { configSchema } from './config.ts';
import { experimentSchema } from './manifest.ts';

/** Returns file name -> text of every emitted schema. */
export function emittedSchemas(): Readonly<Record<string, string>> {
  return {
    'experiment.json': schemaText(experimentSchema),
    'config.json': schemaText(configSchema),
  };
}

const schemaText = (schema: object): string =>
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...schema }, null, 2)}\n`;
