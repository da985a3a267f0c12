/** Published households on disk: what is listed, what is left out and why, and damaged files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { openFiles } from '../../src/env/virtualhome/files.ts';
import type { SceneEdge, SceneGraph } from '../../src/env/virtualhome/graph.ts';
import { taskOfProgram } from '../../src/env/virtualhome/program.ts';
import { openVirtualhome } from '../../src/env/virtualhome/virtualhome.ts';
import { playExpert } from './support.ts';
import { hasHouseholds, vhRoot } from './virtualhome-support.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const node = (
  id: number,
  class_name: string,
  category: string,
  properties: readonly string[],
  states: readonly string[],
) => ({
  id,
  class_name,
  category,
  properties,
  states,
  prefab_name: null,
  bounding_box: null,
});

/** A kitchen with a lamp that is off, and a bedroom with the person in it. */
const home: SceneGraph = {
  nodes: [
    node(1, 'kitchen', 'Rooms', [], ['CLEAN']),
    node(2, 'bedroom', 'Rooms', [], ['CLEAN']),
    node(3, 'character', 'Characters', [], []),
    node(4, 'lamp', 'Lamps', ['HAS_SWITCH'], ['OFF', 'CLEAN']),
    node(5, 'lamp', 'Lamps', ['HAS_SWITCH'], ['OFF', 'CLEAN']),
  ],
  edges: [
    { from_id: 3, relation_type: 'INSIDE', to_id: 2 },
    { from_id: 4, relation_type: 'INSIDE', to_id: 1 },
    { from_id: 5, relation_type: 'INSIDE', to_id: 2 },
  ],
};
const lines = ['[WALK] <kitchen> (1.1)', '[FIND] <lamp> (1.4)', '[SWITCHON] <lamp> (1.4)'];
const program = (...steps: readonly string[]): string => ['Light', 'Make it bright', '', '', ...steps].join('\n');
const key = 'TrimmedTestScene9_graph/results_x/file1_1';
const base = 'programs_processed_precond_nograb_morepreconds';

const record = {
  task: 'Light',
  description: 'Make it bright',
  id: '7',
  path: `/home/somebody/executable_programs/${key}.txt`,
  action_list: ['Find lamp', 'Switch on lamp'],
  object_id_dict: { lamp: 4 },
  revised_graph: { nodes: [{ id: 4, states: ['CLEAN', 'ON'] }], revised_nodes: [], revised_add_edges: [] },
};

