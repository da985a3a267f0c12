/** Reads what servers answer, by dialect. A reply of another shape, or one that carries `error`, is a fault of the server. */
import type { Json, JsonObject } from '../../base/json.ts';
import { type Dialect, isOnPage } from './dialect.ts';
import { type Answer, malformed } from './line.ts';

/** Number of a session, as the server gave it. */
export type SessionId = number | string;

/** Reads the reply to `create`. @throws {SpaError} If it holds no session. */
export function readSession(dialect: Dialect, answer: Answer): SessionId {
  const value = dialect.create.reply === 'number' ? answer.value : objectOf(answer).id;
  if (typeof value === 'number' || typeof value === 'string') return value;
  throw malformed(answer, dialect.create.reply === 'number' ? 'the number of a session' : 'a session under "id"');
}

/** Reads the reply to `reset`: the first message, and the possible actions where the dialect lists them. */
export function readOpening(
  dialect: Dialect,
  answer: Answer,
): { readonly observation: string; readonly actions: readonly string[] | null } {
  if (dialect.reset.reply === 'pair') {
    const first = Array.isArray(answer.value) ? (answer.value as readonly Json[])[0] : undefined;
    if (typeof first === 'string') return { observation: first, actions: null };
    throw malformed(answer, 'a list that begins with the observation');
  }
  const reply = objectOf(answer);
  const observation = dialect.opening.map((field) => textOf(answer, reply, field)).join('\n');
  return { observation, actions: listedActions(dialect, reply) };
}

/** What one step came to, before it is judged. */
export interface StepReply {
  readonly observation: string;
  /** Reward of this step, or so far if the dialect counts in totals; 1 is full success. */
  readonly reward: number;
  readonly done: boolean;
  /** What the server says itself; undefined where it does not. */
  readonly success: boolean | undefined;
  readonly grounded: boolean | undefined;
  readonly actions: readonly string[] | null;
}

/** Reads the reply to `step`. */
export function readStep(dialect: Dialect, answer: Answer): StepReply {
  const reply = objectOf(answer);
  const { field, unit } = dialect.reward;
  const { [field]: reward, done, success, grounded } = reply;
  if (typeof reward !== 'number') throw malformed(answer, `a number under "${field}"`);
  if (typeof done !== 'boolean') throw malformed(answer, 'true or false under "done"');
  return {
    observation: textOf(answer, reply, dialect.observationField),
    reward: reward / unit,
    done,
    success: typeof success === 'boolean' ? success : undefined,
    grounded: typeof grounded === 'boolean' ? grounded : undefined,
    actions: listedActions(dialect, reply),
  };
}

/** Reads the buttons of a page. */
export function readButtons(answer: Answer): readonly string[] {
  const { clickables } = objectOf(answer);
  if (isTexts(clickables)) return clickables;
  throw malformed(answer, 'a list of texts under "clickables"');
}

/**
 * Tells whether an action was executed, for servers that do not say: it was among the actions listed before it (outer white space
 * apart), or, where none were listed, the observation does not begin as the dialect's refusals do.
 */
export function wasExecuted(
  dialect: Dialect,
  turn: { readonly action: string; readonly listed: readonly string[] | null; readonly observation: string },
): boolean {
  const { action, listed, observation } = turn;
  if (listed === null) return !dialect.refusals.some((refusal) => observation.startsWith(refusal));
  return dialect.actions === 'buttons' ? isOnPage(action, listed) : listed.includes(action.trim());
}

/** The reply as an object. @throws {SpaError} If it is none, or carries `error`, which AgentGym's servers send with status 200. */
export function objectOf(answer: Answer): JsonObject {
  const { value } = answer;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(answer, 'a JSON object');
  if ('error' in value) throw malformed(answer, 'no error');
  return value as JsonObject; // the other kinds of JSON value have been refused
}

function textOf(answer: Answer, reply: JsonObject, field: string): string {
  const text = reply[field];
  if (typeof text === 'string') return text;
  throw malformed(answer, `a text under "${field}"`);
}

function listedActions(dialect: Dialect, reply: JsonObject): readonly string[] | null {
  const listed = reply.available_actions;
  return dialect.actions === 'reply' && isTexts(listed) ? listed : null;
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
