/** Generated households: the same from the same seed, apart between splits, solvable from anywhere, and as hard as promised. */
import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/base/hash.ts';
import { createRng } from '../../src/base/rng.ts';
import { activities } from '../../src/env/virtualhome/generate/activity.ts';
import { carried, furniture } from '../../src/env/virtualhome/generate/catalogue.ts';
import { type GenerateOptions, generatorVersion, openGenerated } from '../../src/env/virtualhome/generate/generated.ts';
import { drawHomes, layoutOf } from '../../src/env/virtualhome/generate/home.ts';
import type { SceneGraph } from '../../src/env/virtualhome/graph.ts';
import { nodeStates, relations } from '../../src/env/virtualhome/graph.ts';
import type { HouseholdTask } from '../../src/env/virtualhome/household.ts';
import { openVirtualhome } from '../../src/env/virtualhome/virtualhome.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';
import { withoutNames } from './virtualhome-support.ts';

const counts = { train: 150, valid_seen: 45, valid_unseen: 45 };

testEnvironment('virtualhome, generated small', () => openVirtualhome({ source: 'generated', seed: 1, counts }), {
  tasksPerSplit: 6,
  expertLimit: 20,
});
testEnvironment(
  'virtualhome, generated full',
  () => openVirtualhome({ source: 'generated', seed: 1, counts, size: 'full' }),
  { tasksPerSplit: 2, expertLimit: 20 },
);
testAdversary('virtualhome, generated', () => openVirtualhome({ source: 'generated', seed: 2, counts }), {
  forms: ['Walk to %', 'Grab %', 'Put % in %', 'Put % on fridge', 'Pour % into %', '[WALK] <%> (1)'],
  kept: withoutNames,
});

/** Returns the furniture of a graph and its rooms. */
function layoutIn(graph: SceneGraph): string {
  const nameOf = new Map(graph.nodes.map((node) => [node.id, node.class_name]));
  const drawn: Record<string, string> = {};
  for (const { from_id, relation_type, to_id } of graph.edges) {
    const name = nameOf.get(from_id)!;
    if (relation_type === 'INSIDE' && furniture[name] !== undefined) drawn[name] = nameOf.get(to_id)!;
  }
  return layoutOf(drawn);
}

/** What a task asks for, in class names: the same in every household. */
function wishOf({ task, revised_graph }: HouseholdTask, graph: SceneGraph): string {
  const nameOf = new Map(graph.nodes.map((node) => [node.id, node.class_name]));
  const nodes = revised_graph.nodes.map((node) => node.class_name).sort();
  const edges = revised_graph.revised_add_edges.map(
    (edge) => `${nameOf.get(edge.from_id)} ${edge.relation_type} ${nameOf.get(edge.to_id)}`,
  );
  return JSON.stringify([task, nodes, edges.sort()]);
}

function readAll(options: GenerateOptions, split: string) {
  const source = openGenerated(options);
  return source.tasks(split).map((task) => ({ task, ...source.read(task) }));
}

