/** VirtualHome behind the contract of every world: generated households and, where present, the published ones. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import type { Environment, Task } from '../../src/env/environment.ts';
import { openVirtualhome } from '../../src/env/virtualhome/virtualhome.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';
import { hasHouseholds, vhRoot, withoutNames } from './virtualhome-support.ts';

const forms = ['Walk to %', 'Put % on %', 'Pour % into %', 'Release %', '%: %', '[WALK] <%> (1)', 'grab %> (77'];

describe.skipIf(!hasHouseholds)('with published households in ../shared or VIRTUALHOME_DATA', () => {
  const open = (): Environment => openVirtualhome({ source: 'files', root: vhRoot });
  // Washing the person leaves it CLEAN for good, and some goals want it otherwise: see the next test for how often the expert recovers.
  testEnvironment('virtualhome (files)', open, { tasksPerSplit: 4, recovers: false });
  testAdversary('virtualhome (files)', open, { forms, tasks: 10, states: 5, kept: withoutNames });

  it('is won by its expert against noise unless the noise did what cannot be undone', () => {
    const world = open();
    let won = 0;
    const tasks = ['seen', 'unseen'].flatMap((split) => world.tasks(split));
    const lost = tasks.filter((task) => !winsAgainstNoise(world, task));
    won = tasks.length - lost.length;
    expect({ tasks: tasks.length, won }).toEqual({ tasks: 75, won: 74 });
    expect(lost.map(({ id }) => id)).toEqual([
      'seen/TrimmedTestScene1_graph/results_text_rebuttal_specialparsed_programs_upworknturk_second/split139_1', // the person was rinsed
    ]);
  });
});

describe.skipIf(!hasHouseholds)('with published households, ids not given away', () => {
  const open = (): Environment => openVirtualhome({ source: 'files', root: vhRoot, leakIds: false });
  testEnvironment('virtualhome (files, ids hidden)', open, { tasksPerSplit: 2, lacks: ['expert', 'remaining'] });

  it('has no expert, since a recording is about its own instances', () => {
    expect(open().expert).toBeUndefined();
  });
});

describe.skipIf(!hasHouseholds)('the public code with its faults (strictHead)', () => {
  let world: Environment;
  let task: Task;
  beforeAll(() => {
    world = openVirtualhome({ source: 'files', root: vhRoot, strictHead: true });
    task = world.tasks('seen').find(({ id }) => id.endsWith('file710_1'))!;
  });

  it('answers FIND of something far and PUTOFF with the wrapper error text', () => {
    const { state } = world.reset(task);
    const fault = { observation: "Error Input. Your input must contains 'Action: '", grounded: false, done: false };
    expect(world.step(task, state, 'Find sink')).toMatchObject(fault);
    expect(world.step(task, state, 'Take off sink')).toMatchObject(fault);
    const near = world.step(task, state, 'Walk to sink').state;
    expect(world.step(task, near, 'Find sink').grounded).toBe(true);
  });

  it('never notices that the person sits', () => {
    const seated = world.tasks('seen').find(({ id }) => id.endsWith('file299_1'))!;
    const play = (at: Environment): boolean => {
      let { state } = at.reset(seated);
      for (const action of ['Walk to home office', 'Walk to couch', 'Sit on couch']) {
        const turn = at.step(seated, state, action);
        expect(turn.grounded, action).toBe(true);
        state = turn.state;
      }
      return at.step(seated, state, 'Walk to bathroom').grounded;
    };
    expect(play(world)).toBe(true);
    expect(play(openVirtualhome({ source: 'files', root: vhRoot }))).toBe(false);
  });
});

describe.skipIf(!hasHouseholds)('a refused action', () => {
  const open = (refusalFixesNames?: boolean): Environment =>
    openVirtualhome({
      source: 'files',
      root: vhRoot,
      ...(refusalFixesNames === undefined ? {} : { refusalFixesNames }),
    });
  const after = (world: Environment, action: string) => {
    const task = world.tasks('seen').find(({ id }) => id.endsWith('file710_1'))!;
    const { state } = world.reset(task);
    const turn = world.step(task, state, action);
    expect(turn).toMatchObject({ grounded: false, reward: 0, observation: 'Nothing happens.' });
    return { before: state, now: turn.state };
  };

  it('fixes what its names mean unless told otherwise, and changes nothing else', () => {
    const { before, now } = after(open(), 'Grab television');
    expect(now).not.toEqual(before);
    expect(withoutNames(now)).toEqual(withoutNames(before));
    expect(now.meant).toEqual([['television', now.last]]);
    const kept = after(open(false), 'Grab television');
    expect(kept.now).toEqual(kept.before);
  });

  it.each(['Paint television', 'television', 'Grab television and chair today', 'Grab no-such-thing'])(
    'that is none of the world (%s) notes nothing',
    (action) => {
      const { before, now } = after(open(), action);
      expect(now).toEqual(before);
    },
  );
});

describe.skipIf(!hasHouseholds)('the digest', () => {
  it('changes with each rule', () => {
    const rules = [{}, { leakIds: false }, { strictHead: true }, { refusalFixesNames: false }];
    const digests = rules.map((rule) => openVirtualhome({ source: 'files', root: vhRoot, ...rule }).digest('seen'));
    expect(new Set(digests).size).toBe(4);
  });
});

/** One action in five is foreign, one in ten is nonsense, as in the contract suite. */
function winsAgainstNoise(world: Environment, task: Task): boolean {
  const expert = world.expert!(task);
  const rng = createRng(['noise', task.id]);
  let { state, observation } = world.reset(task);
  let lastAction: string | undefined;
  for (let turns = 0; turns < 60; turns++) {
    const admissible = world.admissible!(task, state);
    const planned = expert.act({ observation, admissible, lastAction });
    expect(admissible).toContain(planned);
    const noise = rng.uniform();
    lastAction = noise < 0.1 ? 'no such action' : noise < 0.3 ? rng.pick(admissible) : planned;
    const turn = world.step(task, state, lastAction);
    if (turn.success) return true;
    ({ state, observation } = turn);
  }
  return false;
}
