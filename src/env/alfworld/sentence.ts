/** The sentences of the game, exactly as TextWorld prints them from ALFWorld's grammar (alfworld/alfworld@0.3.3 data/alfred.twl2). */
import { appliance, type Game, trait } from './game.ts';
import { type AlfworldState, bitsOf, contentsOf, isNear, isUntouched, property } from './state.ts';

/** What the game answers to anything it cannot execute. */
export const refusal = 'Nothing happens.';

/** Joins a list: `nothing`, `a x`, `a x, and a y`, `a x, a y, and a z`. */
export function listed(items: readonly string[]): string {
  if (items.length === 0) return 'nothing';
  if (items.length === 1) return items[0]!;
  return `${items.slice(0, -1).join(', ')}, and ${items.at(-1)}`;
}

/** Lists objects with their article, which is always `a`. */
function objectList(game: Game, objects: readonly number[]): string {
  return listed(objects.map((o) => `a ${game.objects[o]}`));
}

/** Describes a receptacle: what is in or on it, or that it is closed. */
export function describeReceptacle(game: Game, state: AlfworldState, r: number): string {
  const isOpenable = (game.appliances[r]! & appliance.openable) !== 0;
  if (isOpenable && !state.open.includes(r)) return `The ${game.receptacles[r]} is closed.`;
  if (!isUntouched(game, state, r)) return describeContents(game, r, contentsOf(game, state, r));
  const view = game.firstViews[r] ?? describeContents(game, r, game.contents[r]!);
  game.firstViews[r] = view;
  return view;
}

function describeContents(game: Game, r: number, contents: readonly number[]): string {
  const isOpenable = (game.appliances[r]! & appliance.openable) !== 0;
  const opening = isOpenable ? `The ${game.receptacles[r]} is open. In it` : `On the ${game.receptacles[r]}`;
  return `${opening}, you see ${objectList(game, contents)}.`;
}

/** Adjectives by bits, the first row whose bits are all set wins. */
const adjectives: readonly (readonly [number, string])[] = [
  [property.clean | property.hot | property.sliced, 'hot and clean sliced'],
  [property.clean | property.cool | property.sliced, 'cool and clean sliced'],
  [property.clean | property.sliced, 'clean sliced'],
  [property.hot | property.sliced, 'hot sliced'],
  [property.cool | property.sliced, 'cool sliced'],
  [property.clean | property.hot, 'hot and clean'],
  [property.clean | property.cool, 'cool and clean'],
  [property.hot, 'hot'],
  [property.clean, 'clean'],
  [property.cool, 'cold'],
];

/** Describes an object at hand. */
export function describeObject(game: Game, state: AlfworldState, o: number): string {
  const name = game.objects[o];
  const traits = game.traits[o]!;
  if ((traits & trait.container) !== 0) {
    return `This is a normal ${name}. In it, you see ${objectList(game, game.inside[o]!)}.`;
  }
  const bits = bitsOf(game, state, o);
  const row = adjectives.find(([mask]) => (bits & mask) === mask);
  if (row !== undefined) return `This is a ${row[1]} ${name}.`;
  if ((traits & trait.toggleable) !== 0 && (bits & property.toggled) !== 0) return `This ${name} is on.`;
  if ((traits & trait.sliceable) !== 0 && (bits & property.sliced) !== 0) return `This is a sliced ${name}.`;
  return `There's nothing special about ${name}.`;
}

/** Describes the place the agent is at. */
export function describePlace(game: Game, state: AlfworldState): string {
  const here = game.receptaclesAt[state.at] ?? [];
  if (here.length === 0) return describeRoom([]);
  const isFallen = (o: number): boolean =>
    isNear(game, state, o, state.at) && here.some((r) => state.taken.includes(o * game.receptacleCount + r));
  const moved = new Set(state.taken.map((pair) => Math.floor(pair / game.receptacleCount)));
  const floor = [...moved].filter(isFallen).sort((a, b) => a - b);
  return `You are facing the ${listed(here.map((r) => game.receptacles[r]!))}. Next to it, you see ${objectList(game, floor)}.`;
}

/** The opening view: every receptacle of the room. */
export function describeRoom(receptacles: readonly string[]): string {
  const list = listed(receptacles.map((name) => `a ${name}`));
  return `You are in the middle of a room. Looking quickly around you, you see ${list}.`;
}

/** Describes what the agent holds. */
export function describeInventory(game: Game, state: AlfworldState): string {
  return state.held < 0 ? 'You are not carrying anything.' : `You are carrying: a ${game.objects[state.held]}.`;
}
