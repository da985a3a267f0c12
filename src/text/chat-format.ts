/**
 * Turns conversations into tokens, whole (for training) and piece by piece (for playing), such that both give the same tokens.
 * A turn is three pieces: what stands before the agent speaks, what it says with its stop token, and what follows up to where it
 * speaks again. A template that cannot be cut so, because it rewrites earlier turns or looks ahead, is refused by name.
 */
import { Template } from '@huggingface/jinja';
import { badInput, messageOf } from '../base/error.ts';
import { type Cutter, createCutter, type Render, refusal } from './chat-cut.ts';
import type { EncodedConversation, Message, Tokenizer } from './tokenizer.ts';

export { embeddedSpecials, embeddedTemplate } from './chat-template.ts';

/** What a chat format is made of. */
export interface ChatFormatOptions {
  readonly tokenizer: Tokenizer;
  /** Jinja source of the template, `chat_template` in Hugging Face files. */
  readonly template: string;
  /** Text of `bos_token` in the template. Default: the one of {@link knownBosTokens} the tokenizer has. */
  readonly bosToken?: string;
  /** Tokens that end an agent turn beside the one the template writes, e.g. `<|end_of_text|>`. Default: none. */
  readonly moreStopTokens?: readonly string[];
  /** The same by id. Default: none. */
  readonly moreStopIds?: readonly number[];
  /** More variables of the template; the default fixes the date that Llama templates print. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What opens a text in the models met so far: ours, Llama 3, Llama 2. */
const knownBosTokens = ['<|bos|>', '<|begin_of_text|>', '<s>'];

/** A tokenizer and a template that fit together. */
export interface ChatFormat {
  readonly tokenizer: Tokenizer;
  /** Jinja source of the template. */
  readonly template: string;
  /** Ids that end an agent turn; the first is the one written in training. */
  readonly stopIds: readonly number[];
  /** Writes a conversation as text, the way the template does. @throws {SpaError} If the template fails. */
  render: Render;
  /**
   * Encodes a whole conversation. It ends with the last agent turn's stop token, or with the generation prompt if asked for.
   * @throws {SpaError} If the template does not write this conversation as the sum of its pieces.
   * @throws {RangeError} If a generation prompt is asked for after an agent turn.
   */
  encodeConversation(messages: readonly Message[], options?: EncodeOptions): EncodedConversation;
  /** Encodes everything before the agent's first own turn, with the generation prompt. The last message is the user's. */
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

/**
 * Makes a chat format and proves on sample conversations that its pieces add up, as text and as tokens.
 * @throws {SpaError} If the template cannot be read or cut into pieces, or a stop token is not one token.
 */
export function createChatFormat(options: ChatFormatOptions): ChatFormat {
  const { tokenizer, template } = options;
  const render = makeRender(options);
  const cut = createCutter(render, (text) => specialAtStart(tokenizer, text));
  const namedIds = [cut.stop, ...(options.moreStopTokens ?? [])].map((token) => {
    const id = tokenizer.idOf(token);
    if (id !== undefined) return id;
    throw badInput('model', `Cannot use stop token "${token}": the tokenizer lacks it, expected one of its tokens`);
  });
  const stopIds = [...new Set([...namedIds, ...(options.moreStopIds ?? [])])];
  const format = { tokenizer, template, stopIds, render, ...makeEncoders(tokenizer, cut) };
  for (const sample of samples) proveAdditive(format, cut, sample);
  return format;
}

/** Returns the special token a text begins with: the shortest beginning that is one token and decodes to nothing. */
function specialAtStart(tokenizer: Tokenizer, text: string): string | undefined {
  for (let length = 1; length <= text.length; length++) {
    const ids = tokenizer.encode(text.slice(0, length));
    if (ids.length === 1 && tokenizer.decode(ids) === '') return text.slice(0, length);
  }
  return undefined;
}

function makeEncoders(
  tokenizer: Tokenizer,
  cut: Cutter,
): Omit<ChatFormat, 'tokenizer' | 'template' | 'stopIds' | 'render'> {
  return {
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
  const bos_token =
    options.bosToken ?? knownBosTokens.find((token) => options.tokenizer.idOf(token) !== undefined) ?? '';
  return (messages, addGenerationPrompt) =>
    named(() => template.render({ ...variables, bos_token, messages, add_generation_prompt: addGenerationPrompt }));
}

/** Conversations that show the ways in which templates break: white space, thoughts in tags, several turns, a system message. */
const samples: readonly (readonly Message[])[] = [
  [
    { role: 'user', content: 'You see a desk 1.' },
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

function isList(message: Message | readonly Message[]): message is readonly Message[] {
  return Array.isArray(message);
}
