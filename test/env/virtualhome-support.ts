/** Where the real households are, if they are, and how recorded observations and final graphs are compared. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '../../src/base/json.ts';
import type { SceneEdge, SceneGraph } from '../../src/env/virtualhome/graph.ts';
import { completeRules, type House, perform } from '../../src/env/virtualhome/play.ts';
import { compileScene } from '../../src/env/virtualhome/scene.ts';
import { type Live, openState, toGraph, untouched } from '../../src/env/virtualhome/state.ts';

/** Folder of real households. */
export const vhRoot =
  process.env.VIRTUALHOME_DATA ?? fileURLToPath(new URL('../../../shared/data/virtualhome', import.meta.url));

/** True if the real households are there. */
export const hasHouseholds = existsSync(
  `${vhRoot}/programs_processed_precond_nograb_morepreconds/init_and_final_graphs`,
);

/** A state without what names mean, which a refused action may fix. */
export function withoutNames({ meant: _meant, last: _last, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** What an observation says, without its order: items (states inside one sorted) and what is held, both sorted. */
export function observationSets(text: string): { readonly items: readonly string[]; readonly hold: readonly string[] } {
  const [, seen = '', hands] = /^(.*?)(?:You have (.*)\. ?)?$/s.exec(text) ?? [];
  const split = (list: string): string[] =>
    [...new Set(list.replace(/\.\s*$/, '').split(', '))].filter((item) => item !== '');
  const items = split(seen.trim()).map((item) => {
    const [name, states] = item.split(' is ');
    return states === undefined ? item : `${name} is ${states.split(' and ').sort().join(' and ')}`;
  });
  return { items: [...new Set(items)].sort(), hold: split(hands ?? '').sort() };
}

/** Writes an edge as one text. */
export function edgeText({ from_id, relation_type, to_id }: SceneEdge): string {
  return `${from_id} ${relation_type} ${to_id}`;
}

/** Performs `[WALK] <sink> (42)` or `[WALK] <sink> (1.42)` by id, the way the original executor is called. */
export function performProgram(live: Live, program: string): 'done' | 'refused' | 'fault' {
  const name = /^\[(\w+)\]/.exec(program)?.[1] ?? '';
  const objects = [...program.matchAll(/<([^>]+)> \((?:\d+\.)?(\d+)\)/g)];
  const nodes = objects.map(([, , id]) => live.scene.indexOf.get(Number(id)) ?? -1);
  const line = { name, args: objects.map(([, word]) => word!) };
  const house = { rules: completeRules({}) } as House; // perform() reads the rules only
  return perform(house, live, { line, nodes: nodes.includes(-1) ? undefined : nodes });
}

/** How recorded programs end. */
export interface ProgramComparison {
  programs: number;
  /** Every state and every edge as recorded. */
  exact: number;
  /** Every state, and every edge but CLOSE edges from or to the person. */
  ownCloseDiffers: number;
  /** Programs of which a step is refused. */
  readonly refused: string[];
  readonly otherDiffers: string[];
}

/**
 * Runs every program under a root from its recorded start and compares its end with the recorded one. CLOSE edges of the person are told apart because
 * the graphs were recorded by an older executor whose WALK came close to other things (what the target lies on, what is inside it).
 */
export function comparePrograms(root: string): ProgramComparison {
  const base = join(root, 'programs_processed_precond_nograb_morepreconds');
  const graphs = join(base, 'init_and_final_graphs');
  const result: ProgramComparison = { programs: 0, exact: 0, ownCloseDiffers: 0, refused: [], otherDiffers: [] };
  for (const file of readdirSync(graphs, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.json(\.gz)?$/.test(file)) continue;
    const bytes = readFileSync(join(graphs, file));
    const { init_graph, final_graph } = JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
    const text = readFileSync(join(base, 'executable_programs', file.replace(/\.json(\.gz)?$/, '.txt')), 'utf8');
    const live = openState(compileScene(init_graph, { dedupe: false }), untouched);
    result.programs += 1;
    if (!text.split('\n').every((line) => !line.startsWith('[') || performProgram(live, line) === 'done'))
      result.refused.push(file);
    else {
      const difference = compareGraphs(toGraph(live), final_graph, live.scene.nodes[live.scene.character]!.id);
      if (difference === 'none') result.exact += 1;
      else if (difference === 'own CLOSE') result.ownCloseDiffers += 1;
      else result.otherDiffers.push(file);
    }
  }
  return result;
}

function compareGraphs(mine: SceneGraph, final: SceneGraph, person: number): 'none' | 'own CLOSE' | 'other' {
  const states = ({ nodes }: SceneGraph): string =>
    JSON.stringify(nodes.map(({ id, states: now }) => `${id} ${[...now].sort().join()}`).sort());
  if (states(mine) !== states(final)) return 'other';
  const [own, theirs] = [
    new Map(mine.edges.map((e) => [edgeText(e), e])),
    new Map(final.edges.map((e) => [edgeText(e), e])),
  ];
  const differing = [...own.entries()].filter(([text]) => !theirs.has(text));
  differing.push(...[...theirs.entries()].filter(([text]) => !own.has(text)));
  if (differing.length === 0) return 'none';
  const isOwnClose = ({ from_id, relation_type, to_id }: SceneEdge): boolean =>
    relation_type === 'CLOSE' && (from_id === person || to_id === person);
  return differing.every(([, edge]) => isOwnClose(edge)) ? 'own CLOSE' : 'other';
}
