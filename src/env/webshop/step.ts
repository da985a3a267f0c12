/**
 * What an action does to a session, and what the customer then reads.
 * Source: princeton-nlp/WebShop@64fa2a5 web_agent_site/envs/web_agent_text_env.py#L88-L130 (`step`) and #L420-L500 (`receive`).
 */
import type { Transition } from '../environment.ts';
import { parseAction } from './action.ts';
import type { Goal } from './goal.ts';
import { donePage, searchPage, subPageBody, withInstruction } from './page.ts';
import { bestReward, meanReward, rewardOf } from './reward.ts';
import { freshState, type ShopState, type SubPage, subPages } from './state.ts';
import type { ShopView } from './view.ts';

/** One goal in one shop. */
export interface Errand {
  readonly view: ShopView;
  readonly goal: Goal;
}

/** Executes one action; one the page does not offer leaves everything as it was and shows the page again. */
export function stepShop(errand: Errand, state: ShopState, action: string): Transition<ShopState> {
  const next = nextState(errand, state, action);
  if (next === undefined)
    return { state, observation: showPage(errand, state), reward: 0, done: false, success: false, grounded: false };
  const done = next.page === 'done';
  return {
    state: next,
    observation: showPage(errand, next),
    reward: worthOf(errand, next) - worthOf(errand, state),
    done,
    success: done && next.reward === 1,
    grounded: true,
  };
}

/** Writes the page a session is on. */
export function showPage({ view, goal }: Errand, state: ShopState): string {
  const { instruction } = goal;
  switch (state.page) {
    case 'search':
      return searchPage(instruction);
    case 'results':
      return withInstruction(instruction, view.results(state.keywords ?? '', state.pageNumber).body);
    case 'item':
      return withInstruction(instruction, view.product(state.asin ?? '').body);
    case 'sub':
      return withInstruction(
        instruction,
        subPageBody(view.product(state.asin ?? '').product, state.subPage ?? 'description'),
      );
    case 'done':
      return donePage({ asin: state.asin ?? '', options: state.options, reward: state.reward ?? 0 });
    default:
      return state.page satisfies never;
  }
}

/** Lists what can be clicked on the page a session is on, without the search button. */
export function listClicks({ view }: Errand, state: ShopState): readonly string[] {
  switch (state.page) {
    case 'search':
    case 'done':
      return [];
    case 'results': {
      const { links } = view.results(state.keywords ?? '', state.pageNumber);
      return ['back to search', ...(state.pageNumber > 1 ? ['< prev'] : []), 'next >', ...links];
    }
    case 'item':
      return ['back to search', '< prev', ...subPages, 'buy now', ...view.product(state.asin ?? '').clickable];
    case 'sub':
      return ['back to search', '< prev'];
    default:
      return state.page satisfies never;
  }
}

/** Returns the session after an action, or undefined if the page does not offer it. */
export function nextState(errand: Errand, state: ShopState, action: string): ShopState | undefined {
  const read = parseAction(action);
  if (read === undefined || state.page === 'done') return undefined;
  const { name, argument } = read;
  if (name === 'search') return { ...freshState, page: 'results', keywords: argument };
  if (name !== 'click' || argument === 'search') return undefined;
  switch (state.page) {
    case 'search':
      return undefined;
    case 'results':
      return clickOnResults(errand, state, argument);
    case 'item':
      return clickOnItem(errand, state, argument);
    case 'sub':
      if (argument === 'back to search') return freshState;
      return argument === '< prev' ? { ...state, page: 'item', subPage: null } : undefined;
    default:
      return state.page satisfies never;
  }
}

function clickOnResults({ view }: Errand, state: ShopState, argument: string): ShopState | undefined {
  const { pageNumber } = state;
  if (argument === 'back to search') return freshState;
  if (argument === 'next >') return { ...state, pageNumber: pageNumber + 1 };
  if (argument === '< prev') return pageNumber > 1 ? { ...state, pageNumber: pageNumber - 1 } : undefined;
  const { asins, links } = view.results(state.keywords ?? '', pageNumber);
  if (!links.has(argument)) return undefined;
  return { ...state, page: 'item', asin: asins.find((asin) => asin.toLowerCase() === argument) ?? null };
}

/** Buttons come first: an option that is called like one cannot be chosen, but its click is the button's. */
function clickOnItem({ view, goal }: Errand, state: ShopState, argument: string): ShopState | undefined {
  const asin = state.asin ?? '';
  if (argument === 'back to search') return freshState;
  if (argument === '< prev') return { ...state, page: 'results', asin: null, options: {} };
  if (argument === 'buy now') {
    const purchase = { options: state.options, price: view.product(asin).price };
    return { ...state, page: 'done', reward: rewardOf(view.match(goal, asin), purchase).reward };
  }
  const subPage = subPages.find((page): page is SubPage => page === argument);
  if (subPage !== undefined) return { ...state, page: 'sub', subPage };
  const option = view.product(asin).optionOf.get(argument);
  return option === undefined ? undefined : { ...state, options: { ...state.options, [option]: argument } };
}

/**
 * What an episode that stops here has earned. The released code stores the reward of the last step alone, while rewards here are summed, so
 * a step earns the difference between the pages it leads to and from: the sum is then the last page's value, or the purchase's reward.
 * Values of pages are taken in single precision, as records keep them, so that sums of their differences are exact.
 */
function worthOf(errand: Errand, state: ShopState): number {
  return state.reward ?? (errand.view.pageReward === 'released' ? Math.fround(pageReward(errand, state)) : 0);
}

/**
 * Returns what the released environment gives for a page before the purchase: results and items are worth what could still be bought there,
 * searching and sub pages nothing. Its -1, for chosen values that no combination of options contains, cannot occur: a value is chosen for
 * one of the options that have it. Range [0, 1].
 */
export function pageReward({ view, goal }: Errand, state: ShopState): number {
  const priceOf = (asin: string): number => view.product(asin).product.pricing[0] ?? 100;
  if (state.page === 'results') {
    const { asins } = view.results(state.keywords ?? '', state.pageNumber);
    return Math.max(0, ...asins.map((asin) => meanReward(view.match(goal, asin), priceOf(asin))));
  }
  if (state.page !== 'item' || state.asin === null) return 0;
  return bestReward(view.match(goal, state.asin), Object.values(state.options), priceOf(state.asin));
}
