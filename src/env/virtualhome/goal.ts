/**
 * Whether a task is done: a difference between the scene and its recorded end, checked after every action. It also counts where the agent stands,
 * so that walking away undoes it. Source: SPA-RL `eval_agent/envs/virtualhome_env.py` `check_env`.
 */
import { canonicalJson } from '../../base/json.ts';
import type { SceneNode } from './graph.ts';
import type { HouseholdGoal } from './household.ts';
import { codeOf, type Scene, stateBits } from './scene.ts';
import { type Live, statesOf } from './state.ts';

/** A goal on a compiled scene. */
export interface Goal {
  /** Codes of edges that must be there; -1 for one that cannot be. */
  readonly present: readonly number[];
  /** Codes of edges that must be gone. */
  readonly absent: readonly number[];
  /** Nodes and the states, as bits, they must be in exactly. */
  readonly states: readonly (readonly [node: number, bits: number])[];
  /** True if a member no action changes differs, so that the goal can never hold. */
  readonly isImpossible: boolean;
}

/** Compiles a goal. A node of the goal that the scene lacks makes it impossible; the reference would compare another node. */
export function compileGoal(scene: Scene, goal: HouseholdGoal): Goal {
  const states: [number, number][] = [];
  let isImpossible = false;
  for (const wanted of goal.nodes) {
    const index = wanted.id === undefined ? undefined : scene.indexOf.get(wanted.id);
    if (index === undefined || !fits(wanted, scene.nodes[index]!)) isImpossible = true;
    else if (wanted.states !== undefined) states.push([index, stateBits(wanted.states)]);
  }
  const present = goal.revised_add_edges.map((edge) => codeOf(scene, edge));
  const absent = goal.revised_nodes.map((edge) => codeOf(scene, edge)).filter((code) => code !== -1);
  return { present, absent, states, isImpossible: isImpossible || present.includes(-1) };
}

function fits(wanted: Partial<SceneNode>, node: SceneNode): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    if (key === 'states') return true;
    const own: unknown = node[key as keyof SceneNode]; // an unknown key reads undefined, which never fits
    if (Array.isArray(value) && Array.isArray(own))
      return canonicalJson([...new Set(value)].sort()) === canonicalJson([...new Set(own)].sort());
    return canonicalJson(value ?? null) === canonicalJson(own ?? null);
  });
}

/** What of a goal does not hold yet. */
export interface Missing {
  readonly present: readonly number[];
  readonly absent: readonly number[];
  readonly states: readonly (readonly [node: number, bits: number])[];
}

/** Lists what does not hold. */
export function missing(live: Live, goal: Goal): Missing {
  return {
    present: goal.present.filter((code) => !hasCode(live, code)),
    absent: goal.absent.filter((code) => hasCode(live, code)),
    states: goal.states.filter(([node, bits]) => statesOf(live, node) !== bits),
  };
}

/** True if the task is done. */
export function isReached(live: Live, goal: Goal): boolean {
  return (
    !goal.isImpossible &&
    goal.present.every((code) => hasCode(live, code)) &&
    !goal.absent.some((code) => hasCode(live, code)) &&
    goal.states.every(([node, bits]) => statesOf(live, node) === bits)
  );
}

function hasCode(live: Live, code: number): boolean {
  if (code < 0) return false;
  if (((live.scene.edges[code >> 3]! >> (code & 7)) & 1) === 1) return !live.removed.has(code);
  return live.added.includes(code);
}
