/** ALFWorld against TextWorld + alfworld from PyPI: the same games (unpacked for the original), the same actions. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openAlfworld } from '../../../dist/env/alfworld/alfworld.js';
import { expertRun, randomRun } from './runs.mjs';
import { shared } from './shared.mjs';

export const title = 'ALFWorld';
export const script = 'alfworld_player.py';
/** The original computes its list of admissible commands in every step, asked for or not. */
export const listsAlways = true;
export const taskCount = 12;
export const rounds = 3;
export const liveOriginals = 12;
export const includes =
  'a step is action in; observation, reward, done out. The original computes its list of admissible commands in every step, asked for or not';

/** Opens real games if there are any, else generated ones. */
export function open() {
  const root = process.env.ALFWORLD_DATA ?? shared('alfworld');
  if (root !== undefined && existsSync(root))
    return { world: openAlfworld({ source: 'files', root }), what: 'real games', root };
  const counts = { train: 30, valid_seen: 0, valid_unseen: 0 };
  const world = openAlfworld({ source: 'generated', seed: 1, counts, size: 'full' });
  return { world, what: 'generated games, as no real ones are here' };
}

/** Chooses `count` games, the same number of each task type where that can be. */
export function choose(world, count) {
  const all = world.splits.flatMap((split) => world.tasks(split));
  const types = [...new Set(all.map((task) => task.type))];
  const each = Math.ceil(count / types.length);
  return types.flatMap((type) => {
    const some = all.filter((task) => task.type === type);
    return Array.from({ length: each }, (_, i) => some[Math.floor((i * some.length) / each)]);
  });
}

/** Records the expert and random admissible play. */
export function record(world, tasks) {
  return {
    'expert play': { runs: tasks.map((task) => expertRun(world, task)) },
    'random play': { runs: tasks.map((task) => randomRun(world, task)) },
  };
}

/** Writes the games as plain files for the original and says which actions to play in them. */
export function specOf(plays, { root }) {
  if (root === undefined) return undefined; // generated games hold a domain too small for TextWorld
  const temp = mkdtempSync(join(tmpdir(), 'spa-bench-games-'));
  const tree = existsSync(join(root, 'json_2.1.1')) ? join(root, 'json_2.1.1') : root;
  const files = new Map();
  for (const { task } of plays.flatMap(({ runs }) => runs)) {
    if (files.has(task.id)) continue;
    const plain = join(tree, task.id, 'game.tw-pddl');
    const bytes = existsSync(plain) ? readFileSync(plain) : gunzipSync(readFileSync(`${plain}.gz`));
    const file = join(temp, String(files.size), 'game.tw-pddl');
    mkdirSync(join(file, '..'));
    writeFileSync(file, bytes);
    files.set(task.id, file);
  }
  const runOf = ({ task, actions }) => ({ key: task.id, file: files.get(task.id), actions });
  const spec = { plays: plays.map(({ runs }) => ({ runs: runs.map(runOf) })) };
  return { spec, remove: () => rmSync(temp, { recursive: true, force: true }) };
}

/** Everything the two worlds must agree on in one episode. */
export function compare(world, { task, actions }, theirs) {
  const opened = world.reset(task);
  const opening = theirs.opening.observation.split('\n\n').slice(1).join('\n').trim();
  const pairs = [{ kind: 'observations', where: `${task.id}, opening`, ours: opened.observation, theirs: opening }];
  let { state } = opened;
  let answer = theirs.opening;
  for (const [i, action] of actions.entries()) {
    const where = `${task.id}, step ${i} "${action}"`;
    pairs.push({ kind: 'lists', where, ...difference(world.admissible(task, state), answer.admissible) });
    const turn = world.step(task, state, action);
    answer = theirs.turns[i];
    pairs.push({ kind: 'observations', where, ours: turn.observation, theirs: processed(answer.observation) });
    pairs.push({ kind: 'wins', where, ours: String(turn.success), theirs: String(answer.success) });
    ({ state } = turn);
  }
  return pairs;
}

/** What only one of two lists holds; equal lists give equal texts. */
function difference(ours, theirs) {
  const only = (some, others) => some.filter((action) => !others.includes(action)).join(' | ');
  return { ours: `only: ${only(ours, theirs)}`, theirs: `only: ${only(theirs, ours)}` };
}

/** What the agent's wrapper does to a text (eval_agent/envs/alfworld_env.py `process_ob`). */
function processed(text) {
  const shown = text.startsWith('You arrive at loc ') ? text.slice(text.indexOf('. ') + 2) : text;
  return shown.trim();
}
