/**
 * How AgentGym-style servers differ: the same six calls under other names. One row per dialect, read by our client and by our server.
 * Servers do not say whether an action was possible; each row says how that is told. Replies that do say it (ours) are believed first.
 * Source: WooooDyy/AgentGym@3ef9235:agentenv-*\/agentenv_*\/server.py, env_wrapper.py and agentenv/agentenv/envs/*.py. AgentGym-RL (Sept. 2025,
 * same repository, 640f8bc) made session numbers safe under concurrency and its clients call /close; its alfworld and webshop servers have none.
 */
import type { JsonObject } from '../../base/json.ts';
import { parseAction } from '../webshop/action.ts';

/** Names of the dialects. */
export type DialectName = 'alfworld' | 'webshop' | 'textcraft' | 'sciworld' | 'generic';

/** The words of one kind of server. */
export interface Dialect {
  /** World the server plays, as prompts know it; absent: the server or the caller says. */
  readonly world?: string;
  /** What `GET /` answers. */
  readonly greeting: string;
  /** Name of the session's number in requests. */
  readonly sessionField: 'id' | 'env_idx';
  /** What `POST /create` is sent and how it answers: the number itself, or an object that holds it under `id`. */
  readonly create: { readonly body: JsonObject; readonly reply: 'number' | 'object' };
  /** Name of the task's number in `POST /reset`, what else is sent, and how it answers: an object, or `[observation, null]`. */
  readonly reset: { readonly taskField: string; readonly body: JsonObject; readonly reply: 'object' | 'pair' };
  /** Fields of the reply to `reset` that make the first message, joined by newlines. */
  readonly opening: readonly string[];
  /** Field of the observation in the reply to `step`. */
  readonly observationField: 'observation' | 'state';
  /** Where the reward is: of this step, or `total` so far; `unit` is what full success counts. */
  readonly reward: { readonly field: 'reward' | 'score'; readonly total: boolean; readonly unit: number };
  /** Where the possible actions are: in each reply, behind `GET /available_actions` as buttons, or nowhere. */
  readonly actions: 'reply' | 'buttons' | 'none';
  /** Observations that begin so refuse an action; used where no actions are listed. */
  readonly refusals: readonly string[];
  /** True if the server has `POST /close`; sessions of others are used again for the next episode. */
  readonly closes: boolean;
}

const common: Dialect = {
  greeting: 'ok',
  sessionField: 'id',
  create: { body: {}, reply: 'object' },
  reset: { taskField: 'data_idx', body: {}, reply: 'object' },
  opening: ['observation'],
  observationField: 'observation',
  reward: { field: 'reward', total: false, unit: 1 },
  actions: 'none',
  refusals: ['Nothing happens'],
  closes: true,
};

/** The dialects. `generic` is what AgentGym's guide for new worlds describes (also babyai), and what our server speaks for any world. */
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  generic: common,
  alfworld: {
    ...common,
    world: 'alfworld',
    greeting: 'This is environment AlfWorld.',
    reset: { taskField: 'game', body: { world_type: 'Text' }, reply: 'object' },
    actions: 'reply',
    closes: false,
  },
  webshop: {
    ...common,
    world: 'webshop',
    sessionField: 'env_idx',
    create: { body: {}, reply: 'number' },
    reset: { taskField: 'session_id', body: {}, reply: 'pair' },
    observationField: 'state',
    actions: 'buttons',
    refusals: [],
    closes: false,
  },
  textcraft: {
    ...common,
    world: 'textcraft',
    greeting: 'This is environment TextCraft.',
    refusals: ['Could not ', 'Wrong item format'],
  },
  sciworld: {
    ...common,
    world: 'sciworld',
    greeting: 'This is environment ScienceWorld.',
    opening: ['task_description', 'observation'],
    reward: { field: 'score', total: true, unit: 100 },
    refusals: ['No known action matches that input'],
  },
};

/** What an agent can do on a page of WebShop, as `GET /available_actions` tells it. */
export interface Buttons {
  readonly has_search_bar: boolean;
  readonly clickables: readonly string[];
}

/**
 * Tells whether WebShop executes an action: any search with words, on every page, or a click on something listed.
 * Source: princeton-nlp/WebShop web_agent_site/envs/web_agent_text_env.py `step`.
 */
export function isOnPage(action: string, clickables: readonly string[]): boolean {
  const { name, argument = '' } = parseAction(action) ?? {};
  if (name === 'search') return true;
  return name === 'click' && argument !== 'search' && clickables.includes(argument);
}

/**
 * Writes what is possible on a page as WebShop's buttons. Searches work on every page, but only the start page has the bar and its button.
 * @param page The page as text.
 */
export function buttonsOf(page: string, admissible: readonly string[]): Buttons {
  const has_search_bar = page.startsWith('WebShop [SEP] ') && page.endsWith(' [SEP] Search');
  const clicks = admissible.flatMap((action) => /^click\[(.*)\]$/s.exec(action)?.[1] ?? []);
  return { has_search_bar, clickables: has_search_bar ? ['search', ...clicks] : clicks };
}
