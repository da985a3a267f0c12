/** A shop as a world: every session is a value, the shop is never changed. */
import { badInput } from '../../base/error.ts';
import type { Environment, Expert, Task } from '../environment.ts';
import { unknownSplit } from '../split.ts';
import { suggestedQuery } from './action.ts';
import type { Goal } from './goal.ts';
import { createPlanner, type Planner } from './plan.ts';
import { recent } from './recent.ts';
import type { Shop, ShopOptions } from './shop.ts';
import { freshState, type ShopState } from './state.ts';
import { type Errand, listClicks, nextState, showPage, stepShop } from './step.ts';
import { viewShop } from './view.ts';

interface Listing {
  readonly tasks: readonly Task[];
  readonly goals: ReadonlyMap<string, Goal>;
}

/** Opens a shop as a world; a task is a goal, its id the goal's. */
export function playShop(shop: Shop, options: ShopOptions = {}): Environment<ShopState> {
  const view = viewShop(shop, options);
  const planner = createPlanner(view);
  const listings = new Map<string, Listing>();
  const checked = (split: string): string => {
    if (shop.splits.includes(split)) return split;
    throw unknownSplit(split, { world: 'WebShop', splits: shop.splits });
  };
  const listingOf = (split: string): Listing => {
    const known = listings.get(split) ?? listGoals(shop, checked(split));
    listings.set(split, known);
    return known;
  };
  const errands = recent<string, Errand>(4_096);
  const errandOf = (task: Task): Errand =>
    errands.get(task.id, () => {
      const goal = listingOf(task.split).goals.get(task.id);
      if (goal === undefined)
        throw badInput(
          'environment',
          `Cannot play task "${task.id}": WebShop has no such goal here, expected one of the tasks it lists`,
        );
      return { view, goal };
    });
  const { rename } = shop;
  return {
    name: 'webshop',
    splits: shop.splits,
    digest: (split) => view.digest(checked(split)),
    tasks: (split) => listingOf(split).tasks,
    reset: (task) => ({ state: freshState, observation: showPage(errandOf(task), freshState) }),
    step: (task, state, action) => stepShop(errandOf(task), state, action),
    admissible: (task, state) => listActions(errandOf(task), state),
    expert: (task) => {
      const errand = errandOf(task);
      return shop.expert === undefined ? knowingExpert(errand, planner) : shop.expert(errand.goal);
    },
    remaining: (task, state) => planner.plan(errandOf(task), state).remaining,
    ...(rename === undefined ? {} : { rename }),
  };
}

function listGoals(shop: Shop, split: string): Listing {
  const goals = shop.goals(split);
  const typeOf = (goal: Goal): string => shop.taskType?.(goal) ?? goal.category;
  return {
    tasks: goals.map((goal) => ({ id: goal.id, split, type: typeOf(goal) })),
    goals: new Map(goals.map((goal) => [goal.id, goal])),
  };
}

/** A search is free text and possible on every page but the last; one made of the words of the wish stands for all, and gives nothing away. */
function listActions(errand: Errand, state: ShopState): readonly string[] {
  if (state.page === 'done') return [];
  const clicks = listClicks(errand, state).map((button) => `click[${button}]`);
  return [...new Set([...clicks, `search[${suggestedQuery(errand.goal.instruction)}]`])].sort();
}

/** An expert that knows the goal: it follows the session in its mind and does what the plan says, with searches of its own. */
function knowingExpert(errand: Errand, planner: Planner): Expert {
  let state = freshState;
  return {
    act: ({ lastAction }) => {
      if (lastAction !== undefined) state = nextState(errand, state, lastAction) ?? state;
      return planner.plan(errand, state).action ?? 'click[buy now]';
    },
  };
}
