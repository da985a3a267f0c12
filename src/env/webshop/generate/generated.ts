/**
 * A shop made here, in WebShop's own file format and read by the same code: deterministic in seed, counts and size. Training wishes name
 * some families of products; seen ones are about other products of those families, unseen ones about families no training wish names.
 * A wish is kept only if the scripted shopper fulfils it in a few turns, so that every task can be won by reading what is shown.
 */
import { badInput } from '../../../base/error.ts';
import { hashJson } from '../../../base/hash.ts';
import type { Expert } from '../../environment.ts';
import { openMemoryCatalogue } from '../catalogue/catalogue.ts';
import { loadProducts } from '../catalogue/product.ts';
import { playShop } from '../play.ts';
import type { Shop } from '../shop.ts';
import { drawProducts } from './draw.ts';
import { createShopper } from './expert.ts';
import { drawGoals, type Split, splits } from './goals.ts';
import { listFamilies, optionValues, type ShopSize } from './lexicon.ts';
import { renameTexts } from './rename.ts';
import { writeAttributes, writeProduct } from './text.ts';

/** Options of {@link openGenerated}. */
export interface GenerateOptions {
  /** Seed of the whole shop. */
  readonly seed: number;
  /** Number of wishes per split. */
  readonly counts: { readonly train: number; readonly valid_seen: number; readonly valid_unseen: number };
  /** How rich products and pages are. Default `small`. */
  readonly size?: ShopSize;
  /** Number of products, at least five of each family. Default 1120, 20 of each family. */
  readonly products?: number;
}

/** Changes whenever the same options give other products or wishes. */
export const generatorVersion = 2;

/** Fewest products of a shop: five of each family, so that every split has some. */
const leastProducts = 5 * listFamilies().length;

/** Products per page of results. */
export const generatedPageSize: Readonly<Record<ShopSize, number>> = { small: 5, full: 10 };

/** Most turns the shopper may need for a wish that is kept: the paper's limit of turns, so that its episodes fit. */
const expertTurns = 10;

/**
 * Opens a generated shop.
 * @throws {SpaError} If a number is not a whole number in its range (bad input).
 */
export function openGenerated(options: GenerateOptions): Shop {
  const { seed, size = 'small', products: total = 1120 } = options;
  const { train, valid_seen, valid_unseen } = options.counts; // named, so that stray keys do not reach the digest
  const counts = { train, valid_seen, valid_unseen };
  checkNumbers({ seed, ...counts }, 0);
  checkNumbers({ products: total }, leastProducts);
  const drafts = drawProducts({ seed, size, products: total });
  const products = loadProducts(
    drafts.map((draft) => writeProduct(draft, size)),
    new Map(drafts.map((draft) => [draft.asin, writeAttributes(draft)])),
  );
  const nouns = new Map(drafts.map(({ asin, family }) => [asin, [family.noun]]));
  const digest = (part: string, count: number): string =>
    hashJson(['webshop generated', generatorVersion, { seed, size, products: total, part, count }]);
  const shop: Omit<Shop, 'goals'> = {
    catalogue: openMemoryCatalogue(products, { digest: digest('products', total) }),
    splits,
    digest: (split) => digest(split, counts[split as Split]), // the caller has checked the name
    priceSeed: seed,
    nouns: ({ asin }) => nouns.get(asin) ?? [],
    expert: () => shopperOf(size),
    rename: renameTexts,
  };
  return {
    ...shop,
    goals: (split) =>
      drawGoals(split as Split, counts[split as Split], {
        seed,
        size,
        drafts,
        products,
        turns: expertTurns,
        world: (goals) =>
          playShop({ ...shop, splits: [split], goals: () => goals }, { pageSize: generatedPageSize[size] }),
      }),
  };
}

function checkNumbers(values: Readonly<Record<string, number>>, least: number): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isInteger(value) && value >= least) continue;
    throw badInput('environment', `Cannot generate a shop: ${name} is ${value}, expected a whole number from ${least}`);
  }
}

function shopperOf(size: ShopSize): Expert {
  const optionNames = Object.keys(optionValues);
  const reads = size === 'small' ? (['features'] as const) : (['features', 'description'] as const);
  return createShopper({ optionNames, reads, pages: 2 });
}
