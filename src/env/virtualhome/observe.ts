/**
 * What the agent is told after an action: the things it is close to that can be seen, how they are, and what it holds. One known oddity is kept: every
 * thing *of the class* of something seen is described, wherever it is. The reference's order is that of Python's text hashes; ours is the scene's.
 * Source: SPA-RL `eval_agent/envs/virtualhome_env.py` `conduct_action`; evolving_graph/utils.py `get_visible_nodes`.
 */
import { type NodeState, relations } from './graph.ts';
import { bit, rel } from './scene.ts';
import { held, type Live, statesOf, targets, targetsInSetOrder } from './state.ts';

/** States in the order most recordings write them. */
const spoken: readonly NodeState[] = [
  'ON',
  'OFF',
  'OPEN',
  'CLOSED',
  'PLUGGED_IN',
  'PLUGGED_OUT',
  'CLEAN',
  'DIRTY',
  'SITTING',
  'LYING',
];
const phrases = new Map<number, string>();

/** Relations that are told: ON and BETWEEN. */
const told = [rel.ON, rel.BETWEEN];

/** Describes what the agent sees; may be empty. */
export function observe(live: Live): string {
  const { scene } = live;
  const near = new Set(targets(live, rel.CLOSE, scene.character));
  const classes = new Set<string>();
  const canSee = sight(live);
  for (const node of near) {
    const name = scene.nodes[node]!.class_name;
    if (!classes.has(name) && canSee(node)) classes.add(name);
  }
  const items = new Set<string>();
  const mentioned = [...classes].flatMap((name) => scene.members.get(name)!).sort((a, b) => a - b); // a class of a node has members
  for (const node of mentioned) items.add(describe(scene.nodes[node]!.class_name, statesOf(live, node)));
  for (const from of [...near].sort((a, b) => a - b)) {
    if (!classes.has(scene.nodes[from]!.class_name)) continue;
    for (const relation of told) {
      for (const to of targets(live, relation, from)) {
        if (!near.has(to) || !classes.has(scene.nodes[to]!.class_name)) continue;
        items.add(`${scene.nodes[from]!.class_name} ${relations[relation]} ${scene.nodes[to]!.class_name}`);
      }
    }
  }
  const holding = held(live).map((node) => scene.nodes[node]!.class_name);
  const seen = items.size === 0 ? '' : `${[...items].join(', ')}. `;
  return holding.length === 0 ? seen : `${seen}You have ${holding.join(', ')}. `;
}

function describe(name: string, bits: number): string {
  if (bits === 0) return name;
  let phrase = phrases.get(bits);
  if (phrase === undefined) {
    phrase = ` is ${spoken.filter((state) => (bits & bit[state]) !== 0).join(' and ')}`;
    phrases.set(bits, phrase); // at most 2^10 of them
  }
  return name + phrase;
}

/**
 * Tells whether a node can be seen: a room, something held, or something in the character's room, at any depth, whose own container is a room or open.
 * Of several containers the last that Python would list counts as its own.
 */
export function sight(live: Live): (node: number) => boolean {
  const { scene } = live;
  const containerOf = (node: number): number => targetsInSetOrder(live, rel.INSIDE, node).at(-1) ?? -1;
  const room = containerOf(scene.character);
  const hands = new Set(held(live));
  const within = (node: number, seen: Set<number>): boolean =>
    targets(live, rel.INSIDE, node).some((at) => {
      if (at === room) return true;
      if (seen.has(at)) return false;
      seen.add(at);
      return within(at, seen);
    });
  return (node) => {
    if (scene.isRoom[node] === 1 || hands.has(node)) return true;
    if (!within(node, new Set())) return false;
    const own = containerOf(node);
    return scene.isRoom[own] === 1 || (statesOf(live, own) & bit.OPEN) !== 0;
  };
}
