/** Lists what a game would execute now, from what is here and in hand; {@link execute} judges single commands without this list. */
import { isAccessible } from './command.ts';
import { appliance, type Game, trait } from './game.ts';
import { type AlfworldState, contentsOf, isNear } from './state.ts';

/** Lists every command that would be executed now, sorted, each once. */
export function admissible(game: Game, state: AlfworldState): string[] {
  const commands = game.dialect.help === undefined ? ['inventory', 'look'] : ['help', 'inventory', 'look'];
  for (const r of game.receptaclesAt[state.at] ?? []) {
    addReceptacle(game, state, r, commands);
    addContents(game, state, r, commands);
  }
  addHeld(game, state, commands);
  commands.sort();
  return merge(game, state, commands);
}

/** Puts the moves, sorted already, where `go to` belongs, and drops repetitions. */
function merge(game: Game, state: AlfworldState, commands: readonly string[]): string[] {
  const sorted: string[] = [];
  let i = 0;
  for (; i < commands.length && commands[i]! < 'go to '; i++)
    if (commands[i] !== sorted.at(-1)) sorted.push(commands[i]!);
  for (const { command, location } of game.destinations) if (location !== state.at) sorted.push(command);
  for (; i < commands.length; i++) if (commands[i] !== sorted.at(-1)) sorted.push(commands[i]!);
  return sorted;
}

function addReceptacle(game: Game, state: AlfworldState, r: number, commands: string[]): void {
  const receptacle = game.receptacles[r];
  const devices = game.appliances[r]!;
  const held = state.held;
  commands.push(`examine ${receptacle}`);
  if ((devices & appliance.openable) !== 0) commands.push(`${state.open.includes(r) ? 'close' : 'open'} ${receptacle}`);
  if (held < 0) return;
  const object = game.objects[held];
  const traits = game.traits[held]!;
  if (game.accepts[r * game.objectCount + held] === 1 && isAccessible(game, state, r)) {
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

function addContents(game: Game, state: AlfworldState, r: number, commands: string[]): void {
  const isOpen = isAccessible(game, state, r);
  for (const o of contentsOf(game, state, r)) {
    const traits = game.traits[o]!;
    const name = game.objects[o];
    if ((traits & trait.toggleable) !== 0) commands.push(`use ${name}`);
    if (!isOpen) continue;
    if (game.examinesInReach) commands.push(`examine ${name}`);
    if (state.held < 0 && (traits & trait.pickupable) !== 0) commands.push(`take ${name} from ${game.receptacles[r]}`);
  }
}

function addHeld(game: Game, state: AlfworldState, commands: string[]): void {
  if (state.held < 0) return;
  commands.push(`examine ${game.objects[state.held]}`);
  if ((game.traits[state.held]! & trait.knife) === 0) return;
  for (let o = 0; o < game.objects.length; o++) {
    if ((game.traits[o]! & trait.sliceable) === 0 || !isNear(game, state, o, state.at)) continue;
    commands.push(`slice ${game.objects[o]} with ${game.objects[state.held]}`);
  }
}
