/** What our server answers to each call, in the words of a dialect. No network here: a request in, a status and a JSON value out. */
import type { Json, JsonObject } from '../../base/json.ts';
import type { Environment, Task } from '../environment.ts';
import type { Desk, Playing, Seat } from './desk.ts';
import { buttonsOf, type Dialect, type DialectName, dialects } from './dialect.ts';
import { tasksPerPage, type WorldCard } from './task-list.ts';

/** A request that has been read. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The JSON object sent; empty if none was. */
  readonly body: JsonObject;
}

/** A status and what is sent as JSON. */
export interface Reply {
  readonly status: number;
  readonly value: Json;
}

/** What is served. */
export interface Service {
  readonly environment: Environment;
  readonly dialect: DialectName;
  readonly desk: Desk;
}

/** Answers requests; never throws unless the world does. */
export function createAnswers({ environment, dialect: name, desk }: Service): (request: Request) => Reply {
  const dialect = dialects[name];
  const tasks = numberTasks(environment);
  const context: Context = { environment, dialect, desk, tasks };
  const card = once(() => cardOf(environment, name, tasks));
  const routes: Readonly<Record<string, (request: Request) => Reply>> = {
    'GET /': () => ok(dialect.greeting),
    'GET /info': () => ok(card()),
    'GET /tasks': ({ query }) => listTasks(tasks, query),
    'POST /create': () => create(context),
    'POST /reset': ({ body }) => seated(context, body[dialect.sessionField], (seat) => reset(context, seat, body)),
    'POST /step': ({ body }) =>
      playing(context, body[dialect.sessionField], (seat, at) => step(context, { seat, at, body })),
    'POST /close': ({ body }) => seated(context, body[dialect.sessionField], ({ id }) => ok(desk.close(id))),
    'GET /observation': ({ query }) =>
      playing(context, numberIn(query, dialect.sessionField), (_, { observation }) => ok(observation)),
    'GET /available_actions': ({ query }) =>
      playing(context, numberIn(query, dialect.sessionField), (_, at) => ok(available(context, at))),
  };
  const paths = new Set(Object.keys(routes).map((route) => route.split(' ')[1]));
  return (request) => {
    const route = routes[`${request.method} ${request.path}`];
    if (route !== undefined) return route(request);
    if (paths.has(request.path)) return refuse(405, `${request.path} does not understand ${request.method}`);
    return refuse(404, `There is no ${request.path} here, expected one of ${[...paths].join(', ')}`);
  };
}

/** Makes an error reply. */
export function refuse(status: number, error: string): Reply {
  return { status, value: { error } };
}

interface Context {
  readonly environment: Environment;
  readonly dialect: Dialect;
  readonly desk: Desk;
  readonly tasks: NumberedTasks;
}

interface NumberedTasks {
  readonly count: number;
  readonly splits: readonly { readonly split: string; readonly from: number; readonly to: number }[];
  at(index: number): Task | undefined;
}

function numberTasks(environment: Environment): NumberedTasks {
  let count = 0;
  const splits = environment.splits.map((split) => {
    const from = count;
    count += environment.tasks(split).length;
    return { split, from, to: count };
  });
  const at = (index: number): Task | undefined => {
    const found = splits.find(({ from, to }) => index >= from && index < to);
    return found === undefined ? undefined : environment.tasks(found.split)[index - found.from];
  };
  return { count, splits, at };
}

function cardOf(environment: Environment, dialect: DialectName, { count, splits }: NumberedTasks): JsonObject {
  const card: WorldCard = {
    server: 'spa',
    name: environment.name,
    dialect,
    tasks: count,
    splits: Object.fromEntries(
      splits.map(({ split, from, to }) => [split, { from, to, digest: environment.digest(split) }]),
    ),
  };
  return card as unknown as JsonObject; // plain data
}

