/**
 * Turns conversations into tokens, whole (for training) and piece by piece (for playing), such that both give the same tokens.
 * A turn is three pieces: what stands before the agent speaks, what it says with its stop token, and what follows up to where it
 * speaks again. A template that cannot be cut so, because it rewrites earlier turns or looks ahead, is refused by name.
 */
import { Template } from '@huggingface/jinja';
import { badInput, messageOf } from '../base/error.ts';
import { remember } from './remember.ts';
import type { EncodedConversation, Message, Tokenizer } from './tokenizer.ts';

/** What a chat format is made of. */
export interface ChatFormatOptions {
  readonly tokenizer: Tokenizer;
  /** Jinja source of the template. */
  readonly template: string;
  /** Text of the token that opens a conversation. */
  readonly bosToken: string;
  /** Tokens that end an agent turn, the one the template writes first. */
  readonly stopTokens: readonly string[];
  /** Text of `eos_token` in the template. Default: the first stop token. */
  readonly eosToken?: string;
  /** More variables of the template; the default fixes the date that Llama templates print. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A tokenizer and a template that fit together. */
export interface ChatFormat {
  readonly tokenizer: Tokenizer;
  /** Ids that end an agent turn; the first is the one written in training. */
  readonly stopIds: readonly number[];
  /**
   * Encodes a whole conversation. It ends with the last agent turn's stop token, or with the generation prompt if asked for.
   * @throws {SpaError} If the template does not write this conversation as the sum of its pieces.
   * @throws {RangeError} If a generation prompt is asked for after an agent turn.
   */
  encodeConversation(messages: readonly Message[], options?: EncodeOptions): EncodedConversation;
  /** Encodes everything before the first agent turn, with the generation prompt. The last message is the user's. */
  encodeOpening(messages: readonly Message[]): number[];
  /** Encodes what the agent says, with the stop token that ends it. */
  encodeAgent(content: string): number[];
  /** Encodes what follows an agent turn's stop token, with the generation prompt. */
  encodeObservation(message: Message | readonly Message[]): number[];
}

/** How to encode a conversation. */
export interface EncodeOptions {
  /** Whether to end with the tokens after which the agent speaks. Default false. */
  readonly addGenerationPrompt?: boolean;
}

/** A stretch of text and the agent turn it is, or -1. */
interface Piece {
  readonly text: string;
  readonly turn: number;
}

type Render = (messages: readonly Message[], addGenerationPrompt: boolean) => string;

/**
 * Makes a chat format and proves on sample conversations that its pieces add up, as text and as tokens.
 * @throws {SpaError} If the template cannot be read or cut into pieces, or a stop token is not one token.
 */
export function createChatFormat(options: ChatFormatOptions): ChatFormat {
  const { tokenizer } = options;
  const stopIds = options.stopTokens.map((token) => tokenizer.idOf(token)).filter((id) => id !== undefined);
  const stopToken = options.stopTokens[0] ?? '';
  if (tokenizer.idOf(stopToken) === undefined) {
    throw badInput('model', `Cannot use stop token "${stopToken}": the tokenizer lacks it, expected one of its tokens`);
  }
  const render = makeRender(options);
  const cut = cutter(render, stopToken);
  const format = makeFormat(tokenizer, stopIds, cut);
  for (const sample of samples) proveAdditive(format, cut, sample);
  return format;
}

function makeFormat(tokenizer: Tokenizer, stopIds: readonly number[], cut: Cutter): ChatFormat {
  return {
    tokenizer,
    stopIds,
    encodeConversation: (messages, { addGenerationPrompt = false } = {}) => {
      const encoded = cut.conversation(messages, addGenerationPrompt).map((piece) => ({
        ids: tokenizer.encode(piece.text),
        turn: piece.turn,
      }));
      const ids = Int32Array.from(encoded.flatMap((piece) => piece.ids));
      const turns = Int32Array.from(encoded.flatMap((piece) => piece.ids.map(() => piece.turn)));
      return { ids, turns };
    },
    encodeOpening: (messages) => tokenizer.encode(cut.opening(messages)),
    encodeAgent: (content) => tokenizer.encode(cut.agent(content)),
    encodeObservation: (message) => tokenizer.encode(cut.observation(isList(message) ? message : [message])),
  };
}

/** Makes the function that renders the template, with every failure named. */
function makeRender(options: ChatFormatOptions): Render {
  const variables = { date_string: '26 Jul 2024', ...options.variables }; // the date Llama's template falls back to
  const named = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw badInput('model', `Cannot render the chat template: ${messageOf(error)}`, { cause: error });
    }
  };
  const template = named(() => new Template(options.template));
  const tokens = { bos_token: options.bosToken, eos_token: options.eosToken ?? options.stopTokens[0] };
  return (messages, addGenerationPrompt) =>
    named(() => template.render({ ...variables, ...tokens, messages, add_generation_prompt: addGenerationPrompt }));
}

/** Cuts rendered text into pieces. */
interface Cutter {
  opening(messages: readonly Message[]): string;
  agent(content: string): string;
  observation(messages: readonly Message[]): string;
  /** Cuts a conversation and checks that the pieces joined are what the template writes. */
  conversation(messages: readonly Message[], addGenerationPrompt: boolean): Piece[];
}

const question: Message = { role: 'user', content: 'a' };

