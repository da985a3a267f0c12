/** `spa run`: plans an experiment, executes what is not in the store, records it, tracks it and prints its tables. */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { badInput, messageOf, SpaError } from '../base/error.ts';
import { assertWritable } from '../base/file.ts';
import type { Json } from '../base/json.ts';
import type { RunEvent } from '../runner/event.ts';
import { type ExecuteOptions, type Executor, executePlan, type NodeOutcome } from '../runner/execute.ts';
import { inlineExecutor } from '../runner/inline.ts';
import { keysOf } from '../runner/key.ts';
import { localExecutor } from '../runner/local.ts';
import { selectNodes, withInputs } from '../runner/plan.ts';
import { newRunId, type OpenRecord, openRecord, type RecordedStatus, type RunRecord } from '../runner/record.ts';
import type { Plan, Stage } from '../runner/stage.ts';
import { semanticParams } from '../schema/validate.ts';
import { INTERRUPTED, listenForInterrupt } from './interrupt.ts';
import { shortPath } from './load.ts';
import { describeMachine, describeVersions, gitCommit } from './machine.ts';
import { type ManifestOptions, type Prepared, prepare } from './prepare.ts';
import type { FinishedStage, Program } from './program.ts';
import { jsonRenderer, plainRenderer, type Renderer } from './renderer.ts';
import { printPlan } from './show-plan.ts';
import { type Tracking, trackRun } from './tracking.ts';

/** Options of `spa run`. */
export interface RunOptions extends ManifestOptions {
  readonly only?: readonly string[];
  readonly force?: readonly string[];
  readonly plan?: boolean;
  readonly json?: boolean;
  readonly executor?: 'local' | 'inline';
}

/** Runs an experiment and returns the exit code: 0 done, 1 a stage failed, 2 it failed on bad input, 130 interrupted. */
export async function runCommand(path: string, options: RunOptions, program: Program): Promise<number> {
  const prepared = await prepare(path, options, program);
  const plan = partOf(prepared.plan, options.only ?? []);
  if (options.plan) return printPlan({ ...prepared, plan }, options.json ?? false, program);
  const force = selectNodes(plan, options.force ?? [], '--force');
  await refuseUnwritable(prepared.settings.runs);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  using interrupt = listenForInterrupt(say);
  const record = await firstRecord(prepared, plan);
  // The tracker first: an address that cannot be used must not leave a record behind.
  const tracking = await trackRun(prepared.settings, {
    record,
    nodes: plan.nodes,
    params: semanticParams(prepared.manifest),
  });
  let open: OpenRecord | undefined;
  try {
    open = await openRecord(prepared.settings.runs, record);
    const run = { plan, record, open, tracking, json: options.json ?? false, say };
    const outcomes = await execute(run, {
      store: join(prepared.settings.runs, 'store'),
      executor: chooseExecutor(options, program, open),
      cores: prepared.cores,
      signal: interrupt.signal,
      force,
    });
    return await finish({ ...run, outcomes }, program);
  } catch (error) {
    await giveUp({ open, tracking }, error);
    throw error;
  }
}

interface Run {
  readonly plan: Plan;
  readonly record: RunRecord;
  readonly open: OpenRecord;
  readonly tracking: Tracking;
  readonly json: boolean;
  readonly say: (line: string) => void;
}

/** Executes the plan, telling the record, the tracker and the user what happens. */
async function execute({ plan, open, tracking, json }: Run, options: Omit<ExecuteOptions, 'emit'>) {
  const renderer = await chooseRenderer(plan, json);
  const emit = (event: RunEvent): void => {
    open.event(event);
    tracking.event(event);
    renderer.event(event);
  };
  const outcomes = await executePlan(plan, { ...options, emit });
  await renderer.end();
  return outcomes;
}

/** Ends the record of a run that failed outside its stages. The first error is the one to report. */
async function giveUp(run: { readonly open: OpenRecord | undefined; readonly tracking: Tracking }, error: unknown) {
  const change = { status: 'failed', endedAt: new Date().toISOString(), error: messageOf(error) } as const;
  await run.open?.update(change).catch(() => undefined); // the disk may be what failed
  run.open?.close();
  await run.tracking.finish('FAILED', undefined).catch(() => undefined); // the tracker is not what is to be reported
}

function partOf(plan: Plan, only: readonly string[]): Plan {
  if (only.length === 0) return plan;
  const wanted = withInputs(plan, selectNodes(plan, only, '--only'));
  return { ...plan, nodes: plan.nodes.filter(({ id }) => wanted.has(id)) };
}

async function refuseUnwritable(runs: string): Promise<void> {
  try {
    await assertWritable(runs);
  } catch (error) {
    throw badInput(
      'store',
      `Cannot write to run folder "${shortPath(runs)}": ${messageOf(error)}, expected a folder you may write to`,
      {
        cause: error,
        hint: 'Set `runs` in spa.config.ts to a folder of yours',
      },
    );
  }
}

