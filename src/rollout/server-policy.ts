/**
 * A language model behind an OpenAI-compatible server (vLLM, SGLang, llama.cpp, …) as a policy. Who writes the conversation down is
 * explicit: `server` sends the messages and the server's own chat template turns them into tokens; `checkpoint` sends the token ids of
 * our chat format, so that what is played is what is trained on.
 * Source: OpenAI API reference, chat completions and completions; `return_token_ids` is vLLM's.
 */
import OpenAI from 'openai';
import { SpaError } from '../base/error.ts';
import { createRng } from '../base/rng.ts';
import type { ChatFormat } from '../text/chat-format.ts';
import type { Sampling } from './native-policy.ts';
import { ContextFullError, type Policy, type PolicyReply, type PolicyRequest } from './policy.ts';

/** Where the model is and how it is asked. */
export interface ServerPolicyOptions {
  /** Base address with its version, e.g. `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  /** Name of the model as the server knows it. */
  readonly model: string;
  /** Sent as bearer token; absent: none is sent. */
  readonly apiKey?: string | undefined;
  readonly sampling: Sampling;
  /** Sent with each request, mixed with the episode and the turn; servers may ignore it. */
  readonly seed: number;
  /** Time for one reply, milliseconds. */
  readonly timeoutMs: number;
  /** How often a request that timed out, was refused for load (429) or met a fault (5xx, no connection) is repeated. */
  readonly retries: number;
  /** Ends what is being asked, waits between repeats included. */
  readonly signal?: AbortSignal;
  /** Our chat format, if we write the conversation; absent: the server's template does. */
  readonly checkpoint?: { readonly format: ChatFormat; readonly maxLength: number };
}

/** What this file reads of a reply; servers differ in the rest. */
interface Choice {
  readonly finish_reason?: unknown;
  readonly text?: unknown;
  readonly message?: { readonly content?: unknown } | null;
  readonly token_ids?: unknown;
  readonly logprobs?: {
    readonly token_logprobs?: unknown;
    readonly content?: readonly { readonly logprob?: unknown }[] | null;
  } | null;
}

/**
 * Makes a policy. Each reply is one request; a conversation is sent whole, servers keep prefixes in their cache.
 * `act` rejects with {@link SpaError} (boundary `model`) for whatever is not the agent's doing.
 */
export function createServerPolicy(options: ServerPolicyOptions): Policy {
  const client = clientOf(options);
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  return {
    act: (request) => act(client, request, { ...options, signal }),
    release: () => undefined,
    [Symbol.asyncDispose]: async () => closing.abort(new Error('the policy is closed')),
  };
}

/**
 * Asks the server which models it has, before any episode is played.
 * @throws {SpaError} If it cannot be reached, refuses the key, or does not know the model (bad input).
 */
export async function checkServer(options: Omit<ServerPolicyOptions, 'sampling' | 'seed'>): Promise<void> {
  const names: string[] = [];
  try {
    for await (const { id } of clientOf(options).models.list({ signal: options.signal })) names.push(id);
  } catch (error) {
    throw faultOf(error, options, true);
  }
  if (names.includes(options.model)) return;
  const known = names.length === 0 ? 'it lists none' : `it has ${names.slice(0, 10).join(', ')}`;
  throw new SpaError(
    'model',
    `Cannot play model "${options.model}" of ${options.url}: the server does not know it, expected one it lists`,
    { badInput: true, hint: `Correct server.model; ${known}.` },
  );
}

