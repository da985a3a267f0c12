/**
 * Evaluates goal formulas: and, or, not, imply, =, exists, forall over ground facts. A formula is compiled once; a quantified variable
 * runs only over entities its unchanging conjuncts allow, and a conjunct is tested as soon as its variables are bound.
 */
import { atomsOf, type Sexpr, typedNames } from './sexpr.ts';
import type { AlfworldState } from './state.ts';

/** What a formula is evaluated against. Entities are numbers. */
export interface Facts {
  /** Entity of a name, or undefined. */
  entity(name: string): number | undefined;
  /** Entities declared with a type. */
  ofType(type: string): readonly number[];
  /** A predicate that actions change, or undefined if it never changes. */
  changing(predicate: string): Changing | undefined;
  /** Test of an unchanging predicate; b is -1 for unary ones. */
  constant(predicate: string): (a: number, b: number) => boolean;
}

/** A predicate that actions change. */
export interface Changing {
  readonly test: (state: AlfworldState, a: number, b: number) => boolean;
  /** Parts of the state it is read from. */
  readonly reads: readonly (keyof AlfworldState)[];
}

/** A compiled formula. */
export interface Goal {
  readonly isReached: (state: AlfworldState) => boolean;
  /** Parts of the state it depends on. */
  readonly reads: readonly (keyof AlfworldState)[];
}

/** Values of variables, by slot. */
type Binding = number[];

interface Formula {
  readonly test: (state: AlfworldState, binding: Binding) => boolean;
  /** Slots of its free variables. */
  readonly slots: ReadonlySet<number>;
  readonly isStatic: boolean;
}

/** Slots of the variables in sight, and how many slots are in use. */
interface Scope {
  readonly slots: ReadonlyMap<string, number>;
  readonly size: number;
}

/**
 * Compiles a goal.
 * @throws {SyntaxError} If it uses an unknown connective or an unbound variable.
 */
export function compileGoal(expression: Sexpr, facts: Facts): Goal {
  const reads = new Set<keyof AlfworldState>();
  const source: { facts: Facts | undefined } = { facts }; // let go below: a goal must not keep its problem's text in memory
  const noting: Facts = {
    entity: (name) => source.facts!.entity(name),
    ofType: (type) => source.facts!.ofType(type),
    constant: (predicate) => source.facts!.constant(predicate),
    changing: (predicate) => {
      const found = source.facts!.changing(predicate);
      for (const part of found?.reads ?? []) reads.add(part);
      return found;
    },
  };
  const formula = compile(expression, { slots: new Map(), size: 0 }, noting);
  source.facts = undefined;
  return asGoal(formula, [...reads]);
}

function asGoal(formula: Formula, reads: Goal['reads']): Goal {
  const binding: Binding = [];
  return { isReached: (state) => formula.test(state, binding), reads };
}

function compile(expression: Sexpr, scope: Scope, facts: Facts): Formula {
  if (typeof expression === 'string')
    throw new SyntaxError(`Cannot read goal: "${expression}" is not a formula, expected a list`);
  const [head, ...rest] = expression;
  const parts = (): Formula[] => rest.map((part) => compile(part, scope, facts));
  switch (head) {
    case undefined:
      return combine([], () => true);
    case 'and': {
      const all = parts();
      return combine(all, (state, binding) => all.every((part) => part.test(state, binding)));
    }
    case 'or': {
      const all = parts();
      return combine(all, (state, binding) => all.some((part) => part.test(state, binding)));
    }
    case 'not':
      return negate(compile(rest[0] ?? [], scope, facts));
    case 'imply':
      return compile(['or', ['not', rest[0] ?? []], rest[1] ?? []], scope, facts);
    case 'forall':
      return negate(compile(['exists', rest[0] ?? [], ['not', rest[1] ?? []]], scope, facts));
    case 'exists':
      return exists(rest, scope, facts);
    default:
      return atom(expression, scope, facts);
  }
}

function combine(parts: readonly Formula[], test: Formula['test']): Formula {
  return {
    test,
    slots: new Set(parts.flatMap((part) => [...part.slots])),
    isStatic: parts.every((part) => part.isStatic),
  };
}

function negate(part: Formula): Formula {
  return combine([part], (state, binding) => !part.test(state, binding));
}

function atom(expression: readonly Sexpr[], scope: Scope, facts: Facts): Formula {
  const [predicate, ...names] = atomsOf(expression);
  const slots = new Set<number>();
  const argument = (name: string | undefined): ((binding: Binding) => number) => {
    if (name === undefined) return () => -1;
    if (!name.startsWith('?')) {
      const entity = facts.entity(name) ?? -2;
      return () => entity;
    }
    const slot = scope.slots.get(name);
    if (slot === undefined)
      throw new SyntaxError(`Cannot read goal: variable ${name} is not bound, expected a quantifier`);
    slots.add(slot);
    return (binding) => binding[slot]!;
  };
  const [a, b] = [argument(names[0]), argument(names[1])];
  if (predicate === undefined) throw new SyntaxError('Cannot read goal: a formula has no predicate, expected one');
  if (predicate === '=') return { test: (_, binding) => a(binding) === b(binding), slots, isStatic: true };
  const changing = facts.changing(predicate);
  if (changing !== undefined) {
    return { test: (state, binding) => changing.test(state, a(binding), b(binding)), slots, isStatic: false };
  }
  const constant = facts.constant(predicate);
  return { test: (_, binding) => constant(a(binding), b(binding)), slots, isStatic: true };
}

function exists(rest: readonly Sexpr[], scope: Scope, facts: Facts): Formula {
  const variables = typedNames(typeof rest[0] === 'string' ? [] : atomsOf(rest[0] ?? []));
  const base = scope.size;
  const names = new Map(scope.slots);
  for (const [i, { name }] of variables.entries()) names.set(name, base + i);
  const inner = { slots: names, size: base + variables.length };
  const parts = conjuncts(rest[1] ?? []).map((part) => compile(part, inner, facts));
  const slots = variables.map((_, i) => base + i);
  const lastSlot = (part: Formula): number => Math.max(base - 1, ...[...part.slots].filter((slot) => slot >= base));
  const isFilter = (part: Formula, slot: number): boolean =>
    part.isStatic && part.slots.size === 1 && part.slots.has(slot);
  const candidates = slots.map((slot, i) => {
    const filters = parts.filter((part) => isFilter(part, slot));
    const binding: Binding = [];
    return facts.ofType(variables[i]!.type).filter((entity) => {
      binding[slot] = entity;
      return filters.every((part) => part.test(undefined as never, binding)); // static formulas do not read the state
    });
  });
  const outer = parts.filter((part) => lastSlot(part) < base);
  const tests = slots.map((slot) => parts.filter((part) => lastSlot(part) === slot && !isFilter(part, slot)));
  const search = (state: AlfworldState, binding: Binding, level: number): boolean => {
    if (level === slots.length) return true;
    const levelTests = tests[level]!;
    for (const entity of candidates[level]!) {
      binding[base + level] = entity;
      if (levelTests.every((part) => part.test(state, binding)) && search(state, binding, level + 1)) return true;
    }
    return false;
  };
  return {
    test: (state, binding) => outer.every((part) => part.test(state, binding)) && search(state, binding, 0),
    slots: new Set(parts.flatMap((part) => [...part.slots]).filter((slot) => slot < base)),
    isStatic: parts.every((part) => part.isStatic),
  };
}

function conjuncts(expression: Sexpr): readonly Sexpr[] {
  if (typeof expression === 'string' || expression[0] !== 'and') return [expression];
  return expression.slice(1).flatMap(conjuncts);
}
