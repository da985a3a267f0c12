/**
 * Executes one command. Rules, preconditions and their sentences sit side by side, one function per verb; a command must match
 * exactly, so no list of admissible commands is needed to judge it. Source: alfred.pddl and alfred.twl2 of alfworld/alfworld@0.3.3.
 */
import { appliance, type Game, trait } from './game.ts';
import { describeInventory, describeObject, describePlace, describeReceptacle, refusal } from './sentence.ts';
import {
  type AlfworldState,
  afterChange,
  afterPut,
  afterTake,
  bitsOf,
  isIn,
  isNear,
  property,
  without,
} from './state.ts';

/** What the game prints and becomes. */
export interface Outcome {
  readonly state: AlfworldState;
  /** What the game prints, without the sentence of an arrival. */
  readonly feedback: string;
  /** The sentence of an arrival, which the game prints first. */
  readonly arrival?: string;
  /** True if the game executed the command. */
  readonly grounded: boolean;
}

type Rule = (game: Game, state: AlfworldState, rest: string) => Omit<Outcome, 'grounded'> | undefined;

/** Tells whether a receptacle is at the agent's location. */
export function isHere(game: Game, state: AlfworldState, r: number): boolean {
  return game.receptaclesAt[state.at]?.includes(r) ?? false;
}

/** Tells whether the agent can reach into a receptacle: it is here, and not closed. */
export function isAccessible(game: Game, state: AlfworldState, r: number): boolean {
  return isHere(game, state, r) && ((game.appliances[r]! & appliance.openable) === 0 || state.open.includes(r));
}

/** Tells whether an object can be examined: in hand, or in reach where the game's domain allows that. */
function canExamine(game: Game, state: AlfworldState, o: number): boolean {
  if (state.held === o) return true;
  if (!game.examinesInReach) return false;
  return (game.receptaclesAt[state.at] ?? []).some((r) => isIn(game, state, o, r) && isAccessible(game, state, r));
}

const goTo: Rule = (game, state, rest) => {
  if (!rest.startsWith('to ')) return undefined;
  const r = game.receptacleOf.get(rest.slice(3));
  if (r === undefined) return undefined;
  const at = game.locationOf[r]!;
  if (at < 0 || at === state.at) return undefined;
  const next = { ...state, at };
  const place = game.dialect.arrival === 'receptacle' ? game.receptacles[r] : game.locations[at];
  return { state: next, arrival: `You arrive at ${place}.`, feedback: describeReceptacle(game, next, r) };
};

const open: Rule = (game, state, rest) => {
  const r = game.receptacleOf.get(rest);
  if (r === undefined || !isHere(game, state, r)) return undefined;
  if ((game.appliances[r]! & appliance.openable) === 0 || state.open.includes(r)) return undefined;
  const next = { ...state, open: [...state.open, r] };
  return { state: next, feedback: `You open the ${rest}. ${describeReceptacle(game, next, r)}` };
};

const close: Rule = (game, state, rest) => {
  const r = game.receptacleOf.get(rest);
  if (r === undefined || !isHere(game, state, r) || !state.open.includes(r)) return undefined;
  if ((game.appliances[r]! & appliance.openable) === 0) return undefined;
  return { state: { ...state, open: without(state.open, r) }, feedback: `You close the ${rest}.` };
};

const take: Rule = (game, state, rest) => {
  const pair = objectAndReceptacle(game, rest, ' from ');
  if (pair === undefined || state.held >= 0) return undefined;
  const { o, r } = pair;
  if ((game.traits[o]! & trait.pickupable) === 0 || !isAccessible(game, state, r) || !isIn(game, state, o, r))
    return undefined;
  const feedback = `You pick up the ${game.objects[o]} from the ${game.receptacles[r]}.`;
  return { state: afterTake(game, state, o, r), feedback };
};

const put: Rule = (game, state, rest) => {
  const isMove = game.dialect.put === 'move';
  const pair = objectAndReceptacle(game, rest, isMove ? ' to ' : ' in/on ');
  if (pair === undefined || pair.o !== state.held) return undefined;
  const { o, r } = pair;
  if (game.accepts[r * game.objectCount + o] !== 1 || !isAccessible(game, state, r)) return undefined;
  const [object, receptacle] = [game.objects[o], game.receptacles[r]];
  const feedback = isMove
    ? `You move the ${object} to the ${receptacle}.`
    : `You put the ${object} in/on the ${receptacle}.`;
  return { state: afterPut(game, state, r), feedback };
};

