/** Episodes as tokens: written ones as the chat format writes them, played ones as they were sampled. */
import { describe, expect, it } from 'vitest';
import type { Episode } from '../../src/data/trajectory.ts';
import { type Codec, sequenceOf } from '../../src/stage/sequence.ts';
import { agentText, observationMessage, openingMessages, type PromptOptions } from '../../src/text/prompt.ts';
import type { Message } from '../../src/text/tokenizer.ts';
import { smallFormat } from '../rollout/support.ts';
import { episodeOf, turnOf } from './support.ts';

const format = smallFormat();
const prompts: readonly PromptOptions[] = (['action-only', 'react'] as const).flatMap((name) =>
  [true, false].map((instruction) => ({ format: name, instruction })),
);
const scenes = ['Say red.', 'You said red.', 'Nothing happens.'];

/** Three turns, as text alone. */
const written = (prompt: PromptOptions): Episode =>
  episodeOf({
    turns: scenes.map((observation, n) => {
      const action = ['say red', 'say blue', 'stop'][n]!;
      const thought = prompt.format === 'react' ? 'I should go on.' : '';
      return turnOf({ observation, thought, action, text: agentText(prompt, { thought, action }) });
    }),
    finalObservation: 'You stopped.',
  });

/** The same as if the policy had sampled exactly what the tokenizer writes. */
const sampled = (prompt: PromptOptions): Episode => {
  const episode = written(prompt);
  return { ...episode, turns: episode.turns.map((turn) => ({ ...turn, tokenIds: format.encodeAgent(turn.text) })) };
};

/** The conversation by the room below, turns of the instruction included. */
function conversationOf(prompt: PromptOptions): Message[] {
  const episode = written(prompt);
  return [
    ...openingMessages(prompt, { environment: 'alfworld', observation: scenes[0]! }),
    ...episode.turns.flatMap((turn, n): Message[] => [
      ...(n === 0 ? [] : [observationMessage(prompt, turn.observation)]),
      { role: 'assistant', content: turn.text },
    ]),
  ];
}

describe.each(prompts)('sequenceOf() with format $format, instruction $instruction', (prompt) => {
  const codec: Codec = { format, prompt };

  it.each([
    ['written', written],
    ['sampled', sampled],
  ] as const)('encodes a %s episode as the chat format encodes its conversation', (_, make) => {
    const sequence = sequenceOf(make(prompt), codec);
    const whole = format.encodeConversation(conversationOf(prompt));
    expect([...sequence.ids]).toEqual([...whole.ids]);
    // the "OK" to the instruction is the format's turn 0 but no turn of the episode
    const shift = prompt.instruction ? 1 : 0;
    expect([...sequence.turns]).toEqual([...whole.turns].map((turn) => Math.max(-1, turn < 0 ? -1 : turn - shift)));
  });

  it('marks where turns begin and end', () => {
    const sequence = sequenceOf(sampled(prompt), codec);
    const stop = format.stopIds[0]!;
    expect(sequence.turnEnds.map((end) => sequence.ids[end])).toEqual([stop, stop, stop]);
    sequence.turnStarts.forEach((before, n) => {
      expect(sequence.turns[before]).toBe(-1);
      expect(sequence.turns[before + 1]).toBe(n);
      const tokens = [...sequence.ids.slice(before + 1, sequence.turnEnds[n]! + 1)];
      expect(tokens).toEqual(sampled(prompt).turns[n]!.tokenIds);
    });
  });
});

describe('sequenceOf()', () => {
  const prompt: PromptOptions = { format: 'action-only', instruction: false };

  it('keeps sampled tokens that the tokenizer would not have written', () => {
    const letters = [...'Say'].flatMap((letter) => format.tokenizer.encode(letter));
    const odd = [...letters, format.stopIds[0]!];
    expect(odd).not.toEqual(format.encodeAgent('Say'));
    const episode = episodeOf({
      turns: [turnOf({ text: 'Say', tokenIds: odd }), turnOf({ text: 'Say', tokenIds: odd })],
    });
    const { ids, turns } = sequenceOf(episode, { format, prompt });
    expect([...ids].filter((_, t) => turns[t] === 0)).toEqual(odd);
    expect([...ids].filter((_, t) => turns[t] === 1)).toEqual(odd);
  });

  it('ends with the last agent turn: what the world said to it is not there', () => {
    const { ids, turns } = sequenceOf(sampled(prompt), { format, prompt });
    expect(turns.at(-1)).toBe(2);
    expect(ids.at(-1)).toBe(format.stopIds[0]);
  });
});
