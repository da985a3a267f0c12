/** Every action the world would execute now, written as an agent would write it. An action names classes, so there is one entry per class and action. */
import { type ActionName, actionNames, arity, templates, writeAction } from './action.ts';
import { resolve } from './object-id.ts';
import { parseAction } from './parse.ts';
import { type House, liveOf, namesOf } from './play.ts';
import { closeNodes } from './reach.ts';
import { type Attempt, rules } from './rule.ts';
import { held, type VirtualhomeState } from './state.ts';

/** Actions on one object that may be possible from afar; the others ask for nearness first. */
const fromAfar: readonly ActionName[] = [
  ...(['WALK', 'RUN', 'FIND', 'TURNTO', 'LOOKAT', 'POINTAT', 'WATCH', 'GREET'] as const),
  ...(['DROP', 'RELEASE', 'DRINK', 'READ', 'PUTON', 'PUTOFF', 'PUTOBJBACK'] as const),
];
const byArity = [0, 1, 2].map((count) => actionNames.filter((name) => arity(name) === count));
const phrasebook = new Map<ActionName, Map<string, string | undefined>>(actionNames.map((name) => [name, new Map()]));

/** Lists the actions, sorted. A class whose name the parser cannot read back is left out. */
export function admissible(house: House, state: VirtualhomeState): readonly string[] {
  const live = liveOf(house, state);
  const { members } = live.scene;
  const close = closeNodes(live);
  const start: Attempt = { live, object: -1, target: -1, close: (node) => close[node] === 1 };
  const can = (name: ActionName, attempt: Attempt): boolean =>
    rules[name].allows(attempt) &&
    !(house.rules.strictHead && (name === 'PUTOFF' || (name === 'FIND' && close[attempt.object] === 0)));
  const found: string[] = [];
  const keep = (name: ActionName, classes: readonly string[]): void => {
    const text = phrase(name, classes);
    if (text !== undefined) found.push(text);
  };
  for (const name of byArity[0]!) if (can(name, start)) keep(name, []);
  const names = namesOf(house, state);
  for (const first of members.keys()) {
    names.last = state.last;
    const object = resolve(live, { name: 'FIND', args: [first] }, names)?.[0];
    if (object === undefined) continue;
    const attempt = { ...start, object };
    for (const name of close[object] === 1 ? byArity[1]! : fromAfar) if (can(name, attempt)) keep(name, [first]);
  }
  for (const first of new Set(held(live).map((node) => live.scene.nodes[node]!.class_name))) {
    const pair = namesOf(house, state);
    for (const second of members.keys()) {
      pair.last = state.last;
      const nodes = resolve(live, { name: 'PUTIN', args: [first, second] }, pair);
      if (nodes === undefined) continue;
      const attempt = { ...start, object: nodes[0]!, target: nodes[1]! }; // resolve gives one node per argument
      for (const name of byArity[2]!) if (can(name, attempt)) keep(name, [first, second]);
    }
  }
  return found.sort();
}

/** Writes an action so that it reads back as itself: with spaces, else with the class names as they are, else not at all. */
function phrase(name: ActionName, classes: readonly string[]): string | undefined {
  const known = phrasebook.get(name)!; // it has every name
  const key = classes.length === 1 ? classes[0]! : classes.join(' ');
  if (known.has(key)) return known.get(key);
  const asWritten = classes.reduce((text, word) => text.replace('{}', () => word), templates[name] as string);
  const fitting = [writeAction(name, classes), asWritten.charAt(0).toUpperCase() + asWritten.slice(1)].find((text) => {
    const line = parseAction(text);
    return line.name === name && line.args.join(' ') === classes.join(' ');
  });
  known.set(key, fitting);
  return fitting;
}