/** Cleaning, heating and cooling: hold a suitable object at a suitable receptacle, open or not. */
function treat(verb: string, need: number, device: number, change: { set: number; clear: number }): Rule {
  return (game, state, rest) => {
    const pair = objectAndReceptacle(game, rest, ' with ');
    if (pair === undefined || pair.o !== state.held) return undefined;
    const { o, r } = pair;
    if ((game.traits[o]! & need) === 0 || (game.appliances[r]! & device) === 0 || !isHere(game, state, r))
      return undefined;
    const feedback = `You ${verb} the ${game.objects[o]} using the ${game.receptacles[r]}.`;
    return { state: afterChange(game, state, { object: o, ...change }), feedback };
  };
}

const use: Rule = (game, state, rest) => {
  const o = game.objectOf.get(rest);
  if (o === undefined || (game.traits[o]! & trait.toggleable) === 0) return undefined;
  if (!(game.receptaclesAt[state.at] ?? []).some((r) => isIn(game, state, o, r))) return undefined;
  const isOn = (bitsOf(game, state, o) & property.on) !== 0;
  const change = { object: o, set: property.toggled | (isOn ? 0 : property.on), clear: isOn ? property.on : 0 };
  return { state: afterChange(game, state, change), feedback: `You turn on the ${rest}.` };
};

const slice: Rule = (game, state, rest) => {
  const cut = rest.indexOf(' with ');
  if (cut < 0) return undefined;
  const o = game.objectOf.get(rest.slice(0, cut));
  const knife = game.objectOf.get(rest.slice(cut + 6));
  if (o === undefined || knife === undefined || knife !== state.held) return undefined;
  if ((game.traits[o]! & trait.sliceable) === 0 || (game.traits[knife]! & trait.knife) === 0) return undefined;
  if (!isNear(game, state, o, state.at)) return undefined;
  const feedback = `You sliced the ${game.objects[o]} with the ${game.objects[knife]}.`;
  return { state: afterChange(game, state, { object: o, set: property.sliced, clear: 0 }), feedback };
};

const examine: Rule = (game, state, rest) => {
  const r = game.receptacleOf.get(rest);
  if (r !== undefined)
    return isHere(game, state, r) ? { state, feedback: describeReceptacle(game, state, r) } : undefined;
  const o = game.objectOf.get(rest);
  if (o === undefined || !canExamine(game, state, o)) return undefined;
  return { state, feedback: describeObject(game, state, o) };
};

const rules: ReadonlyMap<string, Rule> = new Map([
  ['go', goTo],
  ['open', open],
  ['close', close],
  ['take', take],
  ['put', (game, state, rest) => (game.dialect.put === 'put' ? put(game, state, rest) : undefined)],
  ['move', (game, state, rest) => (game.dialect.put === 'move' ? put(game, state, rest) : undefined)],
  ['clean', treat('clean', trait.cleanable, appliance.cleans, { set: property.clean, clear: 0 })],
  ['heat', treat('heat', trait.heatable, appliance.heats, { set: property.hot, clear: property.cool })],
  ['cool', treat('cool', trait.coolable, appliance.cools, { set: property.cool, clear: property.hot })],
  ['use', use],
  ['slice', slice],
  ['examine', examine],
]);

/** Executes a command, trimmed and otherwise taken literally. The state given is not changed. */
export function execute(game: Game, state: AlfworldState, command: string): Outcome {
  const text = command.trim();
  const space = text.indexOf(' ');
  const outcome =
    space < 0 ? executeWord(game, state, text) : rules.get(text.slice(0, space))?.(game, state, text.slice(space + 1));
  if (outcome === undefined) return { state, feedback: refusal, grounded: false };
  return { ...outcome, grounded: true };
}

function executeWord(game: Game, state: AlfworldState, word: string): Omit<Outcome, 'grounded'> | undefined {
  if (word === 'look') return { state, feedback: describePlace(game, state) };
  if (word === 'inventory') return { state, feedback: describeInventory(game, state) };
  if (word === 'help' && game.dialect.help !== undefined) return { state, feedback: game.dialect.help };
  return undefined;
}

function objectAndReceptacle(
  game: Game,
  rest: string,
  separator: string,
): { readonly o: number; readonly r: number } | undefined {
  const cut = rest.indexOf(separator);
  if (cut < 0) return undefined;
  const o = game.objectOf.get(rest.slice(0, cut));
  const r = game.receptacleOf.get(rest.slice(cut + separator.length));
  return o === undefined || r === undefined ? undefined : { o, r };
}
