/**
 * Cuts what a chat template writes into pieces: the opening, each agent turn with its stop token, and what follows a stop token up to
 * where the agent speaks again. Pieces are found by rendering, so no template is special; each use checks what it relies on.
 */
import { badInput } from '../base/error.ts';
import { remember } from './remember.ts';
import type { Message } from './tokenizer.ts';

/** A stretch of text and the agent turn it is, or -1. */
export interface Piece {
  readonly text: string;
  readonly turn: number;
}

/** Writes a conversation as text, with the generation prompt or without. */
export type Render = (messages: readonly Message[], addGenerationPrompt: boolean) => string;

/** Cuts rendered text into pieces. */
export interface Cutter {
  /** Text of the token that ends an agent turn. */
  readonly stop: string;
  opening(messages: readonly Message[]): string;
  agent(content: string): string;
  observation(messages: readonly Message[]): string;
  /** Cuts a conversation and checks that the pieces joined are what the template writes. */
  conversation(messages: readonly Message[], addGenerationPrompt: boolean): Piece[];
}

const question: Message = { role: 'user', content: 'a' };
const misplaced = 'an agent turn does not begin where the generation prompt ends, or does not end with the stop token';

/**
 * Makes the cutter of a template.
 * @param findStop Returns the special token that a text begins with, or undefined.
 * @throws {SpaError} If the template does not end an agent turn with a special token.
 */
export function createCutter(render: Render, findStop: (text: string) => string | undefined): Cutter {
  const words = 'b';
  const base: readonly Message[] = [question, { role: 'assistant', content: words }];
  const before = render(base, false);
  const agentStart = render([question], true);
  if (!before.startsWith(agentStart + words)) throw refusal(misplaced);
  const afterWords = before.slice(agentStart.length + words.length);
  const stop = findStop(afterWords);
  if (stop === undefined) throw refusal("no special token follows the agent's words");
  const trailer = afterWords.slice(stop.length); // e.g. a line feed; it belongs to the next observation
  const stopEnd = before.length - trailer.length;
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
    if (!text.startsWith(agentStart) || !text.endsWith(stop + trailer)) throw refusal(misplaced);
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
  return { stop, opening, agent, observation: (messages) => after(messages, true), conversation };
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

/** Makes the error for a template that cannot be used. */
export function refusal(reason: string) {
  return badInput('model', `Cannot use the chat template: ${reason}, expected one that only ever appends`, {
    hint: 'Give a template in which a later message never changes how earlier ones are written.',
  });
}
