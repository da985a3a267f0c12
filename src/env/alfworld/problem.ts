/** The `pddl_problem` of a game as data: declared entities with their types, initial facts, goal; and the rules read from its domain. */
import { atomsOf, listsOf, parseSexpr, type Sexpr, typedNames } from './sexpr.ts';

/** A parsed problem. All names are lower case. */
export interface Problem {
  /** Entity id to type (`agent`, `location`, `receptacle`, `object`, `otype`, `rtype`). */
  readonly types: ReadonlyMap<string, string>;
  /** Ground facts that hold at the start: predicate, then arguments. */
  readonly facts: readonly (readonly string[])[];
  /** The goal formula. */
  readonly goal: Sexpr;
}

/**
 * Parses a problem.
 * @throws {SyntaxError} If it has no objects, facts or goal.
 */
export function parseProblem(text: string): Problem {
  const sections = new Map(listsOf(parseSexpr(text)).map((list) => [list[0], list] as const));
  const section = (name: string): readonly Sexpr[] => {
    const found = sections.get(name);
    if (found === undefined) throw new SyntaxError(`Cannot read PDDL problem: it has no (${name} …), expected one`);
    return found.slice(1);
  };
  const types = new Map(typedNames(atomsOf(section(':objects'))).map(({ name, type }) => [name, type]));
  const facts = listsOf(section(':init'))
    .filter((fact) => fact[0] !== '=' && fact[0] !== 'not')
    .map(atomsOf);
  const goal = section(':goal')[0];
  if (goal === undefined) throw new SyntaxError('Cannot read PDDL problem: its goal is empty, expected a formula');
  return { types, facts, goal };
}

/** What the domain's actions say: which types of receptacle and object they name, and what can be examined. */
export interface Rules {
  readonly clean: readonly string[];
  readonly heat: readonly string[];
  readonly cool: readonly string[];
  /** Object types that cut. */
  readonly slice: readonly string[];
  /** True if a thing can be examined where it lies; false: only in hand. */
  readonly examinesInReach: boolean;
}

const defaults = {
  clean: ['sinkbasintype'],
  heat: ['microwavetype'],
  cool: ['fridgetype'],
  slice: ['knifetype', 'butterknifetype'],
};
const rulesByDomain = new Map<string, Rules>();

/** Reads the rules of a `pddl_domain`; an action the text lacks keeps ALFWorld's types, and lets examine what is in reach. */
export function readRules(domain: string): Rules {
  const known = rulesByDomain.get(domain);
  if (known !== undefined) return known;
  const actions = domain.includes('(')
    ? new Map(listsOf(parseSexpr(domain)).flatMap((list) => (list[0] === ':action' ? [[list[1], list] as const] : [])))
    : new Map<Sexpr | undefined, readonly Sexpr[]>();
  const typesIn = (action: string, predicate: string, fallback: readonly string[]): readonly string[] => {
    const list = actions.get(action);
    return list === undefined ? fallback : constantsOf(list, predicate);
  };
  const rules = {
    clean: typesIn('cleanobject', 'receptacletype', defaults.clean),
    heat: typesIn('heatobject', 'receptacletype', defaults.heat),
    cool: typesIn('coolobject', 'receptacletype', defaults.cool),
    slice: typesIn('sliceobject', 'objecttype', defaults.slice),
    examinesInReach: !hasListedType(actions.get('examineobject') ?? [], 'location'),
  };
  rulesByDomain.set(domain, rules);
  return rules;
}

/**
 * Tells whether an expression names a type with a comma behind it. Every published game asks to examine a thing in reach of
 * `(exists (?l - location, ?r - receptacle) …)`; PDDL has no commas, so Fast Downward reads a type `location,` without objects and the
 * precondition never holds. Seen in TextWorld 1.7.0 with alfworld 0.3.3 and 0.4.2; without the comma the action is possible there.
 */
function hasListedType(expression: Sexpr, type: string): boolean {
  return typeof expression === 'string'
    ? expression === `${type},`
    : expression.some((item) => hasListedType(item, type));
}

/** Returns the constants that stand as second argument of a predicate anywhere in an expression. */
function constantsOf(expression: Sexpr, predicate: string): string[] {
  if (typeof expression === 'string') return [];
  const own = expression[0] === predicate && typeof expression[2] === 'string' ? [expression[2]] : [];
  return [
    ...own.filter((name) => !name.startsWith('?')),
    ...expression.flatMap((item) => constantsOf(item, predicate)),
  ];
}
