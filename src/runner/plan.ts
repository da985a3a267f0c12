/** Order and shape of plans: inputs first, no cycles, no unknown inputs, and parts of a plan. */
import { badInput } from '../base/error.ts';
import { nearest } from '../base/suggest.ts';
import type { Plan, StageNode } from './stage.ts';

/**
 * Returns the plan with every node after its inputs; otherwise the order is kept.
 * @throws {SpaError} Bad input: two nodes of one id, an input that does not exist, or a cycle, which is named.
 */
export function sortPlan(plan: Plan): Plan {
  const context = `Cannot plan experiment "${plan.experiment}"`;
  const byId = new Map<string, StageNode>();
  for (const node of plan.nodes) {
    if (byId.has(node.id)) {
      throw badInput('manifest', `${context}: two stages are called "${node.id}", expected one name per stage`);
    }
    byId.set(node.id, node);
  }
  const sorted: StageNode[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (node: StageNode, path: readonly string[]): void => {
    if (state.get(node.id) === 'done') return;
    if (state.get(node.id) === 'open') {
      const cycle = [...path.slice(path.indexOf(node.id)), node.id].join(' -> ');
      throw badInput('manifest', `${context}: stages wait for each other, ${cycle}, expected no cycle`);
    }
    state.set(node.id, 'open');
    for (const id of Object.values(node.inputs)) visit(inputOf(byId, node, id, context), [...path, node.id]);
    state.set(node.id, 'done');
    sorted.push(node);
  };
  for (const node of plan.nodes) visit(node, []);
  return { ...plan, nodes: sorted };
}

function inputOf(byId: ReadonlyMap<string, StageNode>, node: StageNode, id: string, context: string): StageNode {
  const input = byId.get(id);
  if (input !== undefined) return input;
  const near = nearest(id, [...byId.keys()]);
  throw badInput(
    'manifest',
    `${context}: stage "${node.id}" needs "${id}", expected one of ${[...byId.keys()].join(', ')}`,
    {
      ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
    },
  );
}

/** Returns the ids of some nodes and of all they need. */
export function withInputs(plan: Plan, ids: ReadonlySet<string>): Set<string> {
  const wanted = new Set(ids);
  for (const node of [...plan.nodes].reverse()) {
    if (wanted.has(node.id)) for (const id of Object.values(node.inputs)) wanted.add(id);
  }
  return wanted;
}

/**
 * Returns the ids of the nodes a user names: by id (`sft/seed=1`), by lane-free name (`explore@2`) or by stage (`sft`).
 * @throws {SpaError} Bad input: no node has that name; with the nearest.
 */
export function selectNodes(plan: Plan, names: readonly string[], option: string): Set<string> {
  const ids = new Set<string>();
  for (const name of names) {
    const found = plan.nodes.filter((node) => [node.id, node.id.split('/')[0], node.stage].includes(name));
    if (found.length === 0) {
      const known = [...new Set(plan.nodes.flatMap((node) => [node.stage, node.id.split('/')[0]!]))];
      const near = nearest(name, [...known, ...plan.nodes.map((node) => node.id)]);
      throw badInput(
        'manifest',
        `Cannot use ${option} "${name}": no stage has that name, expected one of ${known.join(', ')}`,
        {
          ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
        },
      );
    }
    for (const node of found) ids.add(node.id);
  }
  return ids;
}