function write(files: Readonly<Record<string, string | Buffer>>): string {
  const root = mkdtempSync(join(tmpdir(), 'households-'));
  folders.push(root);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

const graphText = JSON.stringify({ init_graph: home, final_graph: home });
const whole = {
  [`${base}/init_and_final_graphs/${key}.json.gz`]: gzipSync(graphText),
  [`${base}/executable_programs/${key}.txt`]: program(...lines),
};

describe('published households', () => {
  it('offer test tasks whose graph is there, plain or compressed, and leave out the others by name', () => {
    const far = { ...record, path: record.path.replace('file1_1', 'file2_1') };
    const root = write({
      ...whole,
      'tasks/STeCa/vh_seen_test.jsonl': `${JSON.stringify(record)}\n${JSON.stringify(far)}\n`,
    });
    const source = openFiles({ root });
    expect(source.splits).toEqual(['seen']);
    expect(source.tasks('seen')).toEqual([{ id: `seen/${key}`, split: 'seen', type: 'Light' }]);
    expect(source.leftOut('seen')).toEqual([
      { id: `seen/${key.replace('file1_1', 'file2_1')}`, reason: 'has no scene graph here' },
    ]);
  });

  it('are won by the recording, and not by another lamp', () => {
    const world = openVirtualhome({
      source: 'files',
      root: write({ ...whole, 'new_unseen_test.jsonl': JSON.stringify(record) }),
    });
    const [task] = world.tasks('unseen');
    expect(playExpert(world, task!)).toEqual({ actions: record.action_list, success: true });
    const { state } = world.reset(task!);
    expect(world.step(task!, state, 'Switch on lamp')).toMatchObject({
      grounded: false,
      observation: 'Nothing happens.',
    });
  });

  it('turn programs that no test names into tasks of train', () => {
    const world = openVirtualhome({ source: 'files', root: write(whole) });
    expect(world.splits).toEqual(['train']);
    const [task] = world.tasks('train');
    expect(world.reset(task!).observation).toBe('The task is Light(Make it bright).');
    expect(playExpert(world, task!).success).toBe(true);
  });

  it('are refused by name where files are missing or damaged', () => {
    const fails = (files: Readonly<Record<string, string | Buffer>>): string => {
      try {
        const world = openVirtualhome({ source: 'files', root: write(files) });
        for (const split of world.splits) for (const task of world.tasks(split)) world.reset(task);
        return 'no error';
      } catch (error) {
        expect(error).toBeInstanceOf(SpaError);
        return error instanceof SpaError && error.badInput ? error.message : 'no bad input';
      }
    };
    const graphFile = `${base}/init_and_final_graphs/${key}.json`;
    expect(fails({ readme: '' })).toContain(`has no ${base}/init_and_final_graphs`);
    expect(fails({ ...whole, 'new_seen_test.jsonl': '{"task": "Li' })).toContain('new_seen_test.jsonl:1');
    expect(fails({ ...whole, 'new_seen_test.jsonl': '{}' })).toContain('it lacks task');
    expect(fails({ ...whole, 'new_seen_test.jsonl': JSON.stringify({ ...record, revised_graph: {} }) })).toContain(
      'it lacks a whole revised_graph',
    );
    expect(
      fails({ ...whole, [`${base}/init_and_final_graphs/${key}.json.gz`]: gzipSync(graphText).subarray(0, 99) }),
    ).toContain('unexpected end of file');
    expect(
      fails({ [graphFile]: '{"final_graph": {}}', [`${base}/executable_programs/${key}.txt`]: program(...lines) }),
    ).toContain('no init_graph');
    const strange = JSON.stringify({
      init_graph: { ...home, edges: [{ from_id: 3, relation_type: 'LIKES', to_id: 1 }] },
    });
    expect(fails({ [graphFile]: strange, [`${base}/executable_programs/${key}.txt`]: program(...lines) })).toContain(
      'edge 3 LIKES 1 leads nowhere',
    );
  });
});

describe('taskOfProgram()', () => {
  const make = (...steps: readonly string[]): unknown =>
    taskOfProgram(program(...steps), { id: 'train/x', graph: home });

  it('takes as goal what the replay changes', () => {
    expect(make(...lines)).toMatchObject({
      task: 'Light',
      action_list: ['Walk to kitchen', 'Find lamp', 'Switch on lamp'],
      object_id_dict: { kitchen: 1, lamp: 4 },
      revised_graph: {
        nodes: [{ id: 4, states: ['ON', 'CLEAN'] }],
        revised_nodes: [{ from_id: 3, relation_type: 'INSIDE', to_id: 2 }],
        revised_add_edges: [
          { from_id: 3, relation_type: 'INSIDE', to_id: 1 },
          { from_id: 3, relation_type: 'CLOSE', to_id: 4 },
          { from_id: 4, relation_type: 'CLOSE', to_id: 3 },
        ],
      },
    });
  });

  it('says why a program cannot be a task', () => {
    expect(make()).toBe('has no action');
    expect(make('[DANCE] <lamp> (1.4)')).toBe('names an unknown action');
    expect(make('[WALK] <lamp> (1.4)', '[WALK] <lamp> (2.5)')).toBe('means two things of one class');
    expect(make('[SWITCHON] <lamp> (1.4)')).toBe('is refused on the way');
    expect(make('[WALK] <bedroom> (1.2)')).toBe('changes nothing');
  });
});

describe.skipIf(!hasHouseholds)('with published households in ../shared or VIRTUALHOME_DATA', () => {
  it('offers 33 + 34 + 41 tasks of Scene 1 and says why the others are not', () => {
    const source = openFiles({ root: vhRoot });
    const counts = source.splits.map((split) => {
      const reasons = source.leftOut(split).map(({ reason }) => reason);
      const count = (reason: string): [string, number] => [reason, reasons.filter((one) => one === reason).length];
      return [split, source.tasks(split).length, Object.fromEntries([...new Set(reasons)].sort().map(count))];
    });
    expect(counts).toEqual([
      ['train', 33, { 'is refused on the way': 4, 'means two things of one class': 3 }], // the 4 need edges that removeDuplicateEdges() takes away
      ['seen', 34, { 'has no scene graph here': 213 }],
      ['unseen', 41, { 'has no scene graph here': 206 }],
    ]);
  });

  it('gives the goals of the published tasks: every edge of 75, every node of 71', () => {
    const source = openFiles({ root: vhRoot });
    const [edges, nodes] = [{ same: 0 }, { same: 0 }];
    for (const task of ['seen', 'unseen'].flatMap((split) => source.tasks(split))) {
      const { record: published, graph } = source.read(task);
      const made = taskOfProgram(['', '', ...published.new_program_lines!].join('\n'), { id: task.id, graph });
      if (typeof made === 'string') throw new Error(`${task.id} ${made}`);
      const text = ({ from_id, relation_type, to_id }: SceneEdge): string => `${from_id} ${relation_type} ${to_id}`;
      const [own, theirs] = [made.revised_graph, published.revised_graph];
      expect(own.revised_add_edges.map(text).sort()).toEqual(theirs.revised_add_edges.map(text).sort());
      expect(own.revised_nodes.map(text).sort()).toEqual(theirs.revised_nodes.map(text).sort());
      edges.same += 1;
      const states = (list: typeof own.nodes): string =>
        JSON.stringify(list.map(({ id, states: now = [] }) => [id, [...now].sort()]).sort());
      if (states(own.nodes) === states(theirs.nodes)) nodes.same += 1;
    }
    expect([edges, nodes]).toEqual([{ same: 75 }, { same: 71 }]);
  });

  it('is played by its expert exactly as recorded, up to the first time the goal holds', () => {
    const world = openVirtualhome({ source: 'files', root: vhRoot });
    const source = openFiles({ root: vhRoot });
    for (const task of source.tasks('seen').slice(0, 10)) {
      const { actions, success } = playExpert(world, task);
      expect(success).toBe(true);
      expect(actions).toEqual(source.read(task).record.action_list!.slice(0, actions.length));
    }
  });
});
