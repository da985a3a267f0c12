/** The native policy: continuous batching must change no reply. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/base/rng.ts';
import { createDecoder } from '../../src/nn/decoder.ts';
import { createModel, type Model } from '../../src/nn/model.ts';
import { logSoftmax } from '../../src/nn/sampling.ts';
import { createScorer } from '../../src/nn/scorer.ts';
import { createNativePolicy, type Sampling } from '../../src/rollout/native-policy.ts';
import { ContextFullError, type Policy, type PolicyReply } from '../../src/rollout/policy.ts';
import type { ChatFormat } from '../../src/text/chat-format.ts';
import type { Message } from '../../src/text/tokenizer.ts';
import { madeDecoder, smallFormat } from './support.ts';

const format = smallFormat();
const { vocabSize } = format.tokenizer;
const stop = format.stopIds[0]!;
const sampling: Sampling = { temperature: 1, topP: 1, maxNewTokens: 6 };
const opening = (text = 'Say red.'): Message[] => [{ role: 'user', content: text }];

/** A small model with confident, varied opinions. */
function opinionated(seed: number): Model {
  const shape = { vocabSize, hiddenSize: 16, layers: 1, heads: 2, kvHeads: 1, headSize: 8, intermediateSize: 24 };
  const rest = { maxLength: 192, ropeTheta: 10000, normEps: 1e-5, tieEmbeddings: true, previousTokenEmbedding: true };
  const model = createModel({ ...shape, ...rest }, [], seed);
  const rng = createRng(['opinions', seed]);
  return { ...model, parameters: model.parameters.map((value) => value + 0.4 * rng.normal()) };
}

interface Talk {
  readonly replies: readonly PolicyReply[];
  /** All tokens of the conversation, and where the replies' tokens stand in it. */
  readonly ids: readonly number[];
  readonly spoken: readonly { readonly position: number; readonly logProb: number }[];
}

/** Plays an episode of some turns with fixed observations and lays its tokens out. */
async function talk(policy: Policy, episode: string, turns: number): Promise<Talk> {
  const conversation = opening(`Say ${episode}.`);
  const ids: number[] = [...format.encodeOpening(conversation)];
  const replies: PolicyReply[] = [];
  const spoken: { position: number; logProb: number }[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const reply = await policy.act({ episode, conversation: [...conversation] });
    replies.push(reply);
    reply.tokenIds.forEach((id, n) => {
      spoken.push({ position: ids.length, logProb: reply.logProbs[n]! });
      ids.push(id);
    });
    const observation: Message = { role: 'user', content: `You said ${turn}.` };
    conversation.push({ role: 'assistant', content: reply.text }, observation);
    ids.push(...format.encodeObservation(observation));
  }
  policy.release(episode);
  return { replies, ids, spoken };
}

const textsOf = (talks: readonly Talk[]): string[][] => talks.map(({ replies }) => replies.map(({ text }) => text));
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

