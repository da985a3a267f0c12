/** The 42 actions: their names in programs and how an agent writes them. Source: SPA-RL `eval_agent/envs/virtualhome_env.py` `EvolveGraphAction`. */

/** Name of each action and its sentence; `{}` stands for an object. */
export const templates = {
  CLOSE: 'close {}',
  DRINK: 'drink {}',
  FIND: 'find {}',
  WALK: 'walk to {}',
  GRAB: 'grab {}',
  LOOKAT: 'look at {}',
  OPEN: 'open {}',
  POINTAT: 'point at {}',
  PUTBACK: 'put {} on {}',
  PUTIN: 'put {} in {}',
  PUTOBJBACK: 'put back {}',
  RUN: 'run to {}',
  SIT: 'sit on {}',
  STANDUP: 'stand up',
  SWITCHOFF: 'switch off {}',
  SWITCHON: 'switch on {}',
  TOUCH: 'touch {}',
  TURNTO: 'turn to {}',
  WATCH: 'watch {}',
  WIPE: 'wipe {}',
  PUTON: 'put on {}',
  PUTOFF: 'take off {}',
  GREET: 'greet {}',
  DROP: 'drop {}',
  READ: 'read {}',
  LIE: 'lie on {}',
  POUR: 'pour {} into {}',
  TYPE: 'type on {}',
  PUSH: 'push {}',
  PULL: 'pull {}',
  MOVE: 'move {}',
  WASH: 'wash {}',
  RINSE: 'rinse {}',
  SCRUB: 'scrub {}',
  SQUEEZE: 'squeeze {}',
  PLUGIN: 'plug in {}',
  PLUGOUT: 'plug out {}',
  CUT: 'cut {}',
  EAT: 'eat {}',
  SLEEP: 'sleep',
  WAKEUP: 'wake up',
  RELEASE: 'release {}',
} as const;

/** Name of an action in a program. */
export type ActionName = keyof typeof templates;

/** Every action. */
export const actionNames = Object.keys(templates) as readonly ActionName[]; // its keys are the names

/** Number of objects an action takes: 0, 1 or 2. */
export function arity(action: ActionName): number {
  return templates[action].split('{}').length - 1;
}

/** True if a word is the name of an action. */
export function isActionName(word: string): word is ActionName {
  return Object.hasOwn(templates, word);
}

/** Writes an action as the recordings do, e.g. `Put coffee cup on table`: class names with spaces. */
export function writeAction(action: ActionName, classes: readonly string[]): string {
  const rest = [...classes];
  const text = templates[action].replace(/\{\}/g, () => rest.shift()?.replaceAll('_', ' ') ?? '');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
