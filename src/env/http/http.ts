/**
 * A world behind an AgentGym-style server. What breaks on the way throws, so that the episode is recorded as broken and never as the agent's
 * failure: no reply in time, a dead or restarted server, a reply of the wrong shape. A step whose reply was lost is not sent twice.
 */
import { badInput, type SpaError } from '../../base/error.ts';
import type { JsonObject } from '../../base/json.ts';
import { createRng } from '../../base/rng.ts';
import type { Opening, Task, Transition, World } from '../environment.ts';
import { type Dialect, type DialectName, dialects } from './dialect.ts';
import { type Answer, type Call, type Line, openLine } from './line.ts';
import { readButtons, readOpening, readStep, type SessionId, wasExecuted } from './reply.ts';
import { openSessions } from './session.ts';
import { type IndexRange, listTasks, type TaskList } from './task-list.ts';

/** Where a world is and how it is spoken to. */
export interface HttpWorldOptions {
  /** Address of the server, e.g. `http://127.0.0.1:36001`; the calls' paths are appended. */
  readonly url: string;
  readonly dialect: DialectName;
  /**
   * Task numbers of each split, from the first up to but not including the last. Servers of AgentGym do not say which tasks they have;
   * ours do, and then absence means its own splits.
   */
  readonly tasks?: Readonly<Record<string, IndexRange>>;
  /** Short name of the world, which chooses its prompt; default: what our server or else the dialect says. */
  readonly name?: string;
  /** The user's word for what the server plays (its version, its data): part of {@link World.digest}. Change it when the server changes. */
  readonly revision?: string;
  /** Longest wait for one reply, in milliseconds, at most 300,000. Default 60,000. */
  readonly timeoutMs?: number;
  /** Most repeats of a call that may be repeated. Default 4. */
  readonly retries?: number;
  /** Wait before the first repeat, in milliseconds; doubled each time, spread by ± 50 %. Default 250. */
  readonly backoffMs?: number;
  /** Largest reply, in bytes. Default 16 MiB. */
  readonly maxReplyBytes?: number;
  /**
   * Ends every call and every wait at once, with its reason, for as long as the world is used; later calls are not made. Sessions are still
   * closed, each within 5 s.
   */
  readonly signal?: AbortSignal;
}

/** An episode on a server. The server holds the rest, so a state can be stepped from only once. */
export type HttpState = {
  readonly session: SessionId;
  /** Actions executed so far. */
  readonly turn: number;
  /** Reward so far; 1 is full success. */
  readonly total: number;
  /** Actions the server listed for this state; null where it lists none or judges itself. */
  readonly actions: readonly string[] | null;
};

/**
 * Opens a world behind a server; it must be up, because its name and its tasks are asked for.
 * Its digest holds the dialect, the split's tasks, `revision` and, from our own servers, the digest of what they serve, but not the address: a
 * moved server keeps its results, a changed one of ours does not. Other servers do not say when they change: that is what `revision` is for.
 * @throws {SpaError} If an option makes no sense (bad input) or the server does not answer. @throws The reason of `signal` if it aborts.
 */
