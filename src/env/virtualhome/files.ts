/**
 * Published households: STeCa's test tasks (`tasks/STeCa/vh_{seen,unseen}_test.jsonl[.gz]`, or the original names `new_{seen,unseen}_test.jsonl` at
 * the top) whose scene graph is in `programs_processed_precond_nograb_morepreconds/init_and_final_graphs`, plain or gzip-compressed; and, as `train`,
 * every other program that lies there with its graphs. Programs that cannot be a task are left out, see {@link FilesSource.leftOut}.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { badInput, messageOf } from '../../base/error.ts';
import { hashJson, sha256 } from '../../base/hash.ts';
import type { Task } from '../environment.ts';
import type { SceneGraph } from './graph.ts';
import type { Household, HouseholdSource, HouseholdTask } from './household.ts';
import { taskOfProgram } from './program.ts';

/** Options of {@link openFiles}. */
export interface FilesOptions {
  /** Folder that holds `programs_processed_precond_nograb_morepreconds` and the task files. */
  readonly root: string;
}

/** A source that also says what it left out. */
export interface FilesSource extends HouseholdSource {
  /** Tasks and programs of a split that are not offered, each with the reason. */
  leftOut(split: string): readonly { readonly id: string; readonly reason: string }[];
}

const testSplits = ['seen', 'unseen'] as const;
const dataFolder = 'programs_processed_precond_nograb_morepreconds';

interface Entry {
  readonly task: Task;
  readonly record: HouseholdTask;
  readonly graphFile: string;
}

interface Listing {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly tasks: readonly Task[];
  readonly leftOut: readonly { readonly id: string; readonly reason: string }[];
  readonly digest: string;
}

/**
 * Opens published households. Each split is listed once, when first asked for; `train` replays every program then (about 20 ms each).
 * @throws {SpaError} If the folder holds no scene graph or a task file is damaged (bad input).
 */
export function openFiles({ root }: FilesOptions): FilesSource {
  const base = join(root, dataFolder);
  const graphs = join(base, 'init_and_final_graphs');
  if (!existsSync(graphs)) {
    throw badInput(
      'environment',
      `Cannot open VirtualHome households "${root}": it has no ${dataFolder}/init_and_final_graphs, expected scene graphs there`,
      { hint: 'Name the folder that holds both (VIRTUALHOME_DATA), or use generated households.' },
    );
  }
  const files = new Map(
    readdirSync(graphs, { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => /\.json(\.gz)?$/.test(file))
      .sort()
      .map((file) => [file.replace(/\.json(\.gz)?$/, ''), join(graphs, file)]),
  );
  const records = new Map(testSplits.map((split) => [split as string, readRecords(root, split)]));
  const tested = new Set([...records.values()].flat().map(keyOf));
  const programs = [...files.keys()].filter((key) => !tested.has(key) && existsSync(programFile(base, key)));
  const splits = [
    ...(programs.length > 0 ? ['train'] : []),
    ...testSplits.filter((split) => records.get(split)!.length > 0),
  ];
  const listings = new Map<string, Listing>();
  const listing = (split: string): Listing => {
    const known =
      listings.get(split) ??
      (split === 'train' ? listPrograms(base, programs, files) : listRecords(split, records.get(split) ?? [], files));
    listings.set(split, known);
    return known;
  };
  return {
    splits,
    tasks: (split) => listing(split).tasks,
    digest: (split) => listing(split).digest,
    leftOut: (split) => listing(split).leftOut,
    read: (task) => readHousehold(listing(task.split).entries.get(task.id), { id: task.id, root }),
  };
}

function readHousehold(
  entry: Entry | undefined,
  { id, root }: { readonly id: string; readonly root: string },
): Household {
  if (entry !== undefined) return { record: entry.record, graph: readGraph(entry.graphFile) };
  throw badInput('environment', `Cannot read household "${id}": it is not in ${root}, expected a task of its listing`);
}

function programFile(base: string, key: string): string {
  return join(base, 'executable_programs', `${key}.txt`);
}

/** Where a task's scene graph lies, e.g. `TrimmedTestScene1_graph/results_…/file710_1`: its path was written on the authors' machine. */
function keyOf({ path = '' }: HouseholdTask): string {
  return path.slice(Math.max(0, path.indexOf('TrimmedTestScene'))).replace(/\.txt$/, '');
}

function readRecords(root: string, split: string): readonly HouseholdTask[] {
  const names = [join('tasks', 'STeCa', `vh_${split}_test.jsonl`), `vh_${split}_test.jsonl`, `new_${split}_test.jsonl`];
  const file = names.flatMap((name) => [join(root, `${name}.gz`), join(root, name)]).find((path) => existsSync(path));
  if (file === undefined) return [];
  return readText(file)
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [readRecord(line, `${file}:${i + 1}`)]));
}

