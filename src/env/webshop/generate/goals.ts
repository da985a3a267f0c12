/** Draws the goals of each split of a generated shop and keeps those the scripted shopper reaches. */
import { createRng, type Rng } from '../../../base/rng.ts';
import type { Environment } from '../../environment.ts';
import type { Product } from '../catalogue/product.ts';
import { type Goal, humanGoals, seededPrices } from '../goal.ts';
import type { Draft } from './draw.ts';
import { departments, type ShopSize } from './lexicon.ts';
import { drawWish } from './wish.ts';

/** Names of the splits. */
export const splits = ['train', 'valid_seen', 'valid_unseen'] as const;

/** One split of a generated shop. */
export type Split = (typeof splits)[number];

/** Families per department that no training wish names. */
const unseenPerDepartment = 2;

/** One product in this many, of the other families, is named by seen wishes alone. */
const seenShare = 5;

/** What goals are drawn from. */
export interface GoalDrawing {
  readonly seed: number;
  readonly size: ShopSize;
  /** Drafts and their products, in the same order. */
  readonly drafts: readonly Draft[];
  readonly products: readonly Product[];
  /** Makes a world of some goals, which tells what can be won. */
  readonly world: (goals: readonly Goal[]) => Environment;
  /** Most turns the shopper may need. */
  readonly turns: number;
}

/**
 * Draws goals of a split until there are enough that can be won. Every product of the split is named before one is named again.
 * @throws {RangeError} If too few wishes can be told apart: `count` is out of proportion to the number of products.
 */
export function drawGoals(split: Split, count: number, drawing: GoalDrawing): readonly Goal[] {
  const rng = createRng(['webshop goals', drawing.seed, drawing.size, drawing.drafts.length, split]);
  const pool = poolOf(split, drawing);
  const kept: Goal[] = [];
  const said = new Set<string>();
  for (let round = 0; kept.length < count && round < 20; round++) {
    const turns = Math.ceil((count - kept.length) / pool.length);
    const order = Array.from({ length: turns }, () => rng.shuffle(pool)).flat();
    const fresh = order
      .map((index) => drawGoal(index, { ...drawing, rng }))
      .filter(({ instruction }) => !said.has(instruction) && said.add(instruction));
    const named = fresh.map((goal, i) => ({ ...goal, id: `${split}/${round}-${i}` }));
    kept.push(...winnable(drawing.world(named), named, drawing.turns));
  }
  if (kept.length < count)
    throw new RangeError(
      `Cannot draw ${count} wishes of split "${split}": only ${kept.length} differ, expected as many`,
    );
  return kept
    .slice(0, count)
    .map((goal, i) => ({ ...goal, id: `${split}/${goal.asin}-${i.toString().padStart(6, '0')}` }));
}

function drawGoal(index: number, { drafts, products, seed, size, rng }: GoalDrawing & { readonly rng: Rng }): Goal {
  const [draft, product] = [drafts[index]!, products[index]!];
  const instructions = new Map([[draft.asin, [drawWish(draft, { rng, size })]]]);
  const prices = { ...seededPrices(seed), upper: (candidates: readonly number[]) => candidates[0]! }; // the tightest tells most apart
  return humanGoals([product], instructions, prices)[0]!; // it has attributes
}

/** Lists the products wishes of a split are about, as indices: three parts without a common member. */
function poolOf(split: Split, { seed, drafts }: GoalDrawing): number[] {
  const unseen = unseenNouns(seed);
  const perFamily = new Map<string, number>();
  return [...drafts.keys()].filter((index) => {
    const { noun } = drafts[index]!.family;
    const place = perFamily.get(noun) ?? 0;
    perFamily.set(noun, place + 1);
    if (unseen.has(noun)) return split === 'valid_unseen';
    return split === (place % seenShare === seenShare - 2 ? 'valid_seen' : 'train');
  });
}

/** Draws the families that no training wish names: the same number in each department. */
export function unseenNouns(seed: number): ReadonlySet<string> {
  const rng = createRng(['webshop unseen', seed]);
  return new Set(departments.flatMap(({ nouns }) => rng.shuffle(nouns).slice(0, unseenPerDepartment)));
}

function winnable(world: Environment, goals: readonly Goal[], turns: number): Goal[] {
  const tasks = world.splits.flatMap((split) => world.tasks(split));
  const won = new Set(tasks.filter((task) => isWon(world, task, turns)).map(({ id }) => id));
  return goals.filter(({ id }) => won.has(id));
}

function isWon(world: Environment, task: Parameters<Environment['reset']>[0], turns: number): boolean {
  const expert = world.expert!(task); // playShop has one
  let { state, observation } = world.reset(task);
  let lastAction: string | undefined;
  for (let i = 0; i < turns; i++) {
    lastAction = expert.act({ observation, admissible: world.admissible!(task, state), lastAction });
    const turn = world.step(task, state, lastAction);
    if (turn.done) return turn.success && i + 1 >= world.remaining!(task, world.reset(task).state); // no other product is nearer
    ({ state, observation } = turn);
  }
  return false;
}
