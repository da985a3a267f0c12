/** VirtualHome against xavierpuigf/virtualhome's evolving graph, alone and behind SPA-RL's agent side: the same tasks, graphs and actions. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFiles } from '../../../dist/env/virtualhome/files.js';
import { openVirtualhome } from '../../../dist/env/virtualhome/virtualhome.js';
import { expertRun, randomRun } from './runs.mjs';
import { shared, sourceOf } from './shared.mjs';

export const title = 'VirtualHome';
export const script = 'virtualhome_player.py';
export const includes =
  "a step is action text in; observation, goal check out. 'executor alone': the original gets ready program lines and tells and checks nothing, ours does all";
/** The original has no list of admissible actions. */
export const listsAlways = false;
export const taskCount = 12;
export const rounds = 5;
export const liveOriginals = 6;

/** Opens real tasks if there are any, else generated households. */
export function open() {
  const root = process.env.VIRTUALHOME_DATA ?? shared('virtualhome');
  if (root !== undefined && existsSync(root))
    return { world: openVirtualhome({ source: 'files', root }), what: 'real tasks (STeCa, Scene 1)', root };
  const world = openVirtualhome({
    source: 'generated',
    seed: 1,
    counts: { train: 1, valid_seen: 12, valid_unseen: 1 },
  });
  return { world, what: 'generated households, as no real ones are here' };
}

/** Chooses tasks from all over the test splits. */
export function choose(world, count) {
  const splits = world.splits.filter((split) => split !== 'train');
  const all = splits.flatMap((split) => world.tasks(split));
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor((i * all.length) / count)]);
}

/**
 * Records the expert (here: the recorded solution) and random admissible play. Where several things bear a name the original draws one by
 * chance; it is then given the draws of ours, so that both go on with the same thing.
 */
export function record(world, tasks) {
  const expert = tasks.map((task) => expertRun(world, task));
  return {
    'expert play': { runs: expert },
    'random play': { runs: tasks.map((task) => drawnRun(world, task)) },
    'expert play, executor alone': { runs: expert, executorAlone: true, incomparable: true },
  };
}

/** A random run with the things its names came to mean. */
function drawnRun(world, task) {
  const { actions, state } = randomRun(world, task);
  return { task, actions, drawn: state.meant.map(([, id]) => id) };
}

/** Unpacks the graphs for the original and says which tasks and actions to play in them. */
export function specOf(plays, { root }) {
  const virtualhome = sourceOf('VIRTUALHOME_SOURCE', 'virtualhome', 'virtualhome/simulation');
  const spa = sourceOf('SPA_SOURCE', 'spa', 'eval_agent');
  if (root === undefined || virtualhome === undefined || spa === undefined) return undefined;
  const temp = mkdtempSync(join(tmpdir(), 'spa-bench-house-'));
  const source = openFiles({ root });
  const unpackedTasks = new Map();
  const unpacked = (task) => {
    const known = unpackedTasks.get(task.id);
    if (known !== undefined) return known;
    const { record, graph } = source.read(task);
    const file = join(temp, `${unpackedTasks.size}.json`);
    writeFileSync(file, JSON.stringify({ init_graph: graph }));
    unpackedTasks.set(task.id, { record, graph: file });
    return { record, graph: file };
  };
  const equivalence = join(virtualhome, 'virtualhome/resources/class_name_equivalence.json');
  const spec = {
    virtualhome,
    spa,
    temp,
    equivalence: existsSync(equivalence) ? JSON.parse(readFileSync(equivalence, 'utf8')) : {},
    plays: plays.map(({ runs, executorAlone = false }) => ({
      executorAlone,
      runs: runs.map(({ task, actions, drawn = [] }) => ({ key: task.id, actions, drawn, ...unpacked(task) })),
    })),
  };
  return { spec, remove: () => rmSync(temp, { recursive: true, force: true }) };
}

/** Everything the two worlds must agree on in one episode; texts as sets, as the original's order is that of Python's hashes. */
export function compare(world, { task, actions }, theirs) {
  const opened = world.reset(task);
  const pairs = [
    {
      kind: 'observations (as sets)',
      where: `${task.id}, opening`,
      ours: opened.observation,
      theirs: theirs.opening.observation,
    },
  ];
  let { state } = opened;
  for (const [i, action] of actions.entries()) {
    const where = `${task.id}, step ${i} "${action}"`;
    const turn = world.step(task, state, action);
    const { observation, done } = theirs.turns[i];
    pairs.push({ kind: 'observations (as sets)', where, ours: parts(turn.observation), theirs: parts(observation) });
    pairs.push({ kind: 'goals', where, ours: String(turn.success), theirs: String(done) });
    ({ state } = turn);
  }
  return pairs;
}

/** The things of an observation in a fixed order, the states of each sorted too. */
function parts(text) {
  const [seen, held = ''] = text.split(/(?:^|(?<=\. ))You have /);
  const things = seen.split(/, |\. /).filter(Boolean);
  const sorted = things.map((thing) => {
    const [name, states] = thing.split(' is ');
    return states === undefined ? name : `${name} is ${states.split(' and ').sort().join(' and ')}`;
  });
  const hands = held
    .split(/, |\. /)
    .filter(Boolean)
    .sort();
  return `${[...new Set(sorted)].sort().join(', ')} | ${hands.join(', ')}`;
}
