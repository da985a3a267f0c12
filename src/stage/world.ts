/** Opens the world a manifest names. */

import { resolve } from 'node:path';
import { badInput } from '../base/error.ts';
import type { Environment, World } from '../env/environment.ts';
import type { BuildProgress } from '../env/webshop/catalogue/build-folder.ts';
import type { StageContext } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';

/** Worlds that run here; a manifest may also name one behind a server. */
export type OwnWorldName = Exclude<Manifest['environment']['name'], 'http'>;

/** What opens a world; plain data, so that it travels with a stage. */
export interface WorldParams extends Omit<Manifest['environment'], 'data' | 'maxTurns'> {
  /** Absolute folder of the published data, or null. */
  readonly data: string | null;
  /** Turns after which an episode ends. */
  readonly maxTurns: number;
}

/** What is known of each world before it is opened: its data variable, what that folder holds, its published limit of turns. */
const worlds: Readonly<
  Record<OwnWorldName, { readonly variable: string; readonly holds: string; readonly maxTurns: number }>
> = {
  alfworld: { variable: 'ALFWORLD_DATA', holds: 'json_2.1.1', maxTurns: 40 },
  webshop: { variable: 'WEBSHOP_DATA', holds: 'items_shuffle.json', maxTurns: 10 },
  virtualhome: { variable: 'VIRTUALHOME_DATA', holds: 'programs_processed_precond_nograb_morepreconds', maxTurns: 40 },
};

/** The environment variable that names the folder of each world's published data. */
export const dataVariables: Readonly<Record<OwnWorldName, string>> = {
  alfworld: worlds.alfworld.variable,
  webshop: worlds.webshop.variable,
  virtualhome: worlds.virtualhome.variable,
};

/** Resolves what a manifest leaves open: where the data lie, the published limit of turns. */
export function worldParams(
  { environment }: Pick<Manifest, 'environment'>,
  options: { readonly manifestFolder: string; readonly env: NodeJS.ProcessEnv },
): WorldParams {
  const { name, data: written } = environment;
  if (name === 'http') return { ...environment, data: null, maxTurns: environment.maxTurns ?? 40 };
  const { variable, maxTurns } = worlds[name];
  const inherited = options.env[variable];
  const data = written !== null ? resolve(options.manifestFolder, written) : inherited ? resolve(inherited) : null;
  return { ...environment, data, maxTurns: environment.maxTurns ?? maxTurns };
}

/** How the opening of a world is followed and ended. */
export interface OpenOptions {
  /** Ends what a server is asked. */
  readonly signal?: AbortSignal;
  /** Told how far the index of a large catalogue is, while it is made; that happens once and takes minutes. */
  readonly onIndex?: (progress: BuildProgress) => void;
}

/** Opens a world. @throws {SpaError} If its data are not there, or its server does not answer (bad input). */
export async function openWorld(params: WorldParams, options: OpenOptions = {}): Promise<World> {
  return params.name === 'http' ? openServed(params.http, options.signal) : openOwnWorld(params.name, params, options);
}

/** Opens one of our own worlds. @throws {SpaError} If its data are not there (bad input). */
export async function openOwnWorld(
  name: OwnWorldName,
  params: WorldParams,
  { onIndex }: Pick<OpenOptions, 'onIndex'> = {},
): Promise<Environment> {
  const { worldSeed: seed, games: counts, size } = params;
  const source =
    params.source === 'generated'
      ? ({ source: 'generated', seed, counts, size } as const)
      : ({ source: 'files', root: dataOf(name, params.data) } as const);
  switch (name) {
    case 'alfworld': {
      const { openAlfworld } = await import('../env/alfworld/alfworld.ts');
      return openAlfworld(source);
    }
    case 'webshop': {
      const { openWebshop } = await import('../env/webshop/webshop.ts');
      const { index, ...rules } = params.webshop;
      return openWebshop({
        ...source,
        ...rules,
        ...(index === null ? {} : { index }),
        ...(onIndex === undefined ? {} : { onProgress: onIndex }),
      });
    }
    case 'virtualhome': {
      const { openVirtualhome } = await import('../env/virtualhome/virtualhome.ts');
      return openVirtualhome({ ...source, ...params.virtualhome });
    }
    default:
      return name satisfies never;
  }
}

async function openServed({ url, ...http }: WorldParams['http'], signal: AbortSignal | undefined): Promise<World> {
  if (url === null) {
    throw badInput(
      'environment',
      'Cannot open the world "http": environment.http.url is null, expected the address of a server',
      {
        hint: 'Start one, e.g. with spa serve alfworld, and name its address.',
      },
    );
  }
  const { openHttpWorld } = await import('../env/http/http.ts');
  const ranges = { train: http.train, valid: http.valid, test: http.test };
  const tasks = Object.entries(ranges).flatMap(([split, range]) =>
    range === null ? [] : [[split, [range[0]!, range[1]!]] as const],
  );
  return openHttpWorld({
    url,
    dialect: http.dialect,
    timeoutMs: http.timeoutSeconds * 1000,
    retries: http.retries,
    ...(signal === undefined ? {} : { signal }),
    ...(http.world === null ? {} : { name: http.world }),
    ...(http.revision === null ? {} : { revision: http.revision }),
    ...(tasks.length === 0 ? {} : { tasks: Object.fromEntries(tasks) }),
  });
}

function dataOf(name: OwnWorldName, data: string | null): string {
  if (data !== null) return data;
  const { variable, holds } = worlds[name];
  throw badInput(
    'environment',
    `Cannot open the world "${name}": no data folder is named, expected one that holds ${holds}`,
    {
      hint: `Set ${variable} or environment.data, or use environment.source "generated". spa data pull ${name} fetches the published data.`,
    },
  );
}

/** Opens the world a stage plays in. */
export function worldOf({ node, signal }: Pick<StageContext, 'node' | 'signal'>): Promise<World> {
  return openWorld(node.resources.world as unknown as WorldParams, { signal }); // plan.ts wrote it there
}
