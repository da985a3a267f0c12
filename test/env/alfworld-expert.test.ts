/** The scripted expert: what it remembers, and how it plays on after other people's actions. */
import { describe, expect, it } from 'vitest';
import { createExpert } from '../../src/env/alfworld/expert.ts';
import { createMemory, remember } from '../../src/env/alfworld/expert-memory.ts';
import { parseTaskName } from '../../src/env/alfworld/task.ts';

const params = parseTaskName('pick_two_obj_and_place-Pen-None-Safe-301')!;

describe('parseTaskName()', () => {
  it('reads type, object and target, and refuses other types', () => {
    expect(parseTaskName('look_at_obj_in_light-CD-None-DeskLamp-308')).toEqual({
      type: 'look_at_obj_in_light',
      object: 'cd',
      target: 'desklamp',
    });
    expect(parseTaskName('pick_and_place_with_movable_recep-Egg-Bowl-Fridge-2')).toBeUndefined();
    expect(parseTaskName('notes')).toBeUndefined();
  });
});

describe('remember()', () => {
  it('keeps receptacles, places, the object in hand and what is settled', () => {
    const memory = createMemory();
    const isOpenable = (name: string): boolean => name === 'safe';
    const see = (lastAction: string | undefined, observation: string): void =>
      remember(memory, { observation, admissible: [], lastAction }, { params, isOpenable });
    see(
      undefined,
      'You are in the middle of a room. Looking quickly around you, you see a desk 1, and a safe 1.\nYour task is to: put two pen in safe.',
    );
    expect([...memory.receptacles]).toEqual([
      ['desk 1', 'desk'],
      ['safe 1', 'safe'],
    ]);
    see('go to desk 1', 'You arrive at desk 1. On the desk 1, you see a book 1, a pen 2, and a pen 1.');
    expect([...memory.visible.keys()]).toEqual(['book 1', 'pen 2', 'pen 1']);
    see('take pen 1 from desk 1', 'You pick up the pen 1 from the desk 1.');
    expect([memory.held, memory.origin, memory.visible.has('pen 1')]).toEqual(['pen 1', 'desk 1', false]);
    see('go to safe 1', 'The safe 1 is closed.');
    expect(memory.isChecked).toBe(false);
    see('put pen 1 in/on safe 1', 'Nothing happens.');
    expect(memory.held).toBe('pen 1');
    see('open safe 1', 'You open the safe 1. The safe 1 is open. In it, you see nothing.');
    expect([memory.isChecked, memory.backlog]).toEqual([true, ['close safe 1']]);
    see('put pen 1 in/on safe 1', 'You put the pen 1 in/on the safe 1.');
    expect([memory.held, [...memory.settled], memory.placeOf.get('pen 1')]).toEqual([undefined, ['pen 1'], 'safe 1']);
  });
});

describe('createExpert()', () => {
  it('puts down what it should not hold, where it came from', () => {
    const expert = createExpert(params, { choice: 'first' });
    const act = (lastAction: string | undefined, observation: string, admissible: readonly string[]): string =>
      expert.act({ observation, admissible, lastAction });
    const moves = ['go to desk 1', 'go to safe 1', 'look'];
    expect(act(undefined, 'Looking quickly around you, you see a desk 1, and a safe 1.', moves)).toBe('go to desk 1');
    act('go to desk 1', 'On the desk 1, you see a book 1.', ['go to safe 1', 'look', 'take book 1 from desk 1']);
    const holding = ['go to safe 1', 'look', 'put book 1 in/on desk 1'];
    expect(act('take book 1 from desk 1', 'You pick up the book 1 from the desk 1.', holding)).toBe(
      'put book 1 in/on desk 1',
    );
  });

  it('examines a receptacle it cannot go to because it stands before it', () => {
    const expert = createExpert(parseTaskName('pick_and_place_simple-Pen-None-Safe-301')!, { choice: 'first' });
    expert.act({
      observation: 'you see a shelf 2, and a shelf 1.',
      admissible: ['go to shelf 1', 'go to shelf 2'],
      lastAction: undefined,
    });
    const action = expert.act({
      observation: 'On the shelf 1, you see nothing.',
      admissible: ['examine shelf 1', 'examine shelf 2', 'look'],
      lastAction: 'go to shelf 1',
    });
    expect(action).toBe('examine shelf 2');
  });

  it('always has something to say', () => {
    const expert = createExpert(params, { choice: { seed: 'x' } });
    expect(typeof expert.act({ observation: '', admissible: [], lastAction: undefined })).toBe('string');
    expect(expert.act({ observation: 'Nothing happens.', admissible: ['look'], lastAction: 'nonsense' })).toBe('look');
  });
});