export async function openHttpWorld(options: HttpWorldOptions): Promise<World<HttpState>> {
  const dialect = dialects[options.dialect];
  if (dialect === undefined) throw unknownDialect(options.dialect);
  const line = openLine({
    url: addressOf(options.url),
    timeoutMs: wholeNumber('timeoutMs', options.timeoutMs ?? 60_000, { from: 1, to: 300_000 }),
    retries: wholeNumber('retries', options.retries ?? 4, { from: 0, to: 100 }),
    backoffMs: wholeNumber('backoffMs', options.backoffMs ?? 250, { from: 0, to: 60_000 }),
    maxReplyBytes: wholeNumber('maxReplyBytes', options.maxReplyBytes ?? 16 << 20, { from: 1, to: 1 << 30 }),
    rng: createRng(['http', options.dialect]),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  const { dialect: named, tasks, revision = null } = options;
  const list = await listTasks(line, { dialect: named, revision, ...(tasks !== undefined && { ranges: tasks }) });
  return playServer({ dialect, line, list, name: options.name ?? list.name ?? dialect.world ?? 'http' });
}

interface Server {
  readonly dialect: Dialect;
  readonly line: Line;
  readonly list: TaskList;
  readonly name: string;
}

function playServer({ dialect, line, list, name }: Server): World<HttpState> {
  const sessions = openSessions({ dialect, line, closes: dialect.closes || list.isOurs });
  const listed: Listed = async (session, actions) => {
    if (dialect.actions !== 'buttons' || list.isOurs) return actions;
    const purpose = `list the actions of session ${session}`;
    return readButtons(await sessions.call(session, { purpose, path: '/available_actions', repeat: 'any' }));
  };
  const open = async (session: SessionId, task: Task): Promise<Opening<HttpState>> => {
    const body: JsonObject = { [dialect.reset.taskField]: list.indexOf(task), ...dialect.reset.body };
    const purpose = `reset session ${session} to task "${task.id}"`;
    try {
      const answer = await sessions.call(session, { purpose, path: '/reset', body, repeat: 'any' });
      const { observation, actions } = readOpening(dialect, answer);
      return { state: { session, turn: 0, total: 0, actions: await listed(session, actions) }, observation };
    } catch (error) {
      await sessions.release(session);
      throw error;
    }
  };
  return {
    name,
    splits: list.splits,
    digest: list.digest,
    tasks: list.tasks,
    reset: async (task) => {
      const used = sessions.takeFree();
      if (used === undefined) return open(await sessions.create(), task);
      // A server that was restarted does not know it.
      return open(used, task).catch(async () => open(await sessions.create(), task));
    },
    step: async (_task, state, action) => {
      const { session } = state;
      const purpose = `step session ${session}`;
      const body = { action: Buffer.from(action, 'utf8').toString('utf8') }; // half a surrogate pair has no UTF-8
      const call: Call = { purpose, path: '/step', body, repeat: 'refused', expects: [413] };
      const answer = await sessions.call(session, call);
      return answer.status === 413 ? tooLong(state) : stepped(dialect, { answer, state, action, listed });
    },
    release: ({ session }) => sessions.release(session),
  };
}

type Listed = (session: SessionId, actions: readonly string[] | null) => Promise<readonly string[] | null>;

async function stepped(
  dialect: Dialect,
  turn: {
    readonly answer: Answer;
    readonly state: HttpState;
    readonly action: string;
    readonly listed: Listed;
  },
): Promise<Transition<HttpState>> {
  const { answer, state, action } = turn;
  const { observation, reward: told, done, ...reply } = readStep(dialect, answer);
  const reward = dialect.reward.total ? told - state.total : told;
  return {
    state: {
      session: state.session,
      turn: state.turn + 1,
      total: state.total + reward,
      actions: done ? null : await turn.listed(state.session, reply.actions),
    },
    observation,
    reward,
    done,
    success: reply.success ?? (done && told >= 1),
    grounded: reply.grounded ?? wasExecuted(dialect, { action, listed: state.actions, observation }),
  };
}

/** Text beyond what the server reads is the agent's doing: a refusal, not a fault. */
function tooLong(state: HttpState): Transition<HttpState> {
  const observation = 'The action is too long.';
  return {
    state: { ...state, turn: state.turn + 1 },
    observation,
    reward: 0,
    done: false,
    success: false,
    grounded: false,
  };
}

function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.search === '')
    return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
  throw badInput('environment', `Cannot open the HTTP world "${url}": no such address, expected http(s)://host:port`, {
    hint: 'Start one with: spa serve alfworld',
  });
}

function wholeNumber(name: string, value: number, range: { readonly from: number; readonly to: number }): number {
  if (Number.isInteger(value) && value >= range.from && value <= range.to) return value;
  const expected = `a whole number from ${range.from} to ${range.to}`;
  throw badInput('environment', `Cannot open an HTTP world: ${name} is ${value}, expected ${expected}`);
}

function unknownDialect(name: string): SpaError {
  const known = Object.keys(dialects).join(', ');
  return badInput('environment', `Cannot open an HTTP world: its dialect is "${name}", expected one of ${known}`);
}