function readRecord(line: string, where: string): HouseholdTask {
  const record = parseJson(line, where);
  const wanted = ['task', 'description', 'path', 'revised_graph', 'object_id_dict', 'action_list'];
  const lacks = wanted.find((key) => !(key in record));
  const goal: unknown = record.revised_graph;
  const isWhole =
    typeof goal === 'object' &&
    goal !== null &&
    ['nodes', 'revised_nodes', 'revised_add_edges'].every((key) =>
      Array.isArray((goal as Readonly<Record<string, unknown>>)[key]),
    );
  if (lacks === undefined && isWhole) return record as unknown as HouseholdTask; // its members were just looked at
  throw damaged(where, `it lacks ${lacks ?? 'a whole revised_graph'}`);
}

function listRecords(split: string, records: readonly HouseholdTask[], files: ReadonlyMap<string, string>): Listing {
  const leftOut: { id: string; reason: string }[] = [];
  const entries = new Map<string, Entry>();
  for (const record of records) {
    const id = `${split}/${keyOf(record)}`;
    const graphFile = files.get(keyOf(record));
    if (graphFile === undefined) leftOut.push({ id, reason: 'has no scene graph here' });
    else if (entries.has(id)) leftOut.push({ id, reason: 'is listed before' });
    else entries.set(id, { task: { id, split, type: record.task }, record, graphFile });
  }
  return { ...finish(split, entries), leftOut };
}

function listPrograms(base: string, keys: readonly string[], files: ReadonlyMap<string, string>): Listing {
  const leftOut: { id: string; reason: string }[] = [];
  const entries = new Map<string, Entry>();
  for (const key of keys) {
    const id = `train/${key}`;
    const graphFile = files.get(key)!; // keys are those of files
    const record = taskOfProgram(readText(programFile(base, key)), { id, graph: readGraph(graphFile) });
    if (typeof record === 'string') leftOut.push({ id, reason: record });
    else entries.set(id, { task: { id, split: 'train', type: record.task }, record, graphFile });
  }
  return { ...finish('train', entries), leftOut };
}

function finish(split: string, entries: ReadonlyMap<string, Entry>): Omit<Listing, 'leftOut'> {
  const content = Array.from(entries.values(), ({ record, graphFile }) => [record, sha256(readFileSync(graphFile))]);
  return {
    entries,
    tasks: Array.from(entries.values(), ({ task }) => task),
    digest: hashJson(['virtualhome files', split, content]),
  };
}

function readGraph(file: string): SceneGraph {
  const graph: unknown = parseJson(readText(file), file).init_graph;
  if (typeof graph === 'object' && graph !== null && 'nodes' in graph && 'edges' in graph) {
    if (Array.isArray(graph.nodes) && Array.isArray(graph.edges)) return graph as SceneGraph; // scene.ts refuses what it does not know
  }
  throw damaged(file, 'it has no init_graph with nodes and edges');
}

function readText(file: string): string {
  const bytes = readFileSync(file);
  try {
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw damaged(file, messageOf(error), error);
  }
}

function parseJson(text: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(where, messageOf(error), error);
  }
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>; // only read, member by member
  throw damaged(where, 'it is no JSON object');
}

function damaged(where: string, what: string, cause?: unknown): Error {
  return badInput('environment', `Cannot read household "${where}": ${what}, expected VirtualHome's published JSON`, {
    hint: 'The file is damaged: fetch it again.',
    cause,
  });
}
