/**
 * The scripted shopper: searches for the words of the wish, opens the result whose title says most of it at a price that fits, reads the
 * features if something is still missing, goes back if it stays missing, chooses the options and buys. It sees only what an agent sees.
 */
import type { Expert, ExpertTurn } from '../../environment.ts';
import { chosenValue, type ReadWish, readWish, wordsOf } from './expert-wish.ts';
import { type Listing, type PageText, readPage } from './page-text.ts';

/** How a shopper shops. */
export interface ShopperOptions {
  /** Names that introduce an option's value in a wish, e.g. `color`. */
  readonly optionNames: readonly string[];
  /** Pages about a product worth opening, in this order. */
  readonly reads: readonly ('features' | 'description')[];
  /** Pages of results looked through before settling for the best seen. */
  readonly pages: number;
}

interface Memory {
  /** Product on the item page or its sub pages. */
  current: string | undefined;
  /** What has been chosen for it, by option name. */
  readonly chosen: Map<string, string>;
  /** What has been read about each product: by asin, the pages and their words. */
  readonly read: Map<string, Map<string, readonly string[]>>;
  /** Products that do not fit. */
  readonly rejected: Set<string>;
  /** Most words of the wish seen in one title. */
  best: number;
  /** The page before the last action, and what was admissible on it. */
  page: PageText;
  admissible: readonly string[];
}

type Item = Extract<PageText, { kind: 'item' }>;

/** Creates a shopper for one episode. */
export function createShopper(options: ShopperOptions): Expert {
  const memory: Memory = {
    current: undefined,
    chosen: new Map(),
    read: new Map(),
    rejected: new Set(),
    best: 0,
    page: { kind: 'other' },
    admissible: [],
  };
  return {
    act: (turn) => {
      const page = readPage(turn.observation);
      observe(memory, page, { turn, options });
      const action = decide(memory, page, { turn, options });
      memory.page = page;
      memory.admissible = turn.admissible;
      return turn.admissible.includes(action)
        ? action
        : (turn.admissible.find((other) => other.startsWith('search[')) ?? action);
    },
  };
}

/** Follows what the last action did, whoever chose it. */
function observe(memory: Memory, page: PageText, { turn: { lastAction }, options }: Situation): void {
  const clicked =
    lastAction !== undefined && memory.admissible.includes(lastAction) ? argumentOf(lastAction) : undefined;
  if (page.kind === 'search' || page.kind === 'results') {
    memory.current = undefined;
    memory.chosen.clear();
  }
  if (clicked === undefined) return;
  if (page.kind === 'item' && memory.page.kind === 'results') memory.current = clicked;
  if (page.kind === 'item' && memory.page.kind === 'item') {
    for (const [name, values] of optionsOf(memory.page, options.optionNames))
      if (values.includes(clicked)) memory.chosen.set(name, clicked);
  }
  if (page.kind === 'detail' && memory.page.kind === 'item' && memory.current !== undefined) {
    const read = memory.read.get(memory.current) ?? new Map<string, readonly string[]>();
    memory.read.set(memory.current, read.set(clicked, wordsOf(page.text)));
  }
}

interface Situation {
  readonly turn: ExpertTurn;
  readonly options: ShopperOptions;
}

function decide(memory: Memory, page: PageText, situation: Situation): string {
  if (page.kind === 'search' || page.kind === 'other')
    return situation.turn.admissible.find((action) => action.startsWith('search[')) ?? '';
  const wish = readWish(page.wish, situation.options.optionNames);
  if (page.kind === 'results') return decideResults(memory, page, { ...situation, wish });
  if (page.kind === 'item') return decideItem(memory, page, { ...situation, wish });
  return 'click[< prev]';
}

interface Shopping extends Situation {
  readonly wish: ReadWish;
}

function decideResults(
  memory: Memory,
  page: Extract<PageText, { kind: 'results' }>,
  { wish, options }: Shopping,
): string {
  const isLast = page.page >= options.pages || page.listings.length === 0;
  const scored = page.listings.map((listing) => ({ listing, score: scoreOf(listing, wish) }));
  for (const { score } of scored) memory.best = Math.max(memory.best, score);
  const open = scored.filter(({ listing }) => listing.price < wish.limit && !memory.rejected.has(listing.asin));
  const fitting = open.filter(({ score }) => score >= memory.best);
  if (fitting.length > 0) return `click[${fitting[0]!.listing.asin}]`;
  if (!isLast) return 'click[next >]';
  memory.best -= 1; // nothing says more: settle for less, from the first page again
  if (memory.best <= 0) memory.rejected.clear();
  return 'click[back to search]';
}

function scoreOf({ title }: Listing, { words }: ReadWish): number {
  const said = new Set(wordsOf(title));
  return [...words].filter((word) => said.has(word)).length;
}

function decideItem(memory: Memory, page: Item, { wish, options }: Shopping): string {
  const { current } = memory;
  const offered = optionsOf(page, options.optionNames);
  const wanted = [...wish.asked].map(([name, following]) => ({
    name,
    value: chosenValue(following, offered.get(name) ?? []),
  }));
  const isFitting = page.price < wish.limit && wanted.every(({ value }) => value !== undefined);
  const read = memory.read.get(current ?? '') ?? new Map<string, readonly string[]>();
  const said = new Set([...wordsOf(page.title), ...[...read.values()].flat()]);
  const isMissing = [...wish.words].some((word) => !said.has(word));
  const unread = options.reads.find((name) => !read.has(name));
  if (isFitting && isMissing && unread !== undefined && current !== undefined) return `click[${unread}]`;
  if (!isFitting || isMissing) {
    if (current !== undefined) memory.rejected.add(current);
    return 'click[< prev]';
  }
  const next = wanted.find(({ name, value }) => memory.chosen.get(name) !== value);
  return next === undefined ? 'click[buy now]' : `click[${next.value}]`;
}

/** Finds options in the segments before the title: a known name is followed by its values. */
function optionsOf(page: Item, names: readonly string[]): Map<string, string[]> {
  const options = new Map<string, string[]>();
  let values: string[] = [];
  for (const segment of page.segments) {
    if (names.includes(segment)) {
      values = [];
      options.set(segment, values);
    } else values.push(segment);
  }
  return options;
}

function argumentOf(action: string): string | undefined {
  return /^click\[(.+)\]$/.exec(action)?.[1];
}
