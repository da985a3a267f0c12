/** The tolerant reader, names and goals of ALFWorld problems. */
import { describe, expect, it } from 'vitest';
import { compileGoal, type Facts } from '../../src/env/alfworld/goal.ts';
import { nameEntities } from '../../src/env/alfworld/name.ts';
import { parseProblem, readRules } from '../../src/env/alfworld/problem.ts';
import { parseSexpr, typedNames } from '../../src/env/alfworld/sexpr.ts';
import type { AlfworldState } from '../../src/env/alfworld/state.ts';

describe('parseSexpr()', () => {
  it('drops comments and case, closes what is open, and ignores what follows', () => {
    expect(parseSexpr('; (no)\n(A (b C) ; x)\n d)')).toEqual(['a', ['b', 'c'], 'd']);
    expect(parseSexpr('(a (b')).toEqual(['a', ['b']]);
    expect(parseSexpr('(a) b) (c)')).toEqual(['a']);
  });

  it('refuses a text without a list', () => {
    expect(() => parseSexpr('; (only a comment)')).toThrow(
      new SyntaxError('Cannot read s-expression: the text has no "(", expected a list'),
    );
  });

  it('reads typed lists, several names to a type', () => {
    expect(typedNames(['?a', '?b', '-', 'agent', '?c'])).toEqual([
      { name: '?a', type: 'agent' },
      { name: '?b', type: 'agent' },
      { name: '?c', type: 'object' },
    ]);
  });
});

describe('parseProblem()', () => {
  it('ignores distances and keeps facts', () => {
    const text =
      '(define (problem p) (:objects a - agent l - location) (:init (= (distance l l) 3) (atLocation a l)) (:goal (and)))';
    expect(parseProblem(text).facts).toEqual([['atlocation', 'a', 'l']]);
  });

  it('names the section that is missing', () => {
    expect(() => parseProblem('(define (:objects) (:init))')).toThrow(
      'Cannot read PDDL problem: it has no (:goal …), expected one',
    );
  });
});

describe('readRules()', () => {
  it('takes the types of cleaning from the domain and the others from ALFWorld', () => {
    const domain =
      '(define (:action CleanObject :precondition (or (receptacleType ?r SinkType) (receptacleType ?r TubType))))';
    expect(readRules(domain).clean).toEqual(['sinktype', 'tubtype']);
    expect(readRules(domain).heat).toEqual(['microwavetype']);
    expect(readRules('').clean).toEqual(['sinkbasintype']);
  });
});

describe('nameEntities()', () => {
  it('numbers ids of one class from the end of their order, and tells basins apart', () => {
    const names = nameEntities(['cup_bar_b', 'cup_bar_a', 'sink_bar_1', 'sink_bar_1_bar_sinkbasin', 'agent1']);
    expect(Object.fromEntries(names)).toEqual({
      cup_bar_a: 'cup 2',
      cup_bar_b: 'cup 1',
      sink_bar_1: 'sink 1',
      sink_bar_1_bar_sinkbasin: 'sinkbasin 1',
      agent1: 'agent1',
    });
  });
});

describe('compileGoal()', () => {
  // Two boxes (0, 1) and two cups (2, 3); box 0 is red. `in` changes: cup c is in box b when state.placed holds c * 10 + b.
  const facts: Facts = {
    entity: (name) => ({ box0: 0, box1: 1, cup0: 2, cup1: 3 })[name],
    ofType: (type) => (type === 'box' ? [0, 1] : type === 'cup' ? [2, 3] : []),
    changing: (predicate) =>
      predicate === 'in' ? { test: (state, c, b) => state.placed.includes(c * 10 + b), reads: ['placed'] } : undefined,
    constant: (predicate) => (a) => predicate === 'red' && a === 0,
  };
  const holds = (goal: string, ...placed: number[]): boolean =>
    compileGoal(parseSexpr(goal), facts).isReached({ placed } as unknown as AlfworldState); // the facts read nothing else

  it.each([
    ['(in cup0 box1)', [21], true],
    ['(in cup0 box1)', [20], false],
    ['(exists (?c - cup ?b - box) (and (red ?b) (in ?c ?b)))', [21, 31], false],
    ['(exists (?c - cup ?b - box) (and (red ?b) (in ?c ?b)))', [21, 30], true],
    ['(forall (?c - cup) (exists (?b - box) (in ?c ?b)))', [21], false],
    ['(forall (?c - cup) (exists (?b - box) (in ?c ?b)))', [21, 30], true],
    ['(exists (?b - box ?x - cup ?y - cup) (and (not (= ?x ?y)) (in ?x ?b) (in ?y ?b)))', [20, 31], false],
    ['(exists (?b - box ?x - cup ?y - cup) (and (not (= ?x ?y)) (in ?x ?b) (in ?y ?b)))', [21, 31], true],
    ['(or (in cup0 box0) (not (in cup1 box0)))', [30], false],
    ['(imply (in cup0 box0) (in cup1 box0))', [20], false],
    ['(exists (?c - cup) (and (in ?c box0) (exists (?c - cup) (in ?c box1))))', [20, 31], true],
    ['(exists (?n - nothing) (red ?n))', [], false],
    ['(and)', [], true],
  ] as const)('%s with %j is %s', (goal, placed, expected) => {
    expect(holds(goal, ...placed)).toBe(expected);
  });

  it('says which parts of a state it reads', () => {
    expect(compileGoal(parseSexpr('(and (red box0) (in cup0 box0))'), facts).reads).toEqual(['placed']);
    expect(compileGoal(parseSexpr('(red box0)'), facts).reads).toEqual([]);
  });

  it('refuses a variable without a quantifier', () => {
    expect(() => holds('(red ?b)')).toThrow('Cannot read goal: variable ?b is not bound, expected a quantifier');
  });
});
