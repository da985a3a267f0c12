/** Opens a world from words of the command line, by the manifest's own schema: the same names, defaults and suggestions. */
import { badInput } from '../base/error.ts';
import { nearest } from '../base/suggest.ts';
import type { Environment } from '../env/environment.ts';
import { validateExperiment } from '../schema/validate.ts';
import { type OwnWorldName, openOwnWorld, worldParams } from '../stage/world.ts';
import { dataSources } from './data-source.ts';
import { indexReporter } from './index-reporter.ts';

/** Options that say which world. */
export interface WorldWords {
  /** `generated` or `files`; default `files` if a folder is named, else `generated`. */
  readonly source?: string;
  /** Folder of published data, from the working directory. */
  readonly data?: string;
  readonly size?: string;
  /** Seed of generated tasks. */
  readonly seed?: string;
  /** Generated tasks per split: `train,valid_seen,valid_unseen`. */
  readonly games?: string;
}

/** A world of ours and the turns its episodes may have. */
export interface NamedWorld {
  readonly world: Environment;
  readonly maxTurns: number;
}

/** Opens a world by its name. @throws {SpaError} Bad input: no such world, an option that makes no sense, data that are not there. */
export async function openNamedWorld(name: string, words: WorldWords): Promise<NamedWorld> {
  if (!isOwn(name)) throw unknownWorld(name);
  const { data, size, seed, games } = words;
  const source = words.source ?? (data === undefined ? undefined : 'files');
  const environment = {
    name,
    ...(source !== undefined && { source }),
    ...(data !== undefined && { data }),
    ...(size !== undefined && { size }),
    ...(seed !== undefined && { worldSeed: numberOf(seed) }),
    ...(games !== undefined && { games: countsOf(games) }),
  };
  const overrides = new Map([
    ['environment.name', name],
    ['environment.source', '--source'],
    ['environment.size', '--size'],
    ['environment.worldSeed', '--seed'],
    ['environment.games', '--games'],
  ]);
  const manifest = await validateExperiment({ name: 'world', environment }, { name: 'command line', overrides });
  const params = worldParams(manifest, { manifestFolder: process.cwd(), env: process.env });
  return { world: await openOwnWorld(name, params, { onIndex: indexReporter() }), maxTurns: params.maxTurns };
}

const isOwn = (name: string): name is OwnWorldName => Object.hasOwn(dataSources, name);

function unknownWorld(name: string): Error {
  const known = Object.keys(dataSources);
  const near = nearest(name, known);
  return badInput(
    'environment',
    `Cannot open world "${name}": there is no such world, expected one of ${known.join(', ')}`,
    near === undefined ? {} : { hint: `Did you mean "${near}"?` },
  );
}

/** Reads a whole number from 0. The word itself where it is none, so that the schema refuses it by name. */
export function numberOf(word: string): number | string {
  return /^\d{1,15}$/.test(word) ? Number(word) : word;
}

function countsOf(text: string): Record<string, number | string> {
  const words = text.split(',').map((word) => word.trim());
  const [train = '', valid_seen = '', valid_unseen = ''] = words;
  if (words.length === 3)
    return { train: numberOf(train), valid_seen: numberOf(valid_seen), valid_unseen: numberOf(valid_unseen) };
  throw badInput('environment', `Cannot read option "--games ${text}": expected three numbers, e.g. 100,20,20`);
}
