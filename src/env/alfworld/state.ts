/**
 * The state of a game: only what differs from its start, as short lists of integers, plus the predicates read from it.
 * A pair (object o, receptacle r) is the number o * R + r; a pair (object o, location l) is o * L + l.
 */

/** Properties an object can acquire, as bits. */
export const property = { clean: 1, hot: 2, cool: 4, on: 8, toggled: 16, sliced: 32 } as const;

/** A state, plain JSON. Indices are those of the compiled game. */
export type AlfworldState = {
  /** Location of the agent. */
  readonly at: number;
  /** Object in hand, -1 for none. */
  readonly held: number;
  /** Receptacles that are open. */
  readonly open: readonly number[];
  /** Pairs (o, r): in the receptacle now, not at the start. */
  readonly placed: readonly number[];
  /** Pairs (o, r): taken out and not put back. */
  readonly taken: readonly number[];
  /** Pairs (o, l): at the location now, not at the start. */
  readonly near: readonly number[];
  /** Pairs (o, l): at the location at the start, not now. */
  readonly far: readonly number[];
  /** o * 64 + property bits, of objects whose bits have changed. */
  readonly bits: readonly number[];
  /** True once the goal has been reached. */
  readonly won: boolean;
};

/** What the predicates need to know of a game. */
export interface Layout {
  /** R: number of receptacles. */
  readonly receptacleCount: number;
  /** L: number of locations. */
  readonly locationCount: number;
  /** Objects in each receptacle at the start, ascending. [R] */
  readonly contents: readonly (readonly number[])[];
  /** Pairs (o, l) that hold at the start. */
  readonly places: ReadonlySet<number>;
  /** Property bits of each object at the start. */
  readonly bits: Uint8Array;
}

/** Returns the property bits of an object. */
export function bitsOf(game: Layout, state: AlfworldState, o: number): number {
  for (const code of state.bits) if (code >> 6 === o) return code & 63;
  return game.bits[o] ?? 0;
}

/** Tells whether an object lies in a receptacle. */
export function isIn(game: Layout, state: AlfworldState, o: number, r: number): boolean {
  if (o < 0 || r < 0) return false;
  const pair = o * game.receptacleCount + r;
  if (state.placed.includes(pair)) return true;
  return game.contents[r]!.includes(o) && !state.taken.includes(pair);
}

/** Tells whether an object counts as being at a location. */
export function isNear(game: Layout, state: AlfworldState, o: number, l: number): boolean {
  const pair = o * game.locationCount + l;
  return state.near.includes(pair) || (game.places.has(pair) && !state.far.includes(pair));
}

/** Tells whether nothing has been taken from or put into a receptacle. */
export function isUntouched(game: Layout, state: AlfworldState, r: number): boolean {
  const count = game.receptacleCount;
  for (const pair of state.taken) if (pair % count === r) return false;
  for (const pair of state.placed) if (pair % count === r) return false;
  return true;
}

/** Returns the objects in a receptacle, ascending. */
export function contentsOf(game: Layout, state: AlfworldState, r: number): readonly number[] {
  const initial = game.contents[r]!;
  if (isUntouched(game, state, r)) return initial;
  const count = game.receptacleCount;
  const kept = initial.filter((o) => !state.taken.includes(o * count + r));
  const added = state.placed.filter((pair) => pair % count === r);
  if (added.length === 0) return kept;
  return [...kept, ...added.map((pair) => (pair - r) / count)].sort((a, b) => a - b);
}

/** Returns the state after an object has been taken from a receptacle at the agent's location. */
export function afterTake(game: Layout, state: AlfworldState, o: number, r: number): AlfworldState {
  const pair = o * game.receptacleCount + r;
  const place = o * game.locationCount + state.at;
  return {
    ...state,
    held: o,
    placed: without(state.placed, pair),
    taken: [...without(state.taken, pair), pair],
    near: without(state.near, place),
    far: game.places.has(place) && !state.far.includes(place) ? [...state.far, place] : state.far,
  };
}

/** Returns the state after the object in hand has been put into a receptacle at the agent's location. */
export function afterPut(game: Layout, state: AlfworldState, r: number): AlfworldState {
  const o = state.held;
  const pair = o * game.receptacleCount + r;
  const place = o * game.locationCount + state.at;
  const initially = game.contents[r]!.includes(o);
  return {
    ...state,
    held: -1,
    placed: initially ? state.placed : [...without(state.placed, pair), pair],
    taken: without(state.taken, pair),
    near: game.places.has(place) ? state.near : [...without(state.near, place), place],
    far: without(state.far, place),
  };
}

/** Returns the state after property bits of an object have been set and cleared. */
export function afterChange(
  game: Layout,
  state: AlfworldState,
  change: { readonly object: number; readonly set: number; readonly clear: number },
): AlfworldState {
  const o = change.object;
  const bits = (bitsOf(game, state, o) | change.set) & ~change.clear;
  return { ...state, bits: [...state.bits.filter((code) => code >> 6 !== o), o * 64 + bits] };
}

/** Returns a list without one number; the same list if it is not in it. */
export function without(list: readonly number[], item: number): readonly number[] {
  return list.includes(item) ? list.filter((other) => other !== item) : list;
}
