/** A chat format, a decoder and a world whose right answers are known. */
import { createRng } from '../../src/base/rng.ts';
import type { Environment, Task } from '../../src/env/environment.ts';
import type { Decoder } from '../../src/nn/decoder.ts';
import type { Policy } from '../../src/rollout/policy.ts';
import { type ChatFormat, createChatFormat, embeddedSpecials, embeddedTemplate } from '../../src/text/chat-format.ts';
import { loadTokenizer } from '../../src/text/load-tokenizer.ts';
import { trainTokenizer } from '../../src/text/train-tokenizer.ts';

const corpus = [
  'Say: red. Then say: blue.',
  'Say red, then blue, then green, then stop.',
  'You said red.',
  'Nothing happens.',
  'Thought: I should say red.\nAction: say red',
  'Observation: You said blue.',
];

/** The embedded template over a small word tokenizer. */
export function smallFormat(): ChatFormat {
  const tokenizer = loadTokenizer(
    trainTokenizer(corpus, { kind: 'word', vocabSize: 320, phrases: 4, specials: embeddedSpecials }),
  );
  return createChatFormat({ tokenizer, template: embeddedTemplate });
}

/** What a made decoder was asked, and the tokens its slots hold. */
export interface MadeDecoder extends Decoder {
  readonly calls: { readonly slots: readonly number[]; readonly width: number }[];
  readonly held: readonly number[][];
  disposed: boolean;
}

/** How a made decoder answers. */
export interface MadeOptions {
  readonly slots: number;
  readonly maxLength?: number;
  readonly vocabSize: number;
  /** Logits after a sequence; default: random, decided by the sequence alone. */
  readonly logits?: (tokens: readonly number[]) => Float32Array;
  /** Called before each step with its number from 0; throws to break. */
  readonly before?: (call: number) => void;
}

/** A decoder without a model: its logits are a function of each slot's tokens alone, exactly. */
export function madeDecoder(options: MadeOptions): MadeDecoder {
  const { slots, vocabSize, maxLength = 400 } = options;
  const held = Array.from({ length: slots }, (): number[] => []);
  let steps = 0;
  const random = (tokens: readonly number[]): Float32Array => {
    const rng = createRng(['logits', ...tokens]);
    return Float32Array.from({ length: vocabSize }, () => 2 * rng.normal());
  };
  const made: MadeDecoder = {
    slots,
    maxLength,
    widths: [1, 4, 16],
    calls: [],
    held,
    disposed: false,
    length: (slot) => held[slot]!.length,
    reset: (slot) => {
      held[slot]!.length = 0;
    },
    advance: async (rows, width) => {
      options.before?.(steps++);
      made.calls.push({ slots: rows.map((row) => row.slot), width });
      const logits = new Float32Array(rows.length * vocabSize);
      rows.forEach(({ slot, tokens }, row) => {
        if (tokens.length < 1 || tokens.length > width) throw new RangeError(`${tokens.length} tokens, width ${width}`);
        held[slot]!.push(...tokens);
        logits.set((options.logits ?? random)(held[slot]!), row * vocabSize);
      });
      return logits;
    },
    setParameters: () => {},
    [Symbol.asyncDispose]: async () => {
      made.disposed = true;
    },
  };
  return made;
}

/** Words to say, in order, to win; the state is how many have been said. */
interface SayState {
  readonly said: number;
  readonly [key: string]: number;
}

export const words = ['red', 'blue', 'green'] as const;

/**
 * A world in which one says `red`, `blue`, `green` in this order: each pays 1/3. `stop` ends it without success, `crash` is a fault of the
 * world, anything else is refused.
 */
export const sayWorld: Environment<SayState> = {
  name: 'say',
  splits: ['train'],
  digest: () => 'say',
  tasks: () => tasks,
  reset: () => ({ state: { said: 0 }, observation: 'Say red, then blue, then green, then stop.' }),
  step: (_task, state, action) => {
    if (action === 'crash') throw new Error('the world fell down');
    if (action === 'stop')
      return { state, observation: 'You stopped.', reward: 0, done: true, success: false, grounded: true };
    if (action !== `say ${words[state.said]}`)
      return { state, observation: 'Nothing happens.', reward: 0, done: false, success: false, grounded: false };
    const said = state.said + 1;
    const won = said === words.length;
    return {
      state: { said },
      observation: `You said ${words[state.said]}.`,
      reward: 1 / 3,
      done: won,
      success: won,
      grounded: true,
    };
  },
  remaining: (_task, state) => words.length - state.said,
};

export const tasks: readonly Task[] = [0, 1, 2, 3].map((n) => ({ id: `train/say-${n}`, split: 'train', type: 'say' }));

/** A policy that says the given replies one after another, and remembers what it was asked. */
export function scriptedPolicy(replies: readonly (string | Error)[]): Policy & {
  readonly asked: { readonly episode: string; readonly conversation: readonly { role: string; content: string }[] }[];
  readonly released: string[];
} {
  const asked: { episode: string; conversation: { role: string; content: string }[] }[] = [];
  const released: string[] = [];
  const turn = new Map<string, number>();
  return {
    asked,
    released,
    act: async ({ episode, conversation }) => {
      asked.push({ episode, conversation: conversation.map((message) => ({ ...message })) });
      const at = turn.get(episode) ?? 0;
      turn.set(episode, at + 1);
      const reply = replies[at % replies.length]!;
      if (reply instanceof Error) throw reply;
      return { text: reply, tokenIds: [], logProbs: [] };
    },
    release: (episode) => void released.push(episode),
    [Symbol.asyncDispose]: async () => {},
  };
}
