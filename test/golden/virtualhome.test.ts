/**
 * VirtualHome against the original programs: the parser, the patched evolving_graph executor on synthetic households, the replay of released tasks, and
 * the recordings themselves. Golden files: ../shared/spec/golden/vh_*.json; each says in its `note` what made it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openFiles } from '../../src/env/virtualhome/files.ts';
import { removeDuplicateEdges, type SceneEdge, type SceneGraph } from '../../src/env/virtualhome/graph.ts';
import { sight } from '../../src/env/virtualhome/observe.ts';
import { parseAction, writeLine } from '../../src/env/virtualhome/parse.ts';
import { type House, openEpisode, openHouse, stepEpisode } from '../../src/env/virtualhome/play.ts';
import { compileScene } from '../../src/env/virtualhome/scene.ts';
import { openState, toGraph, untouched } from '../../src/env/virtualhome/state.ts';
import {
  comparePrograms,
  edgeText,
  hasHouseholds,
  observationSets,
  performProgram,
  vhRoot,
} from '../env/virtualhome-support.ts';

const golden = (name: string): string => fileURLToPath(new URL(`../../../shared/spec/golden/${name}`, import.meta.url));
const read = <T>(name: string): T => JSON.parse(readFileSync(golden(name), 'utf8')) as T; // its shape is what the README beside it says
const hasGolden = existsSync(golden('vh_parse.json'));

interface MicroStep {
  readonly program: string;
  readonly ok: boolean;
  readonly added: readonly (readonly [number, string, number])[];
  readonly removed: readonly (readonly [number, string, number])[];
  readonly states: Readonly<Record<string, readonly string[]>>;
  readonly visibleNodeIds?: readonly number[];
}

/** Plays the steps one after another; what each changed must be what the original executor changed. */
function playMicro(graph: SceneGraph, steps: readonly MicroStep[], dedupe: boolean): void {
  const live = openState(compileScene(graph, { dedupe }), untouched);
  let before = toGraph(live);
  steps.forEach((step, i) => {
    const where = `${i}: ${step.program}`;
    expect(performProgram(live, step.program) === 'done', where).toBe(step.ok);
    const after = toGraph(live);
    const [old, now] = [new Set(before.edges.map(edgeText)), new Set(after.edges.map(edgeText))];
    const wrote = (edges: readonly (readonly [number, string, number])[]): string[] =>
      edges.map((edge) => edge.join(' ')).sort();
    expect([...now].filter((edge) => !old.has(edge)).sort(), where).toEqual(wrote(step.added));
    expect([...old].filter((edge) => !now.has(edge)).sort(), where).toEqual(wrote(step.removed));
    const changed = after.nodes.flatMap((node, n) =>
      JSON.stringify([...node.states].sort()) === JSON.stringify([...before.nodes[n]!.states].sort())
        ? []
        : [[String(node.id), [...node.states].sort()] as const],
    );
    expect(Object.fromEntries(changed), where).toEqual(step.states);
    if (step.visibleNodeIds !== undefined) {
      const canSee = sight(live);
      const seen = live.scene.nodes.flatMap(({ id }, n) => (canSee(n) ? [id] : []));
      expect(
        seen.sort((a, b) => a - b),
        where,
      ).toEqual(step.visibleNodeIds);
    }
    before = after;
  });
}

