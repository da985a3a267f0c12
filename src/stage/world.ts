/** Opens the world a manifest names. */

import { resolve } from 'node:path';
import { badInput } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { Environment } from '../env/environment.ts';
import type { StageNode } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';

type WorldName = Manifest['environment']['name'];

/** What opens a world; plain data, so that it travels with a stage. */
export interface WorldParams extends Omit<Manifest['environment'], 'data' | 'maxTurns'> {
  /** Absolute folder of the published data, or null. */
  readonly data: string | null;
  /** Turns after which an episode ends. */
  readonly maxTurns: number;
}

/** What is known of each world before it is opened: its data variable, what that folder holds, its published limit of turns. */
const worlds: Readonly<
  Record<WorldName, { readonly variable: string; readonly holds: string; readonly maxTurns: number }>
> = {
  alfworld: { variable: 'ALFWORLD_DATA', holds: 'json_2.1.1', maxTurns: 40 },
  webshop: { variable: 'WEBSHOP_DATA', holds: 'items_shuffle.json', maxTurns: 10 },
  virtualhome: { variable: 'VIRTUALHOME_DATA', holds: 'programs_processed_precond_nograb_morepreconds', maxTurns: 40 },
};

/** Resolves what a manifest leaves open: where the data lie, the published limit of turns. */
export function worldParams(
  { environment }: Pick<Manifest, 'environment'>,
  options: { readonly manifestFolder: string; readonly env: NodeJS.ProcessEnv },
): WorldParams {
  const { variable, maxTurns } = worlds[environment.name];
  const inherited = options.env[variable];
  const data =
    environment.data !== null
      ? resolve(options.manifestFolder, environment.data)
      : inherited
        ? resolve(inherited)
        : null;
  return { ...environment, data, maxTurns: environment.maxTurns ?? maxTurns };
}

/** Opens a world. @throws {SpaError} If its data are not there (bad input). */
export async function openWorld(params: WorldParams): Promise<Environment> {
  const { name, worldSeed: seed, games: counts, size } = params;
  const generated = { source: 'generated', seed, counts, size } as const;
  switch (name) {
    case 'alfworld': {
      const { openAlfworld } = await import('../env/alfworld/alfworld.ts');
      return openAlfworld(params.source === 'generated' ? generated : { source: 'files', root: dataOf(params) });
    }
    case 'webshop': {
      const { openWebshop } = await import('../env/webshop/webshop.ts');
      return openWebshop(params.source === 'generated' ? generated : { source: 'files', root: dataOf(params) });
    }
    case 'virtualhome': {
      const { openVirtualhome } = await import('../env/virtualhome/virtualhome.ts');
      return openVirtualhome(params.source === 'generated' ? generated : { source: 'files', root: dataOf(params) });
    }
    default:
      return name satisfies never;
  }
}

function dataOf({ name, data }: WorldParams): string {
  if (data !== null) return data;
  const { variable, holds } = worlds[name];
  throw badInput(
    'environment',
    `Cannot open the world "${name}": no data folder is named, expected one that holds ${holds}`,
    {
      hint: `Set ${variable} or environment.data, or use environment.source "generated".`,
    },
  );
}

/** Opens the world a stage plays in. */
export function worldOf(node: StageNode): Promise<Environment> {
  return openWorld(node.resources.world as unknown as WorldParams & JsonObject); // plan.ts wrote it there
}