async function firstRecord({ plan: { experiment }, manifest, file }: Prepared, plan: Plan): Promise<RunRecord> {
  const now = new Date();
  const keys = keysOf(plan);
  const [versions, commit] = await Promise.all([describeVersions(), gitCommit(dirname(file))]);
  return {
    format: 1,
    id: newRunId(now, randomUUID()),
    experiment,
    manifestFile: file,
    manifest: manifest as unknown as Json, // validated: plain JSON
    nodes: plan.nodes.map(({ id, stage, inputs, params }) => ({ id, stage, key: keys.get(id)!, inputs, params })), // keysOf covers the plan
    status: 'running',
    startedAt: now.toISOString(),
    pid: process.pid,
    command: process.argv.slice(2),
    ...(commit === undefined ? {} : { gitCommit: commit }),
    machine: describeMachine(),
    versions,
  };
}

async function chooseRenderer(plan: Plan, json: boolean): Promise<Renderer> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  if (json) return jsonRenderer(write);
  if (!process.stdout.isTTY) return plainRenderer(plan.nodes, write);
  return (await import('./terminal.ts')).terminalRenderer(plan.nodes);
}

function chooseExecutor(options: RunOptions, program: Program, open: OpenRecord): Executor {
  const executor = plainExecutor(options, program, open);
  return async (task) => executor({ ...task, node: (await program.settle?.(task.node)) ?? task.node });
}

function plainExecutor(options: RunOptions, program: Program, open: OpenRecord): Executor {
  if (options.executor !== 'inline')
    return localExecutor({ registry: program.registry, logs: join(open.folder, 'logs') });
  return inlineExecutor(async (name) => {
    const { stageOf } = (await import(program.registry)) as { stageOf(name: string): Promise<Stage> }; // contract of Program.registry
    return stageOf(name);
  });
}

interface Ending extends Run {
  readonly outcomes: ReadonlyMap<string, NodeOutcome>;
}

/** Writes the record and the tables, says what went wrong, delivers to the tracker last; returns the exit code. */
async function finish(ending: Ending, program: Program): Promise<number> {
  const { plan, record, open, tracking, outcomes, json, say } = ending;
  const status = statusOf(outcomes);
  await open.update({
    status,
    endedAt: new Date().toISOString(),
    nodes: record.nodes.map((node) => ({ ...node, ...endOf(node.id, outcomes) })),
  });
  const tables = await program.tables(plan, finishedOf(outcomes));
  if (tables !== '') await open.file('result.txt', `${tables}\n`);
  open.close();
  const folder = shortPath(open.folder);
  if (json) process.stdout.write(`${JSON.stringify({ type: 'ended', status, run: record.id, folder, tables })}\n`);
  else {
    if (tables !== '') process.stdout.write(`\n${tables}\n`);
    process.stdout.write(`\n${status === 'finished' ? 'done' : status}: run ${record.id} in ${folder}\n`);
  }
  for (const [id, outcome] of outcomes) if (outcome.status === 'failed') await explainFailure(id, outcome, say);
  const tracked = { finished: 'FINISHED', failed: 'FAILED', interrupted: 'KILLED' } as const;
  const resultFile = tables === '' ? undefined : join(open.folder, 'result.txt');
  const undelivered = await tracking.finish(tracked[status], resultFile);
  if (undelivered !== undefined) say(`Tracking: ${undelivered}`);
  return { finished: 0, failed: isUsersFault(outcomes) ? 2 : 1, interrupted: INTERRUPTED }[status];
}

/** True if every stage that failed was given something only the user can change. */
function isUsersFault(outcomes: ReadonlyMap<string, NodeOutcome>): boolean {
  const failed = [...outcomes.values()].filter(({ status }) => status === 'failed');
  return failed.every(({ error }) => error instanceof SpaError && error.badInput);
}

async function explainFailure(id: string, outcome: NodeOutcome, say: (line: string) => void): Promise<void> {
  const { errorLines } = await import('./report-error.ts');
  say('');
  const [first, ...rest] = errorLines(outcome.error);
  say(first?.startsWith('Cannot') ? first : `Cannot run stage "${id}": ${first}`);
  for (const line of rest) say(line);
}

function statusOf(outcomes: ReadonlyMap<string, NodeOutcome>): Exclude<RecordedStatus, 'running'> {
  const all = [...outcomes.values()].map(({ status }) => status);
  if (all.includes('failed')) return 'failed';
  return all.some((status) => status === 'interrupted' || status === 'skipped') ? 'interrupted' : 'finished';
}

function endOf(id: string, outcomes: ReadonlyMap<string, NodeOutcome>) {
  const { status, seconds, summary, error } = outcomes.get(id)!; // executePlan settles every node
  return {
    status,
    seconds,
    ...(summary === undefined ? {} : { summary }),
    ...(error === undefined ? {} : { note: messageOf(error) }),
  };
}

function finishedOf(outcomes: ReadonlyMap<string, NodeOutcome>): Map<string, FinishedStage> {
  return new Map(
    [...outcomes].flatMap(([id, { key, folder, summary }]) =>
      folder === undefined || summary === undefined ? [] : [[id, { key, folder, summary }] as const],
    ),
  );
}
