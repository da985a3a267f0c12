/** The shortest way to a perfect purchase for somebody who knows what is wanted: search, turn pages, open, choose, buy. */
import { parseAction, suggestedQuery } from './action.ts';
import { documentText } from './catalogue/product.ts';
import type { Goal } from './goal.ts';
import { recent } from './recent.ts';
import { bitCount, rewardOf } from './reward.ts';
import { freshState, type ShopState } from './state.ts';
import type { Errand } from './step.ts';
import type { ShopView } from './view.ts';

/** What to do next, and how much is left. */
export interface Plan {
  /** The next action; undefined once bought. */
  readonly action: string | undefined;
  /** Actions to a perfect purchase, this one included; 0 once it is made, Infinity if it cannot be. */
  readonly remaining: number;
}

/** Finds ways through one shop. */
export interface Planner {
  plan(errand: Errand, state: ShopState): Plan;
}

/** Pages of results somebody may be asked to turn. */
const pagesTurned = 5;

/** Makes the planner of a shop. */
export function createPlanner(view: ShopView): Planner {
  const routes = recent<string, Route>(4_096);
  const routeOf = (errand: Errand): Route => routes.get(errand.goal.id, () => findRoute(errand));
  return {
    plan: (errand, state) => {
      if (state.page === 'done')
        return { action: undefined, remaining: state.reward === 1 ? 0 : Number.POSITIVE_INFINITY };
      const { asin } = errand.goal;
      const route = routeOf(errand);
      if (state.asin === asin) return fromProduct(errand, state, route.moves);
      const here = fromResults(view, asin, state);
      const best = here.action !== undefined && here.remaining <= route.search.remaining ? here : route.search;
      return { action: best.action, remaining: best.remaining + route.insideRemaining };
    },
  };
}

/** What is the same in every session of a goal. */
interface Route {
  /** The shortest way to the opened product from anywhere. */
  readonly search: Plan;
  /** Actions from there to the purchase. */
  readonly insideRemaining: number;
  readonly moves: readonly Moves[];
}

function findRoute(errand: Errand): Route {
  const { view, goal } = errand;
  const moves = listMoves(errand);
  const ways = findQueries(view, goal).map((query) => fromSearch(view, goal.asin, query));
  const opened: ShopState = { ...freshState, page: 'item', asin: goal.asin };
  return {
    search: ways.reduce((a, b) => (b.remaining < a.remaining ? b : a)),
    insideRemaining: fromProduct(errand, opened, moves).remaining,
    moves,
  };
}

/** The words of the wish; a product they do not lead to is also searched by its title, or by all its words. */
function findQueries(view: ShopView, goal: Goal): readonly string[] {
  const leads = (query: string): boolean => rankOf(view, query, goal.asin) < pagesTurned * view.pageSize;
  const first = suggestedQuery(goal.instruction);
  if (leads(first)) return [first];
  const { product } = view.product(goal.asin);
  const others = [product.title, documentText(product)].map((text) => suggestedQuery(text));
  return [first, others.find(leads) ?? others[0]!];
}

/** Position among the results, Infinity if it is not there. The shop reads a search in lower case, and so does this. */
function rankOf(view: ShopView, query: string, asin: string): number {
  const keywords = parseAction(`search[${query}]`)?.argument;
  const rank = keywords === undefined ? -1 : view.search(keywords).indexOf(asin);
  return rank < 0 ? Number.POSITIVE_INFINITY : rank;
}

/** From anywhere to the opened product by a search. */
function fromSearch(view: ShopView, asin: string, query: string): Plan {
  const rank = rankOf(view, query, asin);
  return { action: `search[${query}]`, remaining: 2 + Math.floor(rank / view.pageSize) };
}

/** To the opened product from results that hold it, or from a page behind them. */
function fromResults(view: ShopView, asin: string, state: ShopState): Plan {
  const back = state.page === 'sub' ? 2 : state.page === 'item' ? 1 : 0;
  if (state.page === 'search' || state.keywords === null)
    return { action: undefined, remaining: Number.POSITIVE_INFINITY };
  const rank = view.search(state.keywords).indexOf(asin);
  if (rank < 0) return { action: undefined, remaining: Number.POSITIVE_INFINITY };
  const away = 1 + Math.floor(rank / view.pageSize) - state.pageNumber;
  const click = back > 0 || away < 0 ? '< prev' : away > 0 ? 'next >' : asin.toLowerCase();
  return { action: `click[${click}]`, remaining: back + Math.abs(away) + 1 };
}

/** To the till from the wanted product's pages. */
function fromProduct(errand: Errand, state: ShopState, moves: readonly Moves[]): Plan {
  const { clicks, options } = chooseOptions(moves, state);
  const match = errand.view.match(errand.goal, errand.goal.asin);
  const { reward } = rewardOf(match, { options, price: errand.view.product(errand.goal.asin).price });
  const away = state.page === 'sub' ? 1 : 0;
  const click = away > 0 ? '< prev' : (clicks[0] ?? 'buy now');
  return {
    action: `click[${click}]`,
    remaining: reward === 1 ? away + clicks.length + 1 : Number.POSITIVE_INFINITY,
  };
}

interface Choice {
  readonly clicks: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

/** What a click on one option can bring: a value for each set of goal options some value satisfies. */
interface Moves {
  readonly name: string;
  readonly masks: ReadonlyMap<string, number>;
  readonly values: ReadonlyMap<number, string>;
}

function listMoves({ view, goal }: Errand): readonly Moves[] {
  const { optionOf, clickable } = view.product(goal.asin);
  const offered = new Set(clickable);
  return view.match(goal, goal.asin).options.map(({ name, masks }) => {
    const values = new Map<number, string>();
    for (const [value, mask] of masks) {
      if (mask !== 0 && !values.has(mask) && offered.has(value) && optionOf.get(value) === name)
        values.set(mask, value);
    }
    return { name, masks, values };
  });
}

/** Finds the fewest clicks that satisfy most of the goal's options, keeping what is chosen where it does no harm. */
function chooseOptions(moves: readonly Moves[], state: ShopState): Choice {
  let reached = new Map<number, Choice>([[0, { clicks: [], options: {} }]]);
  for (const { name, masks, values } of moves) {
    const current = state.options[name];
    if (current === undefined && values.size === 0) continue;
    const next = new Map<number, Choice>();
    const keep = (mask: number, choice: Choice): void => {
      const other = next.get(mask);
      if (other === undefined || choice.clicks.length < other.clicks.length) next.set(mask, choice);
    };
    for (const [before, { clicks, options }] of reached) {
      const held = current === undefined ? 0 : (masks.get(current) ?? 0);
      keep(before | held, { clicks, options: current === undefined ? options : { ...options, [name]: current } });
      for (const [mask, value] of values) {
        if (value === current) continue;
        keep(before | mask, { clicks: [...clicks, value], options: { ...options, [name]: value } });
      }
    }
    reached = next;
  }
  return [...reached].reduce((best, other) => (isBetter(other, best) ? other : best))[1];
}

function isBetter([mask, a]: [number, Choice], [bestMask, b]: [number, Choice]): boolean {
  const more = bitCount(mask) - bitCount(bestMask);
  return more > 0 || (more === 0 && a.clicks.length < b.clicks.length);
}