describe.skipIf(!hasGolden)('VirtualHome against the original programs', () => {
  it('parses actions as the released wrapper does', () => {
    const cases = read<readonly { readonly in: string; readonly out: string }[]>('vh_parse.json');
    expect(cases.length).toBe(43);
    expect(cases.map((one) => writeLine(parseAction(one.in)))).toEqual(cases.map((one) => one.out));
  });

  it('removes duplicate edges as the released wrapper does', () => {
    const { removeDuplicateEdge } = read<{
      readonly removeDuplicateEdge: readonly Readonly<
        Record<'in' | 'out', readonly (readonly [number, string, number])[]>
      >[];
    }>('vh_micro2.json');
    expect(removeDuplicateEdge.length).toBeGreaterThan(0);
    const edges = (list: readonly (readonly [number, string, number])[]): SceneEdge[] =>
      list.map(([from_id, relation_type, to_id]) => ({ from_id, relation_type, to_id }));
    for (const one of removeDuplicateEdge) expect(removeDuplicateEdges(edges(one.in))).toEqual(edges(one.out));
  });

  it('executes the synthetic household step by step as the original executor, with duplicate edges removed', () => {
    const { initGraphRaw, edgesAfterDedup, steps } = read<{
      readonly initGraphRaw: SceneGraph;
      readonly edgesAfterDedup: readonly unknown[];
      readonly steps: readonly MicroStep[];
    }>('vh_micro.json');
    expect(removeDuplicateEdges(initGraphRaw.edges).length).toBe(edgesAfterDedup.length);
    expect(steps.length).toBe(74);
    playMicro(initGraphRaw, steps, true);
  });

  it('executes it and sees the same things with duplicate edges kept', () => {
    const { graph, steps } = read<{ readonly graph: SceneGraph; readonly steps: readonly MicroStep[] }>(
      'vh_micro2.json',
    );
    expect(steps.length).toBeGreaterThan(20);
    playMicro(graph, steps, false);
  });
});

const houses = (split: string): readonly House[] => {
  const source = openFiles({ root: vhRoot });
  return source.tasks(split).map((task) => {
    const { record, graph } = source.read(task);
    return openHouse({ record }, { scene: compileScene(graph), seed: task.id, rules: {} });
  });
};

describe.skipIf(!hasHouseholds)('VirtualHome against its recordings', () => {
  const tested = ['seen', 'unseen'].flatMap((split) => (hasHouseholds ? houses(split) : []));

  it('replays all 75 test tasks of Scene 1: 621 of 621 recorded observations, each goal reached', () => {
    let equal = 0;
    for (const house of tested) {
      let { state, observation } = openEpisode(house);
      expect(observation).toBe(`The task is ${house.record.task}(${house.record.description}).`);
      let isWon = false;
      house.record.action_list!.forEach((action, i) => {
        const turn = stepEpisode(house, state, action);
        expect(turn.grounded, `${house.seed}: ${action}`).toBe(true);
        expect(observationSets(turn.observation), `${house.seed}: ${action}`).toEqual(
          observationSets(house.record.ObserANDState![i]!),
        );
        equal += 1;
        isWon ||= turn.done;
        ({ state, observation } = turn);
      });
      expect(isWon, house.seed).toBe(true);
    }
    expect([tested.length, equal]).toEqual([75, 621]);
  });

  it.skipIf(!hasGolden)(
    'replays the 54 traces of the original wrapper: programs, observations and ends of episodes',
    () => {
      const { episodes } = read<{ readonly episodes: readonly Trace[] }>('vh_real_traces.json');
      expect(episodes.length).toBe(54);
      for (const episode of episodes) {
        const house = tested.find(({ seed }) => seed === `${episode.split}/${episode.graph.replace(/\.json$/, '')}`)!;
        let { state } = openEpisode(house);
        let firstDone = -1;
        episode.steps.forEach((step, i) => {
          const turn = stepEpisode(house, state, step.action);
          expect(turn.grounded).toBe(true);
          expect(observationSets(turn.observation), `${house.seed}: ${step.action}`).toEqual({
            items: [...step.observation.tokens].sort(),
            hold: [...step.observation.hold].sort(),
          });
          expect(turn.done, `${house.seed}: ${step.action}`).toBe(step.done);
          if (turn.done && firstDone === -1) firstDone = i;
          state = turn.state;
        });
        expect(firstDone).toBe(episode.firstDoneStep);
      }
    },
  );

  it('ends 115 recorded programs in the recorded graph: every state, every edge but CLOSE edges of the person', () => {
    expect(comparePrograms(vhRoot)).toEqual({
      programs: 115,
      exact: 83,
      ownCloseDiffers: 32,
      refused: [],
      otherDiffers: [],
    });
  });
});

interface Trace {
  readonly split: string;
  readonly graph: string;
  readonly firstDoneStep: number;
  readonly steps: readonly {
    readonly action: string;
    readonly observation: { readonly tokens: readonly string[]; readonly hold: readonly string[] };
    readonly done: boolean;
  }[];
}
