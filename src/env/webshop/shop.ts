/** What a shop is made of before it is played: products with their search, and goals by split. Files and the generator both make one. */
import type { Rng } from '../../base/rng.ts';
import type { Expert } from '../environment.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import type { Goal } from './goal.ts';
import type { Nouns } from './nouns.ts';

/** Products and goals; what {@link playShop} of play.ts turns into a world. */
export interface Shop {
  readonly catalogue: Catalogue;
  readonly splits: readonly string[];
  /** Lists the goals of a split in the published order; ids are unique over all splits. Called once per split. */
  goals(split: string): readonly Goal[];
  /** SHA-256 of what the goals and products of a split, and given nouns, are made of. */
  digest(split: string): string;
  /** Seed of prices that are ranges; the same as the goals were made with. */
  readonly priceSeed: number;
  /** The kind of task a goal is, the row of per-type tables; default: its product's top category. */
  taskType?(goal: Goal): string;
  /** Nouns known beforehand; default: tagged when first needed. */
  readonly nouns?: Nouns;
  /** A scripted expert that sees what an agent sees; default: one that knows the goal. */
  expert?(goal: Goal): Expert;
  /** Renames things in all texts of one episode, see {@link Environment}; absent where the texts are real. */
  rename?(texts: readonly string[], rng: Rng): string[];
}

/** Options of any shop. */
export interface ShopOptions {
  /** Products per page of results; default 10. */
  readonly pageSize?: number;
  /**
   * `none`: reward only for a purchase. `released`: pages have the value the released SPA-RL environment gives them, and a step earns the
   * difference of two pages, so that the rewards of an episode sum to what the released code stores, the value of its last page or its
   * purchase. One case differs: after a refused last action the released code stores 0, here the page still shown counts. Default `none`.
   */
  readonly pageReward?: 'none' | 'released';
}