function listTasks(tasks: NumberedTasks, query: URLSearchParams): Reply {
  const [from, to] = [numberIn(query, 'from') ?? 0, numberIn(query, 'to') ?? 0];
  if (!isWhole(from) || !isWhole(to) || from > to || to > tasks.count || to - from > tasksPerPage) {
    const limits = `0 ≤ from ≤ to ≤ ${tasks.count} and at most ${tasksPerPage} at once`;
    return refuse(400, `Cannot list tasks from ${from} to ${to}: expected ${limits}`);
  }
  const listed = Array.from({ length: to - from }, (_, i) => tasks.at(from + i)!); // inside the count
  return ok({ tasks: listed.map(({ id, split, type }) => ({ id, split, type })) });
}

function create({ desk, dialect }: Context): Reply {
  const seat = desk.create();
  if (seat === undefined)
    return refuse(503, 'Cannot create a session: all are in use, expected one to be closed or idle for long enough');
  return ok(dialect.create.reply === 'number' ? seat.id : { id: seat.id });
}

function reset(context: Context, seat: Seat, body: JsonObject): Reply {
  const { environment, dialect, tasks } = context;
  const { taskField } = dialect.reset;
  const index = body[taskField];
  const task = isWhole(index) ? tasks.at(index) : undefined;
  if (task === undefined) {
    const expected = `a whole number under "${taskField}", from 0 to ${tasks.count - 1}`;
    return refuse(400, `Cannot reset session ${seat.id}: ${shown(index)} is no task, expected ${expected}`);
  }
  const { state, observation } = environment.reset(task);
  seat.playing = { task, state, observation, done: false };
  if (dialect.reset.reply === 'pair') return ok([observation, null]);
  const actions = dialect.actions === 'reply' ? { available_actions: admissible(context, seat.playing) } : {};
  const task_type = task.id.split('/').slice(-2).join('/'); // ALFWorld: <task dir>/<trial dir>, as AgentGym's
  return ok({ id: seat.id, observation, ...actions, reward: 0, done: false, task: task.id, task_type });
}

function step(context: Context, turn: { readonly seat: Seat; readonly at: Playing; readonly body: JsonObject }): Reply {
  const { environment, dialect } = context;
  const { seat, at, body } = turn;
  const { action } = body;
  if (typeof action !== 'string')
    return refuse(400, `Cannot step session ${seat.id}: ${shown(action)} is no action, expected a text under "action"`);
  if (at.done) return refuse(409, `Cannot step session ${seat.id}: its task has ended, expected a reset`);
  const { state, observation, reward, done, success, grounded } = environment.step(at.task, at.state, action);
  seat.playing = { task: at.task, state, observation, done };
  const actions = dialect.actions === 'reply' ? { available_actions: admissible(context, seat.playing) } : {};
  return ok({ [dialect.observationField]: observation, reward, done, success, grounded, info: null, ...actions });
}

function available(context: Context, at: Playing): Json {
  const actions = admissible(context, at);
  if (context.dialect.actions === 'buttons') return { ...buttonsOf(at.observation, actions) };
  return context.dialect.actions === 'reply' ? actions : { available_actions: actions };
}

function admissible({ environment }: Context, { task, state, done }: Playing): readonly string[] {
  return done ? [] : (environment.admissible?.(task, state) ?? []);
}

function seated({ desk, dialect }: Context, id: Json | undefined, then: (seat: Seat) => Reply): Reply {
  if (!isWhole(id)) return refuse(400, `${shown(id)} is no session, expected a number under "${dialect.sessionField}"`);
  const seat = desk.find(id);
  if (seat !== undefined) return then(seat);
  return refuse(
    404,
    `There is no session ${id}: it was never created, has been closed, or nobody used it for too long`,
  );
}

function playing(context: Context, id: Json | undefined, then: (seat: Seat, at: Playing) => Reply): Reply {
  return seated(context, id, (seat) =>
    seat.playing === undefined
      ? refuse(409, `Session ${seat.id} plays no task yet, expected a reset`)
      : then(seat, seat.playing),
  );
}

function ok(value: Json): Reply {
  return { status: 200, value };
}

function numberIn(query: URLSearchParams, field: string): number | string | undefined {
  const text = query.get(field);
  if (text === null) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

function isWhole(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return JSON.stringify(value).slice(0, 80);
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
