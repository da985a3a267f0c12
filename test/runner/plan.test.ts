import { describe, expect, it } from 'vitest';
import { keysOf } from '../../src/runner/key.ts';
import { selectNodes, sortPlan, withInputs } from '../../src/runner/plan.ts';
import { node, plan } from './echo.ts';

const messageOf = (work: () => unknown): { message: string; hint?: string } => {
  try {
    work();
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    return hint === undefined ? { message } : { message, hint };
  }
  throw new Error('it did not throw');
};

describe('sortPlan()', () => {
  it('puts inputs first', () => {
    const sorted = sortPlan(plan(node('c', {}, ['b']), node('a'), node('b', {}, ['a'])));
    expect(sorted.nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('refuses a cycle and names it', () => {
    const cyclic = plan(node('x'), node('a', {}, ['c', 'x']), node('b', {}, ['a']), node('c', {}, ['b']));
    expect(messageOf(() => sortPlan(cyclic))).toEqual({
      message: 'Cannot plan experiment "echo": stages wait for each other, a -> c -> b -> a, expected no cycle',
    });
  });

  it('refuses an unknown input and suggests the nearest', () => {
    expect(messageOf(() => sortPlan(plan(node('explore'), node('sft'), node('ppo', {}, ['explor']))))).toEqual({
      message: 'Cannot plan experiment "echo": stage "ppo" needs "explor", expected one of explore, sft, ppo',
      hint: 'Did you mean "explore"?',
    });
  });

  it('refuses two nodes of one name', () => {
    expect(messageOf(() => sortPlan(plan(node('a'), node('a'))))).toEqual({
      message: 'Cannot plan experiment "echo": two stages are called "a", expected one name per stage',
    });
  });
});

describe('selectNodes() and withInputs()', () => {
  const lanes = plan(node('sft/seed=1'), node('ppo@2/seed=1', {}, ['sft/seed=1']), node('sft/seed=2'));

  it('know a node by its id, by its name without lane and by its stage', () => {
    expect([...selectNodes(lanes, ['sft/seed=2'], '--only')]).toEqual(['sft/seed=2']);
    expect([...selectNodes(lanes, ['sft'], '--only')]).toEqual(['sft/seed=1', 'sft/seed=2']);
    expect(selectNodes(lanes, ['echo'], '--only').size).toBe(3);
  });

  it('take all that a node needs', () => {
    expect([...withInputs(lanes, new Set(['ppo@2/seed=1']))].sort()).toEqual(['ppo@2/seed=1', 'sft/seed=1']);
  });

  it('refuse a name nothing has', () => {
    expect(messageOf(() => selectNodes(lanes, ['sfd'], '--only'))).toEqual({
      message: 'Cannot use --only "sfd": no stage has that name, expected one of echo, sft, ppo@2',
      hint: 'Did you mean "sft"?',
    });
  });
});

describe('keysOf()', () => {
  const keyOf = (change: object = {}, params: object = { rate: 1, decay: 2 }): string =>
    keysOf(plan({ ...node('a', params as never), ...change })).get('a')!;

  it('leaves ids and resources out', () => {
    expect(keysOf(plan({ ...node('b', { rate: 1, decay: 2 }), resources: { threads: 9 } })).get('b')).toBe(keyOf());
  });

  it.each([
    ['a parameter', {}, { rate: 1, decay: 3 }],
    ['two swapped values', {}, { rate: 2, decay: 1 }],
    ['a parameter that is not there', {}, { rate: 1 }],
    ['the version', { version: 2 }, undefined],
    ['the stage', { stage: 'other' }, undefined],
  ])('changes with %s', (_, change, params) => {
    expect(keyOf(change, params)).not.toBe(keyOf());
  });

  it('does not depend on the order of parameters', () => {
    expect(keyOf({}, { decay: 2, rate: 1 })).toBe(keyOf());
  });

  it('changes with the key of an input, and with the role it plays', () => {
    const last = (rate: number, inputs: Record<string, string>): string =>
      keysOf(plan(node('a', { rate }), node('b', { rate: 0 }), { ...node('c'), inputs })).get('c')!;
    expect(last(1, { x: 'a', y: 'b' })).not.toBe(last(2, { x: 'a', y: 'b' }));
    expect(last(1, { x: 'a', y: 'b' })).not.toBe(last(1, { x: 'b', y: 'a' }));
  });

  it('stays as it was written down, so that stores outlive versions of spa', () => {
    // sha256 of {"inputs":{},"kind":"stage","name":"echo","params":{"decay":2,"rate":1},"version":1}
    expect(keyOf()).toBe('a017ddf1e35335611fbc7c68c3ea10e753d59bebc5b58c891c0ecfc07b2ff2ef');
  });
});
