/** The tasks of a served world: asked of our own servers, told by the user for others, which do not list them. */
import { badInput } from '../../base/error.ts';
import { hashJson } from '../../base/hash.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Task } from '../environment.ts';
import { unknownSplit } from '../split.ts';
import { type DialectName, dialects } from './dialect.ts';
import { type Line, malformed } from './line.ts';
import { objectOf } from './reply.ts';

/** Numbers of tasks: from the first, up to but not including the last. */
export type IndexRange = readonly [from: number, to: number];

/** What our server answers to `GET /info`. */
export interface WorldCard {
  /** Marks our servers. */
  readonly server: 'spa';
  readonly name: string;
  readonly dialect: DialectName;
  /** Number of tasks, all splits together; they are numbered from 0 in the order of the splits. */
  readonly tasks: number;
  readonly splits: Readonly<Record<string, { readonly from: number; readonly to: number; readonly digest: string }>>;
}

/** Most tasks in one answer to `GET /tasks?from=…&to=…`. */
export const tasksPerPage = 1000;

/** The tasks of a served world. */
export interface TaskList {
  /** True if the server is ours: it lists its tasks, judges actions itself and closes sessions. */
  readonly isOurs: boolean;
  /** What our server calls its world. */
  readonly name: string | undefined;
  readonly splits: readonly string[];
  tasks(split: string): readonly Task[];
  digest(split: string): string;
  /** The number of a task on the server. @throws {RangeError} If it is none of this world. */
  indexOf(task: Task): number;
}

/**
 * Lists the tasks.
 * @throws {SpaError} If neither the user nor the server says which there are, or ranges overlap or exceed them (bad input); if the server
 * does not answer.
 */
export async function listTasks(
  line: Line,
  options: {
    readonly dialect: DialectName;
    readonly revision: string | null;
    readonly ranges?: Readonly<Record<string, IndexRange>>;
  },
): Promise<TaskList> {
  const { dialect, revision } = options;
  const card = await askCard(line);
  if (card !== undefined && card.dialect !== dialect)
    throw badInput('environment', `Cannot open the HTTP world: it speaks "${card.dialect}", expected "${dialect}"`);
  const ranges = checkRanges(options.ranges ?? rangesOf(card), card);
  const known = new Map<string, readonly Task[]>();
  const indices = new Map<string, number>();
  for (const [split, [from, to]] of Object.entries(ranges)) {
    const tasks = card === undefined ? numbered(dialect, split, [from, to]) : await askTasks(line, split, [from, to]);
    known.set(split, tasks);
    for (const [i, task] of tasks.entries()) indices.set(task.id, from + i);
  }
  const digests = new Map(
    [...known].map(([split, tasks]) => {
      const served = card === undefined ? null : digestsIn(card, ranges[split]!); // known has the keys of ranges
      return [split, hashJson(['http', dialect, revision, split, served, tasks.map(({ id }) => id)])];
    }),
  );
  const splits = [...known.keys()];
  const pick = <T>(of: ReadonlyMap<string, T>, split: string): T => {
    const found = of.get(split);
    if (found === undefined) throw unknownSplit(split, { world: 'the served world', splits });
    return found;
  };
  return {
    isOurs: card !== undefined,
    name: card?.name,
    splits,
    tasks: (split) => pick(known, split),
    digest: (split) => pick(digests, split),
    indexOf: ({ id }) => {
      const index = indices.get(id);
      if (index === undefined)
        throw new RangeError(`Cannot play task "${id}": it is not of this world, expected one of its tasks`);
      return index;
    },
  };
}

/** Asks for the card; undefined if the server is none of ours. */
async function askCard(line: Line): Promise<WorldCard | undefined> {
  const expects = [400, 404, 405];
  const answer = await line({ purpose: 'open the HTTP world', path: '/info', repeat: 'any', expects });
  const { status, value } = answer;
  if (status !== 200 || typeof value !== 'object' || value === null || !('server' in value)) return undefined;
  if (value.server !== 'spa') return undefined;
  const card = value as unknown as WorldCard; // checked where it matters
  if (typeof card.splits !== 'object' || card.splits === null) throw malformed(answer, 'splits');
  return card;
}

async function askTasks(line: Line, split: string, [from, to]: IndexRange): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let at = from; at < to; at += tasksPerPage) {
    const end = Math.min(to, at + tasksPerPage);
    const path = `/tasks?from=${at}&to=${end}`;
    const answer = await line({ purpose: 'list the tasks', path, repeat: 'any' });
    const listed = objectOf(answer).tasks;
    if (!Array.isArray(listed) || listed.length !== end - at) throw malformed(answer, `${end - at} tasks`);
    for (const { id, type } of listed as readonly JsonObject[]) {
      if (typeof id !== 'string' || typeof type !== 'string') throw malformed(answer, 'tasks with id and type');
      tasks.push({ id, split, type });
    }
  }
  return tasks;
}

function numbered(dialect: DialectName, split: string, [from, to]: IndexRange): Task[] {
  const type = dialects[dialect].world ?? dialect;
  return Array.from({ length: to - from }, (_, i) => ({ id: `${dialect}/${split}/${from + i}`, split, type }));
}

function rangesOf(card: WorldCard | undefined): Record<string, IndexRange> {
  if (card !== undefined)
    return Object.fromEntries(Object.entries(card.splits).map(([split, { from, to }]) => [split, [from, to]]));
  throw badInput(
    'environment',
    'Cannot open the HTTP world: nobody says which tasks it has, expected a range of numbers for each split',
    {
      hint: 'Name them, e.g. tasks: { train: [0, 2420], valid_seen: [2420, 2620] }. Servers of AgentGym do not list them.',
    },
  );
}

function checkRanges(
  ranges: Readonly<Record<string, IndexRange>>,
  card: WorldCard | undefined,
): Readonly<Record<string, IndexRange>> {
  const most = card?.tasks ?? Number.MAX_SAFE_INTEGER;
  let before: { readonly split: string; readonly to: number } | undefined;
  const sorted = Object.entries(ranges).sort(([, [a]], [, [b]]) => a - b);
  for (const [split, [from, to]] of sorted) {
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to > most) {
      const limit = card === undefined ? 'whole numbers 0 ≤ from ≤ to' : `numbers from 0 to ${most}`;
      throw badInput('environment', `Cannot number the tasks of split "${split}": [${from}, ${to}], expected ${limit}`);
    }
    if (from === to) continue;
    if (before !== undefined && from < before.to)
      throw badInput(
        'environment',
        `Cannot number the tasks of split "${split}": it shares some with "${before.split}", expected each number in one split`,
      );
    before = { split, to };
  }
  return ranges;
}

function digestsIn(card: WorldCard, [from, to]: IndexRange): string[] {
  return Object.values(card.splits).flatMap((split) => (split.from < to && from < split.to ? [split.digest] : []));
}
