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
  /** The text as the game prints it, arrival sentence included. */
  readonly feedback: string;
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

/** Tells whether an object can be examined: in hand, or in reach. */
export function isReachable(game: Game, state: AlfworldState, o: number): boolean {
  if (state.held === o) return true;
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
  return { state: next, feedback: `You arrive at ${place}. ${describeReceptacle(game, next, r)}` };
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
  if (o === undefined || !isReachable(game, state, o)) return undefined;
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

/** Lists every command that would be executed now, sorted, each once. */
export function admissible(game: Game, state: AlfworldState): string[] {
  const commands = ['look', 'inventory'];
  if (game.dialect.help !== undefined) commands.push('help');
  for (const { command, location } of game.destinations) if (location !== state.at) commands.push(command);
  const here = game.receptaclesAt[state.at] ?? [];
  const held = state.held;
  for (const r of here) addReceptacleCommands(game, state, r, commands);
  for (let o = 0; o < game.objects.length; o++) {
    const name = game.objects[o];
    const traits = game.traits[o]!;
    if (isReachable(game, state, o)) commands.push(`examine ${name}`);
    if ((traits & trait.toggleable) !== 0 && here.some((r) => isIn(game, state, o, r))) commands.push(`use ${name}`);
    const canCut = held >= 0 && (game.traits[held]! & trait.knife) !== 0 && (traits & trait.sliceable) !== 0;
    if (canCut && isNear(game, state, o, state.at)) commands.push(`slice ${name} with ${game.objects[held]}`);
  }
  return [...new Set(commands)].sort();
}

function addReceptacleCommands(game: Game, state: AlfworldState, r: number, commands: string[]): void {
  const receptacle = game.receptacles[r];
  const devices = game.appliances[r]!;
  const held = state.held;
  commands.push(`examine ${receptacle}`);
  if ((devices & appliance.openable) !== 0) commands.push(`${state.open.includes(r) ? 'close' : 'open'} ${receptacle}`);
  const isOpen = isAccessible(game, state, r);
  if (held < 0) {
    if (!isOpen) return;
    for (let o = 0; o < game.objects.length; o++) {
      if ((game.traits[o]! & trait.pickupable) === 0 || !isIn(game, state, o, r)) continue;
      commands.push(`take ${game.objects[o]} from ${receptacle}`);
    }
    return;
  }
  const object = game.objects[held];
  const traits = game.traits[held]!;
  if (isOpen && game.accepts[r * game.objectCount + held] === 1) {
    commands.push(
      game.dialect.put === 'move' ? `move ${object} to ${receptacle}` : `put ${object} in/on ${receptacle}`,
    );
  }
  if ((traits & trait.cleanable) !== 0 && (devices & appliance.cleans) !== 0)
    commands.push(`clean ${object} with ${receptacle}`);
  if ((traits & trait.heatable) !== 0 && (devices & appliance.heats) !== 0)
    commands.push(`heat ${object} with ${receptacle}`);
  if ((traits & trait.coolable) !== 0 && (devices & appliance.cools) !== 0)
    commands.push(`cool ${object} with ${receptacle}`);
}