function cutter(render: Render, stopToken: string): Cutter {
  const base: readonly Message[] = [question, { role: 'assistant', content: 'b' }];
  const before = render(base, false);
  const stopEnd = before.lastIndexOf(stopToken) + stopToken.length;
  const agentStart = render([question], true);
  if (stopEnd < agentStart.length + stopToken.length) {
    throw refusal(`no stop token "${stopToken}" follows the agent's words`);
  }
  /** What the template writes after the last stop token, e.g. a line feed; it belongs to the next observation. */
  const trailer = before.slice(stopEnd);
  const opening: Cutter['opening'] = (messages) => {
    if (messages.at(-1)?.role === 'assistant' || messages.length === 0) {
      throw new RangeError(
        "Cannot open a conversation: the last message is the agent's or absent, expected a user message",
      );
    }
    return render(messages, true);
  };
  const agent: Cutter['agent'] = remember((content) => {
    const text = render([question, { role: 'assistant', content }], false);
    if (!text.startsWith(agentStart) || !text.endsWith(stopToken + trailer)) {
      throw refusal(
        'an agent turn does not begin where the generation prompt ends, or does not end with the stop token',
      );
    }
    return text.slice(agentStart.length, text.length - trailer.length);
  });
  const afterAny = (messages: readonly Message[], addGenerationPrompt: boolean): string => {
    const text = render([...base, ...messages], addGenerationPrompt);
    if (!text.startsWith(before)) throw refusal('it rewrites earlier turns when a message is added');
    return text.slice(stopEnd);
  };
  const afterOne = remember((content) => afterAny([{ role: 'user', content }], true));
  const after: Cuts['after'] = (messages, addGenerationPrompt) => {
    const [first] = messages;
    const usual = messages.length === 1 && first?.role === 'user' && addGenerationPrompt;
    return usual ? afterOne(first.content) : afterAny(messages, addGenerationPrompt);
  };
  const conversation: Cutter['conversation'] = (messages, addGenerationPrompt) => {
    if (addGenerationPrompt && messages.at(-1)?.role === 'assistant') {
      throw new RangeError("Cannot add a generation prompt: the last message is the agent's, expected a user message");
    }
    const pieces = cutConversation(messages, addGenerationPrompt, { render, opening, agent, after });
    const whole = render(messages, addGenerationPrompt);
    const end = messages.at(-1)?.role === 'assistant' ? trailer : '';
    if (pieces.map((piece) => piece.text).join('') + end !== whole) {
      throw refusal('a whole conversation is not the sum of its turns');
    }
    return pieces;
  };
  return { opening, agent, observation: (messages) => after(messages, true), conversation };
}

interface Cuts {
  readonly render: Render;
  readonly opening: Cutter['opening'];
  readonly agent: Cutter['agent'];
  readonly after: (messages: readonly Message[], addGenerationPrompt: boolean) => string;
}

function cutConversation(messages: readonly Message[], addGenerationPrompt: boolean, cuts: Cuts): Piece[] {
  const pieces: Piece[] = [];
  let waiting: Message[] = [];
  let turn = 0;
  const flush = (prompt: boolean): void => {
    if (turn > 0) pieces.push({ text: cuts.after(waiting, prompt), turn: -1 });
    else pieces.push({ text: prompt ? cuts.opening(waiting) : cuts.render(waiting, false), turn: -1 });
    waiting = [];
  };
  for (const message of messages) {
    if (message.role !== 'assistant') {
      waiting.push(message);
      continue;
    }
    flush(true);
    pieces.push({ text: cuts.agent(message.content), turn });
    turn += 1;
  }
  if (waiting.length > 0 || turn === 0) flush(addGenerationPrompt);
  return pieces;
}

/** Conversations that show the ways in which templates break: white space, thoughts in tags, several turns, a system message. */
const samples: readonly (readonly Message[])[] = [
  [
    question,
    { role: 'assistant', content: 'go to desk 1' },
    { role: 'user', content: 'On the desk 1, you see a pen 2.' },
  ],
  [
    { role: 'user', content: 'You are in a room.\n\nYour task is to: look.' },
    { role: 'assistant', content: 'Thought: (first) 1 "look".\nAction: look' },
    { role: 'user', content: 'Nothing happens.' },
    { role: 'assistant', content: '<think>\nagain\n</think>\n\nlook' },
    { role: 'user', content: 'Nothing happens.' },
    { role: 'assistant', content: '1 look' },
  ],
];

function proveAdditive(format: ChatFormat, cut: Cutter, sample: readonly Message[]): void {
  const prompt = sample.at(-1)?.role !== 'assistant';
  const pieces = cut.conversation(sample, prompt);
  const whole = format.tokenizer.encode(pieces.map((piece) => piece.text).join(''));
  const { ids } = format.encodeConversation(sample, { addGenerationPrompt: prompt });
  if (whole.length !== ids.length || whole.some((id, i) => id !== ids[i])) {
    throw refusal('the tokenizer joins tokens across the border of two turns');
  }
}

function refusal(reason: string) {
  return badInput('model', `Cannot use the chat template: ${reason}, expected one that only ever appends`, {
    hint: 'Give a template in which a later message never changes how earlier ones are written.',
  });
}

function isList(message: Message | readonly Message[]): message is readonly Message[] {
  return Array.isArray(message);
}