describe('the native policy on a real model', () => {
  const model = opinionated(1);
  const engine = 'onnx';
  const play = async (slots: number, temperature: number, episodes: readonly string[], seed = 3): Promise<Talk[]> => {
    const decoder = createDecoder(model, { engine, threads: 1, slots, maxLength: model.config.maxLength });
    await using policy = createNativePolicy({ decoder, format, sampling: { ...sampling, temperature }, seed });
    return await Promise.all(episodes.map((episode) => talk(policy, episode, 3)));
  };

  it('reports the log-probabilities a whole forward pass gives to the same tokens', async () => {
    const talks = await play(4, 1, names.slice(0, 5));
    await using scorer = createScorer(model, { engine, threads: 1 });
    let compared = 0;
    for (const { ids, spoken } of talks) {
      const tokens = Int32Array.from(ids);
      const targets = Int32Array.from([...ids.slice(1), 0]);
      const { logProbs } = await scorer.score({ shape: { B: 1, T: ids.length }, tokens, targets }, { logProbs: true });
      for (const { position, logProb } of spoken) {
        expect(Math.abs(logProbs![position - 1]! - logProb)).toBeLessThan(1e-4);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(40);
  });

  it.each([0, 1])(
    'gives an episode the same replies whoever shares its batch, at temperature %d',
    async (temperature) => {
      const together = textsOf(await play(8, temperature, names));
      const queued = textsOf(await play(2, temperature, [...names].reverse())).reverse();
      const alone = await Promise.all(
        names.slice(0, 2).map(async (name) => textsOf(await play(1, temperature, [name]))[0]),
      );
      expect(queued).toEqual(together);
      expect(alone).toEqual(together.slice(0, 2));
      expect(new Set(together.flat()).size).toBeGreaterThan(3); // they do say different things
    },
  );

  it('draws other replies for another seed, and the same greedy ones', async () => {
    expect(textsOf(await play(4, 1, names, 3))).not.toEqual(textsOf(await play(4, 1, names, 4)));
    expect(textsOf(await play(4, 0, names, 3))).toEqual(textsOf(await play(4, 0, names, 4)));
  });
});

const certain = (favourite: (tokens: readonly number[]) => number) => (tokens: readonly number[]) => {
  const logits = new Float32Array(vocabSize);
  logits[favourite(tokens)] = 20;
  return logits;
};

const withDecoder = (
  decoder: ReturnType<typeof madeDecoder>,
  more: Partial<Sampling> = {},
  chat: ChatFormat = format,
) => createNativePolicy({ decoder, format: chat, sampling: { ...sampling, ...more }, seed: 1 });

describe('the native policy on a decoder that is a function of the tokens', () => {
  it('feeds each slot exactly the tokens of its conversation', async () => {
    const decoder = madeDecoder({ slots: 2, vocabSize });
    const { ids, replies } = await talk(withDecoder(decoder), 'a', 2);
    // what follows the last reply, its stop token included, is fed only when the next turn begins
    const fed = decoder.held.find((tokens) => tokens.length > 0)!;
    const tail = format.encodeObservation({ role: 'user', content: 'You said 1.' }).length + 1;
    expect(fed).toEqual(ids.slice(0, ids.length - tail));
    expect(replies).toHaveLength(2);
  });

  it('forces the stop token at maxNewTokens and reports its true log-probability', async () => {
    const red = format.tokenizer.encode('red')[0]!;
    const decoder = madeDecoder({ slots: 1, vocabSize, logits: certain(() => red) });
    const { tokenIds, logProbs, text } = await withDecoder(decoder, { maxNewTokens: 4 }).act({
      episode: 'a',
      conversation: opening(),
    });
    expect(tokenIds).toEqual([red, red, red, stop]);
    expect(text).toBe(format.tokenizer.decode([red, red, red]));
    const expected = logSoftmax(certain(() => red)([]));
    expect(logProbs[0]).toBeCloseTo(expected[red]!, 12);
    expect(logProbs[3]).toBeCloseTo(expected[stop]!, 12); // about -20: it was not the model's wish
  });

  it('stops at any of the stop tokens', async () => {
    const other = format.tokenizer.encode('blue')[0]!;
    const decoder = madeDecoder({ slots: 1, vocabSize, logits: certain(() => other) });
    const { tokenIds, text } = await withDecoder(decoder, {}, { ...format, stopIds: [stop, other] }).act({
      episode: 'a',
      conversation: opening(),
    });
    expect(tokenIds).toEqual([other]);
    expect(text).toBe('');
  });

  it('rejects with ContextFullError where a whole reply no longer fits, and plays on with the others', async () => {
    const first = format.encodeOpening(opening('Say a.')).length;
    const between = 1 + format.encodeObservation({ role: 'user', content: 'You said 0.' }).length; // the stop token and what follows
    const spend = 3; // two words and the stop token
    const red = format.tokenizer.encode('red')[0]!;
    const saysTwo = certain((tokens) => (tokens.at(-1) === red && tokens.at(-2) === red ? stop : red));
    const fits = first + (spend - 1) + between + sampling.maxNewTokens; // exactly room for a second turn
    for (const [maxLength, turns] of [
      [fits, 2],
      [fits - 1, 1],
    ] as const) {
      const policy = withDecoder(madeDecoder({ slots: 2, maxLength, vocabSize, logits: saysTwo }));
      const full = talk(policy, 'a', 9);
      await expect(full).rejects.toThrow(new ContextFullError(maxLength));
      policy.release('a');
      const { replies } = await talk(policy, 'b', turns);
      expect(replies.map(({ tokenIds }) => tokenIds)).toEqual(Array(turns).fill([red, red, stop]));
    }
  });

  it('gives the same tokens with one slot, with some and with one each', async () => {
    const runs = await Promise.all(
      [1, 3, 7].map(async (slots) => {
        const policy = withDecoder(madeDecoder({ slots, vocabSize }));
        return Promise.all(names.map((name) => talk(policy, name, 2)));
      }),
    );
    const tokens = runs.map((talks) => talks.map(({ replies }) => replies.map(({ tokenIds }) => tokenIds)));
    expect(tokens[0]).toEqual(tokens[2]);
    expect(tokens[1]).toEqual(tokens[2]);
  });

  it('advances episodes together', async () => {
    const decoder = madeDecoder({ slots: 7, vocabSize });
    const policy = withDecoder(decoder);
    await Promise.all(names.map((name) => talk(policy, name, 2)));
    const rows = decoder.calls.reduce((sum, { slots }) => sum + slots.length, 0);
    expect(rows / decoder.calls.length).toBeGreaterThan(3);
  });

  it('hands a fault of the decoder to every episode that speaks and goes on with those that wait', async () => {
    const decoder = madeDecoder({
      slots: 2,
      vocabSize,
      before: (call) => {
        if (call === 1) throw new Error('out of memory');
      },
    });
    const policy = withDecoder(decoder);
    const settled = await Promise.allSettled(
      ['a', 'b', 'c', 'd'].map(async (episode) => {
        try {
          return await policy.act({ episode, conversation: opening() });
        } finally {
          policy.release(episode);
        }
      }),
    );
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
    expect(settled[0]).toMatchObject({ reason: new Error('out of memory') });
  });

  it('hands a conversation that cannot be encoded to its own episode and keeps its slot', async () => {
    const broken: ChatFormat = {
      ...format,
      encodeOpening: (messages) => {
        if (messages[0]!.content === 'bad') throw new Error('no such template');
        return format.encodeOpening(messages);
      },
    };
    const policy = withDecoder(madeDecoder({ slots: 1, vocabSize }), {}, broken);
    const settled = await Promise.allSettled(
      ['good', 'bad', 'bad', 'fine'].map(async (text, n) => {
        try {
          return await policy.act({ episode: `${n}`, conversation: opening(text) });
        } finally {
          policy.release(`${n}`);
        }
      }),
    );
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  });

  it('disposes its decoder', async () => {
    const decoder = madeDecoder({ slots: 1, vocabSize });
    await withDecoder(decoder)[Symbol.asyncDispose]();
    expect(decoder.disposed).toBe(true);
  });
});