function clientOf({ url, apiKey, timeoutMs, retries }: Omit<ServerPolicyOptions, 'sampling' | 'seed'>): OpenAI {
  return new OpenAI({
    baseURL: url,
    apiKey: apiKey ?? 'none', // the client insists on one
    ...(apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    organization: null, // what the environment says of an account is not for every server
    project: null,
    timeout: timeoutMs,
    maxRetries: retries,
    logLevel: 'off', // faults arrive as exceptions; the terminal belongs to the caller
  });
}

type Ask = ServerPolicyOptions & Required<Pick<ServerPolicyOptions, 'signal'>>;

async function act(client: OpenAI, request: PolicyRequest, options: Ask): Promise<PolicyReply> {
  const { checkpoint } = options;
  const body = checkpoint === undefined ? chatBody(request, options) : completionBody(request, checkpoint, options);
  const path = checkpoint === undefined ? '/chat/completions' : '/completions';
  let reply: unknown;
  try {
    reply = await client.post(path, { body, signal: options.signal });
  } catch (error) {
    if (isTooLong(error)) throw new ContextFullError();
    throw faultOf(error, options, false);
  }
  return readReply(reply, options);
}

/** How servers say that a conversation no longer fits: OpenAI's code, vLLM's field (0.16), llama.cpp's type. */
function isTooLong(error: unknown): boolean {
  if (!(error instanceof OpenAI.APIError) || error.status !== 400) return false;
  return (
    error.code === 'context_length_exceeded' ||
    error.param === 'input_tokens' ||
    error.type === 'exceed_context_size_error'
  );
}

/** The fields both kinds of request share. */
function commonFields({ conversation, episode }: PolicyRequest, { model, sampling, seed }: Ask) {
  return {
    model,
    max_tokens: sampling.maxNewTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    seed: createRng(['server', seed, episode, conversation.length]).int(2 ** 31 - 1),
  };
}

function chatBody(request: PolicyRequest, options: Ask) {
  return { ...commonFields(request, options), messages: request.conversation, logprobs: true };
}

function completionBody(request: PolicyRequest, { format, maxLength }: NonNullable<Ask['checkpoint']>, options: Ask) {
  const { ids } = format.encodeConversation(request.conversation, { addGenerationPrompt: true });
  if (ids.length + 1 > maxLength) throw new ContextFullError(maxLength);
  const fields = commonFields(request, options);
  return {
    ...fields,
    prompt: [...ids],
    max_tokens: Math.min(fields.max_tokens, maxLength - ids.length),
    logprobs: 0, // the chosen token's alone
    return_token_ids: true,
    stop_token_ids: [...format.stopIds],
  };
}

/** Reads a reply. Log-probabilities are kept only where they can be told to belong to known tokens. */
function readReply(reply: unknown, options: Ask): PolicyReply {
  const [choice] = (reply as { choices?: readonly Choice[] } | null)?.choices ?? [];
  const text = choice?.message?.content ?? choice?.text ?? silenceOf(choice);
  if (typeof text !== 'string') {
    throw new SpaError(
      'model',
      `Cannot read the reply of ${options.url}: ${JSON.stringify(reply)?.slice(0, 200)}, expected choices[0] with a text`,
    );
  }
  const logProbs =
    numbersOf(choice?.logprobs?.token_logprobs) ??
    numbersOf(choice?.logprobs?.content?.map((token) => token.logprob)) ??
    [];
  const tokenIds = numbersOf(choice?.token_ids) ?? ownIds(text, logProbs.length, options);
  return tokenIds.length === logProbs.length ? { text, tokenIds, logProbs } : { text, tokenIds: [], logProbs: [] };
}

/** A reply that ended without a word, e.g. while a reasoning model still thought: the agent's doing, so an empty text. */
function silenceOf(choice: Choice | undefined): string | undefined {
  return choice?.finish_reason === 'length' || choice?.finish_reason === 'stop' ? '' : undefined;
}

/** Our tokenizer's ids of a reply we asked for by tokens; servers that count the stop token send one log-probability more. */
function ownIds(text: string, count: number, { checkpoint }: Ask): readonly number[] {
  if (checkpoint === undefined) return [];
  const { tokenizer, stopIds } = checkpoint.format;
  const ids = tokenizer.encode(text);
  return count === ids.length + 1 ? [...ids, stopIds[0]!] : ids;
}

function numbersOf(values: unknown): readonly number[] | undefined {
  return Array.isArray(values) && values.every((value) => typeof value === 'number') ? values : undefined;
}

/** Names what went wrong between us and the server. @param first True before the first episode: what the user can correct is bad input. */
function faultOf(
  error: unknown,
  { url, model }: { readonly url: string; readonly model: string },
  first: boolean,
): SpaError {
  const status = error instanceof OpenAI.APIError ? error.status : undefined;
  const isUsers = first && (status === undefined || status === 401 || status === 403 || status === 404);
  const what = error instanceof Error ? [error.message, causeOf(error)].filter(Boolean).join(': ') : String(error);
  return new SpaError('model', `Cannot ask model "${model}" of ${url}: ${what.slice(0, 300)}, expected a reply`, {
    cause: error,
    badInput: isUsers,
    hint: hintOf(status),
  });
}

/** The innermost cause says what happened; those around it say that something did. */
function causeOf(error: Error): string {
  let inner: unknown = error.cause;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : '';
}

function hintOf(status: number | undefined): string {
  if (status === 401 || status === 403) return 'Set the variable that server.apiKeyVariable names to a valid key.';
  if (status === 404) return 'server.url ends with the version, e.g. http://127.0.0.1:8000/v1.';
  if (status === undefined)
    return 'See that the server runs, that server.url is right and that server.timeoutSeconds is enough.';
  return 'See the log of the server; what was played is kept, run again to go on.';
}
