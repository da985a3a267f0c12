/**
 * Plans knowing everything: the shortest sequence of the form  put away what is in hand, fetch, treat, place  (twice for two objects).
 * Each errand is at a receptacle: go there unless it is here, open it if it must be and is not, act.
 */
import { appliance, type Game, trait } from './game.ts';
import { type AlfworldState, bitsOf, isIn, property } from './state.ts';
import { type TaskParams, treatments } from './task.ts';

interface Errand {
  readonly receptacle: number;
  /** What to do there; undefined if being there is enough. */
  readonly action: string | undefined;
  readonly needsOpen: boolean;
}

/**
 * Returns the actions of a short plan, empty at the goal, undefined if there is none.
 * @param params What the task asks for.
 */
export function planActions(game: Game, state: AlfworldState, params: TaskParams): readonly string[] | undefined {
  if (state.won) return [];
  let best: { readonly errands: readonly Errand[]; readonly cost: number } | undefined;
  for (const errands of candidates(game, state, params)) {
    const cost = walk(game, state, errands);
    if (best === undefined || cost < best.cost) best = { errands, cost };
  }
  if (best === undefined) return undefined;
  const actions: string[] = [];
  walk(game, state, best.errands, actions);
  return actions;
}

/** Counts the actions of a sequence of errands, and writes them down if asked. */
function walk(game: Game, state: AlfworldState, errands: readonly Errand[], actions?: string[]): number {
  let at = state.at;
  let cost = 0;
  const opened: number[] = [];
  for (const { receptacle, action, needsOpen } of errands) {
    const location = game.locationOf[receptacle]!;
    if (location !== at) {
      at = location;
      cost += 1;
      actions?.push(`go to ${game.receptacles[receptacle]}`);
    }
    const isClosed = (game.appliances[receptacle]! & appliance.openable) !== 0 && !state.open.includes(receptacle);
    if (needsOpen && isClosed && !opened.includes(receptacle)) {
      opened.push(receptacle);
      cost += 1;
      actions?.push(`open ${game.receptacles[receptacle]}`);
    }
    if (action !== undefined) {
      cost += 1;
      actions?.push(action);
    }
  }
  return cost;
}

function* candidates(game: Game, state: AlfworldState, params: TaskParams): Generator<readonly Errand[]> {
  const wanted = indicesOf(game.objectClass, params.object).filter((o) => o < game.objects.length);
  const targets = reachable(game, indicesOf(game.receptacleClass, params.target));
  if (params.type === 'pick_two_obj_and_place') {
    for (const r of targets) yield* placeTwo(game, state, { wanted, r });
    return;
  }
  for (const o of wanted) {
    for (const fetched of fetches(game, state, o)) {
      if (params.type === 'look_at_obj_in_light') {
        for (const lamp of lamps(game, state, params.target)) yield [...fetched, lamp];
        continue;
      }
      for (const treated of treats(game, state, { o, params })) {
        for (const r of targets) if (accepts(game, r, o)) yield [...fetched, ...treated, place(game, o, r)];
      }
    }
  }
}

function* placeTwo(
  game: Game,
  state: AlfworldState,
  { wanted, r }: { readonly wanted: readonly number[]; readonly r: number },
): Generator<readonly Errand[]> {
  const inside = wanted.filter((o) => isIn(game, state, o, r));
  const outside = wanted.filter((o) => !inside.includes(o) && accepts(game, r, o));
  for (const first of outside) {
    for (const fetched of fetches(game, state, first)) {
      const one = [...fetched, place(game, first, r)];
      if (inside.length > 0) {
        yield one;
        continue;
      }
      for (const second of outside) {
        if (second === first || second === state.held) continue;
        for (const source of sourcesOf(game, state, second))
          yield [...one, takeFrom(game, second, source), place(game, second, r)];
      }
    }
  }
}

/** Ways to get an object into the hand. */
function* fetches(game: Game, state: AlfworldState, o: number): Generator<readonly Errand[]> {
  if (state.held === o) {
    yield [];
    return;
  }
  if ((game.traits[o]! & trait.pickupable) === 0) return;
  for (const source of sourcesOf(game, state, o)) {
    const take = takeFrom(game, o, source);
    if (state.held < 0) yield [take];
    else
      for (const r of reachable(game, [...game.locationOf.keys()]))
        if (accepts(game, r, state.held)) yield [place(game, state.held, r), take];
  }
}

/** Ways to treat an object in hand: none needed, or one errand at any suitable device. */
function* treats(
  game: Game,
  state: AlfworldState,
  of: { readonly o: number; readonly params: TaskParams },
): Generator<readonly Errand[]> {
  const treatment = treatments[of.params.type];
  if (treatment === undefined) {
    yield [];
    return;
  }
  const { bit, need, device } = {
    clean: { bit: property.clean, need: trait.cleanable, device: appliance.cleans },
    heat: { bit: property.hot, need: trait.heatable, device: appliance.heats },
    cool: { bit: property.cool, need: trait.coolable, device: appliance.cools },
  }[treatment.verb];
  if ((bitsOf(game, state, of.o) & bit) !== 0) {
    yield [];
    return;
  }
  if ((game.traits[of.o]! & need) === 0) return;
  for (const r of reachable(game, [...game.locationOf.keys()])) {
    if ((game.appliances[r]! & device) === 0) continue;
    yield [
      {
        receptacle: r,
        action: `${treatment.verb} ${game.objects[of.o]} with ${game.receptacles[r]}`,
        needsOpen: false,
      },
    ];
  }
}

/** Lamps to stand at; one that has been switched on needs no more. */
function* lamps(game: Game, state: AlfworldState, lampClass: string): Generator<Errand> {
  for (const lamp of indicesOf(game.objectClass, lampClass)) {
    if ((game.traits[lamp]! & trait.toggleable) === 0) continue;
    const isToggled = (bitsOf(game, state, lamp) & property.toggled) !== 0;
    for (const receptacle of sourcesOf(game, state, lamp)) {
      yield { receptacle, action: isToggled ? undefined : `use ${game.objects[lamp]}`, needsOpen: false };
    }
  }
}

function takeFrom(game: Game, o: number, r: number): Errand {
  return { receptacle: r, action: `take ${game.objects[o]} from ${game.receptacles[r]}`, needsOpen: true };
}

function place(game: Game, o: number, r: number): Errand {
  const [object, receptacle] = [game.objects[o], game.receptacles[r]];
  const action = game.dialect.put === 'move' ? `move ${object} to ${receptacle}` : `put ${object} in/on ${receptacle}`;
  return { receptacle: r, action, needsOpen: true };
}

function accepts(game: Game, r: number, o: number): boolean {
  return game.accepts[r * game.objectCount + o] === 1;
}

function sourcesOf(game: Game, state: AlfworldState, o: number): readonly number[] {
  return reachable(game, [...game.locationOf.keys()]).filter((r) => isIn(game, state, o, r));
}

/** Keeps receptacles that have a name and a place. */
function reachable(game: Game, receptacles: readonly number[]): readonly number[] {
  return receptacles.filter((r) => r < game.receptacles.length && game.locationOf[r]! >= 0);
}

function indicesOf(classes: readonly string[], wanted: string): readonly number[] {
  return [...classes.keys()].filter((i) => classes[i] === wanted);
}