describe("source 'generated'", () => {
  it('makes the tasks this version has always made; bump generatorVersion when this changes', () => {
    const first = (size: 'small' | 'full'): string => {
      const source = openGenerated({ seed: 1, counts, size });
      const tasks = source.splits.flatMap((split) => source.tasks(split).slice(0, 15));
      return hashJson(tasks.map((task) => [task.id, { ...source.read(task) }]));
    };
    expect({ generatorVersion, small: first('small'), full: first('full') }).toEqual({
      generatorVersion: 1,
      small: 'ee299bb974776eaa0e3bd9899d41840dd166eaa76fe0932d0c9b1b929fcd60cf',
      full: '23c0223da03518aeafa296c0c389a6f67e8dcb5b9a5148d4b16613852faef8dd',
    });
  });

  it('does not depend on how many tasks are asked for, nor on the order they are read in', () => {
    const few = openGenerated({ seed: 5, counts: { train: 3, valid_seen: 0, valid_unseen: 1 } });
    const many = openGenerated({ seed: 5, counts });
    const last = many.read(many.tasks('train')[60]!);
    expect(many.tasks('train').slice(0, 3)).toEqual(few.tasks('train'));
    expect(many.read(many.tasks('train')[2]!)).toEqual(few.read(few.tasks('train')[2]!));
    const again = openGenerated({ seed: 5, counts });
    expect(again.read(again.tasks('train')[60]!)).toEqual(last);
    expect(openGenerated({ seed: 6, counts }).tasks('train')[2]).not.toEqual(few.tasks('train')[2]);
  });

  it.each(['small', 'full'] as const)('writes graphs as VirtualHome does, of the promised size (%s)', (size) => {
    const [least, most] = size === 'small' ? [22, 50] : [150, 350];
    const members = ['id', 'class_name', 'category', 'properties', 'states', 'prefab_name', 'bounding_box'];
    for (const { graph } of readAll({ seed: 2, counts: { ...counts, train: 15 }, size }, 'train')) {
      expect(graph.nodes.length).toBeGreaterThanOrEqual(least!);
      expect(graph.nodes.length).toBeLessThanOrEqual(most!);
      const ids = new Set(graph.nodes.map((node) => node.id));
      expect(ids.size).toBe(graph.nodes.length);
      expect(graph.nodes.filter((node) => node.class_name === 'character')).toHaveLength(1);
      const odd = graph.nodes.filter((node) => Object.keys(node).join() !== members.join());
      expect(odd).toEqual([]);
      const states = new Set(graph.nodes.flatMap((node) => node.states));
      expect([...states].filter((state) => !nodeStates.some((known) => known === state))).toEqual([]);
      const loose = graph.edges.filter(
        ({ from_id, relation_type, to_id }) =>
          !ids.has(from_id) || !ids.has(to_id) || !relations.some((known) => known === relation_type),
      );
      expect(loose).toEqual([]);
    }
  });

  it('names one thing with each word a task needs, and gives a working machine no open door and no loose plug', () => {
    for (const size of ['small', 'full'] as const) {
      for (const { graph, record } of readAll({ seed: 3, counts, size }, 'valid_seen')) {
        const named = graph.nodes.filter(({ class_name }) => furniture[class_name] ?? carried[class_name]);
        expect(new Set(named.map((node) => node.class_name)).size).toBe(named.length);
        for (const name of Object.keys(record.object_id_dict))
          expect(graph.nodes.filter((node) => node.class_name === name)).toHaveLength(1);
        for (const { states } of graph.nodes)
          if (states.includes('ON')) expect(states.filter((s) => s === 'OPEN' || s === 'PLUGGED_OUT')).toEqual([]);
      }
    }
  });

  it.each(['small', 'full'] as const)('keeps unseen homes out of training (%s)', (size) => {
    const options = { seed: 2, counts, size };
    const layouts = (split: string): string[] => readAll(options, split).map(({ graph }) => layoutIn(graph));
    const train = new Set(layouts('train'));
    expect(train.size).toBeGreaterThan(30);
    for (const layout of layouts('valid_unseen')) expect(train).not.toContain(layout);
    const homes = drawHomes({ seed: 2, size, homes: { train: 48, unseen: 12 } });
    const known = new Set(homes.filter((home) => !home.isUnseen).map((home) => layoutOf(home.furniture)));
    for (const layout of layouts('valid_seen')) expect(known).toContain(layout);
    expect(new Set(homes.map((home) => layoutOf(home.furniture))).size).toBe(60);
  });

  it('asks unseen homes also for what was never asked in training', () => {
    const options = { seed: 2, counts: { train: 900, valid_seen: 90, valid_unseen: 90 } };
    const wishes = (split: string): string[] =>
      readAll(options, split).map(({ record, graph }) => wishOf(record, graph));
    const [train, seen, unseen] = [wishes('train'), wishes('valid_seen'), wishes('valid_unseen')];
    const known = new Set([...train, ...seen]);
    const fresh = unseen.filter((wish) => !known.has(wish));
    expect(fresh.length / unseen.length).toBeGreaterThan(0.2);
  });

  it('gives seen homes new tasks', () => {
    const texts = (split: string): string[] =>
      readAll({ seed: 2, counts }, split).map(({ record, graph }) => hashJson([record.revised_graph, { ...graph }]));
    const train = new Set(texts('train'));
    expect(train.size).toBe(counts.train);
    for (const text of texts('valid_seen')) expect(train).not.toContain(text);
  });

  it('is solved by the planner in five to nine actions as a rule, every activity alike often', () => {
    const households = readAll({ seed: 3, counts }, 'train');
    const lengths = households.map(({ record }) => record.action_list!.length).sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeGreaterThanOrEqual(5);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(9);
    expect(lengths.at(-1)).toBeLessThanOrEqual(20);
    const names = Object.keys(activities);
    for (const name of names)
      expect(households.filter(({ task }) => task.type === name)).toHaveLength(counts.train / names.length);
  });

  it('leaves something to be done, which the recorded solution does at its last action', () => {
    const world = openVirtualhome({ source: 'generated', seed: 4, counts });
    const source = openGenerated({ seed: 4, counts });
    for (const task of source.tasks('valid_unseen')) {
      const { record } = source.read(task);
      let { state } = world.reset(task);
      record.action_list!.forEach((action, index) => {
        const turn = world.step(task, state, action);
        expect(turn.grounded).toBe(true);
        expect(turn.success).toBe(index === record.action_list!.length - 1);
        expect(world.remaining!(task, turn.state)).toBe(record.action_list!.length - 1 - index);
        state = turn.state;
      });
    }
  });

  it('cannot be spoiled: after any hundred actions there is still a plan', () => {
    const world = openVirtualhome({ source: 'generated', seed: 7, counts });
    for (const task of world.tasks('valid_unseen').slice(0, 30)) {
      const rng = createRng(['spoil', task.id]);
      let { state } = world.reset(task);
      for (let i = 0; i < 100; i++) {
        const turn = world.step(task, state, meddle(world.admissible!(task, state), rng));
        if (turn.success) break;
        state = turn.state;
      }
      expect(world.remaining!(task, state), task.id).toBeLessThanOrEqual(40);
    }
  });

  it('has nothing in it that the rules could lose: no lids on what is carried, no clothes, no furniture to carry', () => {
    for (const { properties, homes } of Object.values(carried)) {
      expect(properties).toContain('GRABBABLE');
      expect(properties.filter((property) => ['CAN_OPEN', 'CLOTHES', 'CONTAINERS'].includes(property))).toEqual([]);
      for (const home of homes) expect(furniture).toHaveProperty(home);
    }
    for (const { properties } of Object.values(furniture)) expect(properties).not.toContain('GRABBABLE');
  });

  it('refuses counts that are not whole numbers', () => {
    expect(() => openGenerated({ seed: 1, counts: { ...counts, train: 1.5 } })).toThrow(
      'Cannot generate VirtualHome tasks: train is 1.5, expected a whole number from 0',
    );
  });

  it('has a digest that follows every option', () => {
    const digest = (options: Partial<GenerateOptions>): string =>
      openGenerated({ seed: 1, counts, ...options }).digest('train');
    const digests = [{}, { seed: 2 }, { size: 'full' as const }, { homes: { train: 12, unseen: 3 } }].map(digest);
    expect(new Set(digests).size).toBe(4);
    expect(digest({ size: 'small', counts: { ...counts, valid_seen: 1 } })).toBe(digests[0]);
  });
});

/** Prefers actions that change something over looks, walks and touches. */
function meddle(admissible: readonly string[], rng: ReturnType<typeof createRng>): string {
  const changing = admissible.filter((action) => !/^(Find|Run|Turn|Touch|Look|Point|Push|Pull|Move|Type)/.test(action));
  const strong = changing.filter((action) => !action.startsWith('Walk'));
  return rng.pick(strong.length > 0 && rng.uniform() < 0.7 ? strong : changing);
}
