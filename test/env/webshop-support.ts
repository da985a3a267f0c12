/** Where WebShop's real data are, if they are, and ways to play them. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../src/env/environment.ts';
import { type FilesOptions, openFiles } from '../../src/env/webshop/files.ts';
import { playShop } from '../../src/env/webshop/play.ts';
import type { Shop } from '../../src/env/webshop/shop.ts';
import type { ShopState } from '../../src/env/webshop/state.ts';

/** Folder of WebShop's data and recordings. */
export const webshopRoot = fileURLToPath(new URL('../../../shared/data/webshop', import.meta.url));

/** True if the thousand real products are there. */
export const hasWebshop = existsSync(`${webshopRoot}/products_1k/data`);

const shops = new Map<string, Promise<Shop>>();

/** Reads the thousand real products, once. */
export function readThousand(goals: NonNullable<FilesOptions['goals']>): Promise<Shop> {
  const shop = shops.get(goals) ?? openFiles({ root: `${webshopRoot}/products_1k`, goals });
  shops.set(goals, shop);
  return shop;
}

/** Opens the thousand real products as a fresh world. */
export async function openThousand(goals: NonNullable<FilesOptions['goals']>): Promise<Environment<ShopState>> {
  return playShop(await readThousand(goals));
}

/**
 * Keeps the tasks that can be bought with reward 1, about `count` per split: a few synthetic goals cannot, because the original compares
 * a colour found inside a word (`1877blue` -> `blue`) with the whole of it.
 */
export function winnable(world: Environment<ShopState>, count: number): Environment<ShopState> {
  const kept = new Map(
    world.splits.map((split) => {
      const all = world.tasks(split);
      const some = all.filter((_, i) => i % Math.ceil(all.length / count) === 0);
      return [split, some.filter((task) => world.remaining!(task, world.reset(task).state) < Number.POSITIVE_INFINITY)];
    }),
  );
  return { ...world, tasks: (split) => kept.get(split) ?? world.tasks(split) };
}
