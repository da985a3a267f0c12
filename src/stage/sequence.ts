/**
 * Episodes as training sequences. Tokens the agent sampled are used as they were sampled (re-encoding its text could give others);
 * what the world said is encoded again, which is exact. A sequence knows for every token which agent turn it belongs to.
 */
import type { Episode } from '../data/trajectory.ts';
import type { ChatFormat } from '../text/chat-format.ts';
import { agentText, observationMessage, openingMessages, type PromptOptions } from '../text/prompt.ts';
import type { EncodedConversation, Message } from '../text/tokenizer.ts';

/** How the conversations of an experiment are written. */
export interface Codec {
  readonly format: ChatFormat;
  readonly prompt: PromptOptions;
}

/** An episode as tokens. */
export interface Sequence extends EncodedConversation {
  readonly episode: Episode;
  /** Position of each agent turn's last token (its stop token), shape [N]. */
  readonly turnEnds: readonly number[];
  /** Position of the token before each agent turn's first token: where the turn is decided, shape [N]. */
  readonly turnStarts: readonly number[];
}

/** Encodes an episode; played turns keep their sampled tokens. */
export function sequenceOf(episode: Episode, codec: Codec): Sequence {
  const isSampled = episode.turns.every((turn) => turn.tokenIds.length > 0);
  const encoded = isSampled ? sampledTokens(episode, codec) : writtenTokens(episode, codec);
  const turnStarts: number[] = [];
  const turnEnds: number[] = [];
  encoded.turns.forEach((turn, position) => {
    if (turn < 0) return;
    if (turnStarts.length === turn) turnStarts.push(position - 1);
    turnEnds[turn] = position;
  });
  return { ...encoded, episode, turnStarts, turnEnds };
}

function openingOf(episode: Episode, { prompt }: Codec): Message[] {
  return openingMessages(prompt, { environment: episode.env, observation: episode.turns[0]?.observation ?? '' });
}

function sampledTokens(episode: Episode, codec: Codec): EncodedConversation {
  const { format, prompt } = codec;
  const ids = [...format.encodeOpening(openingOf(episode, codec))];
  const turns = ids.map(() => -1);
  episode.turns.forEach((turn, index) => {
    ids.push(...turn.tokenIds);
    for (const _ of turn.tokenIds) turns.push(index);
    const next = episode.turns[index + 1];
    if (next === undefined) return;
    const observation = format.encodeObservation(observationMessage(prompt, next.observation));
    ids.push(...observation);
    for (const _ of observation) turns.push(-1);
  });
  return { ids: Int32Array.from(ids), turns: Int32Array.from(turns) };
}

function writtenTokens(episode: Episode, codec: Codec): EncodedConversation {
  const { format, prompt } = codec;
  const messages: Message[] = [...openingOf(episode, codec)];
  const instructionTurns = messages.filter((message) => message.role === 'assistant').length;
  episode.turns.forEach((turn, index) => {
    if (index > 0) messages.push(observationMessage(prompt, turn.observation));
    messages.push({ role: 'assistant', content: agentText(prompt, turn) });
  });
  const encoded = format.encodeConversation(messages, { addGenerationPrompt: false });
  return {
    ids: encoded.ids,
    turns: encoded.turns.map((turn) => (turn < instructionTurns ? -1 : turn - instructionTurns)),
  };
}
