/** WebShop: buying what an instruction asks for in a text shop, either from the published data or in a generated shop. */
import type { Environment } from '../environment.ts';
import { type FilesOptions, openFiles } from './files.ts';
import { type GenerateOptions, generatedPageSize, openGenerated } from './generate/generated.ts';
import { playShop } from './play.ts';
import type { ShopOptions } from './shop.ts';
import type { ShopState } from './state.ts';

/** Which shop to open. */
export type WebshopOptions = ShopOptions &
  (({ readonly source: 'files' } & FilesOptions) | ({ readonly source: 'generated' } & GenerateOptions));

/**
 * Opens WebShop. Pages of results hold ten products unless told otherwise, fewer in a small generated shop.
 * @throws {SpaError} If the data are not there or the options make no sense (bad input).
 */
export async function openWebshop(options: WebshopOptions): Promise<Environment<ShopState>> {
  if (options.source === 'files') return playShop(await openFiles(options), options);
  return playShop(openGenerated(options), { pageSize: generatedPageSize[options.size ?? 'small'], ...options });
}
