/** Opens the world a manifest names. */

import { badInput } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { Environment } from '../env/environment.ts';
import type { StageNode } from '../runner/stage.ts';

/** What opens a world; plain data, so that it travels with a stage. */
export interface WorldParams {
  readonly name: 'alfworld';
  readonly source: 'generated' | 'files';
  /** Absolute folder of the real games, or null. */
  readonly data: string | null;
  readonly size: 'small' | 'full';
  readonly worldSeed: number;
  readonly games: { readonly train: number; readonly valid_seen: number; readonly valid_unseen: number };
  readonly maxTurns: number;
}

/** Opens a world. @throws {SpaError} If its data are not there (bad input). */
export async function openWorld(params: WorldParams): Promise<Environment> {
  const { openAlfworld } = await import('../env/alfworld/alfworld.ts');
  if (params.source === 'generated') {
    return openAlfworld({ source: 'generated', seed: params.worldSeed, counts: params.games, size: params.size });
  }
  if (params.data === null) {
    throw badInput('environment', 'Cannot open ALFWorld: no data folder is named, expected one that holds json_2.1.1', {
      hint: 'Set ALFWORLD_DATA or environment.data, or use environment.source "generated".',
    });
  }
  return openAlfworld({ source: 'files', root: params.data });
}

/** Opens the world a stage plays in. */
export function worldOf(node: StageNode): Promise<Environment> {
  return openWorld(node.resources.world as unknown as WorldParams & JsonObject); // plan.ts wrote it there
}
