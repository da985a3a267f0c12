/**
 * The native model as a policy. All waiting episodes advance together, one window of tokens at a time: a row that still has an
 * observation to read takes several tokens, a row that is speaking takes the one it just sampled (continuous batching). The cache of
 * an episode is kept between its turns, so only new tokens are ever fed. An episode's choices depend on its own seed alone.
 */
import { createRng, type Rng } from '../base/rng.ts';
import type { Decoder } from '../nn/decoder.ts';
import { logSumExp, sample } from '../nn/sampling.ts';
import type { ChatFormat } from '../text/chat-format.ts';
import { ContextFullError, type Policy, type PolicyReply, type PolicyRequest } from './policy.ts';

/** How replies are drawn. */
export interface Sampling {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  /** Nucleus mass in (0, 1]. */
  readonly topP: number;
  /** Tokens of a reply, stop token included; the last one is forced to be the stop token. */
  readonly maxNewTokens: number;
}

/** What a native policy is made of. It owns the decoder. */
export interface NativePolicyOptions {
  readonly decoder: Decoder;
  readonly format: ChatFormat;
  readonly sampling: Sampling;
  /** Mixed with the episode's name to give its own stream of chance. */
  readonly seed: number;
}

/** One episode's place in the batch. */
interface Lane {
  readonly slot: number;
  readonly rng: Rng;
  /** Tokens to feed before the next one can be sampled. */
  pending: number[];
  reply: { readonly ids: number[]; readonly logProbs: number[] };
  settle: { readonly resolve: (reply: PolicyReply) => void; readonly reject: (error: unknown) => void } | undefined;
}

/** Creates a policy that plays with the native model. */
export function createNativePolicy(options: NativePolicyOptions): Policy {
  const { decoder, format, sampling } = options;
  const lanes = new Map<string, Lane>();
  const free = Array.from({ length: decoder.slots }, (_, index) => decoder.slots - 1 - index);
  const waiting: (() => void)[] = [];
  let pumping = false;

  const openLane = (request: PolicyRequest): Lane => {
    const slot = free.pop()!; // the caller has checked that one is free
    decoder.reset(slot);
    const lane: Lane = {
      slot,
      rng: createRng(['rollout', options.seed, request.episode]),
      pending: [],
      reply: { ids: [], logProbs: [] },
      settle: undefined,
    };
    lanes.set(request.episode, lane); // before anything can throw: the episode's release must give the slot back
    lane.pending = [...format.encodeOpening(request.conversation)];
    return lane;
  };

  const laneOf = (request: PolicyRequest): Lane => {
    const lane = lanes.get(request.episode);
    if (lane === undefined) return openLane(request);
    lane.pending.push(...format.encodeObservation(request.conversation.at(-1)!));
    return lane;
  };

  /** Never throws: it may run inside another episode's release. */
  const startTurn = (request: PolicyRequest, settle: NonNullable<Lane['settle']>): void => {
    let lane: Lane;
    try {
      lane = laneOf(request);
    } catch (error) {
      settle.reject(error);
      return;
    }
    if (decoder.length(lane.slot) + lane.pending.length + sampling.maxNewTokens > decoder.maxLength) {
      settle.reject(new ContextFullError(decoder.maxLength));
      return;
    }
    lane.reply = { ids: [], logProbs: [] };
    lane.settle = settle;
    void pump();
  };

  const finishTurn = (lane: Lane): void => {
    const { ids, logProbs } = lane.reply;
    const settle = lane.settle!; // only speaking lanes are finished
    lane.settle = undefined;
    settle.resolve({ text: format.tokenizer.decode(ids.slice(0, -1)), tokenIds: ids, logProbs });
  };

  const speak = (lane: Lane, logits: Float32Array): void => {
    const isLast = lane.reply.ids.length === sampling.maxNewTokens - 1;
    const stop = format.stopIds[0]!; // a chat format has at least one
    const drawn = isLast
      ? { id: stop, logProb: logits[stop]! - logSumExp(logits) }
      : sample(logits, { temperature: sampling.temperature, topP: sampling.topP, rng: lane.rng });
    lane.reply.ids.push(drawn.id);
    lane.reply.logProbs.push(drawn.logProb);
    lane.pending = [drawn.id];
    if (format.stopIds.includes(drawn.id)) finishTurn(lane);
  };

  const pump = async (): Promise<void> => {
    if (pumping) return;
    pumping = true;
    try {
      for (;;) {
        await new Promise(setImmediate); // lets every episode whose turn has just ended ask for the next one
        const active = [...lanes.values()].filter((lane) => lane.settle !== undefined);
        if (active.length === 0) return;
        const width = chooseWidth(active, decoder.widths);
        const rows = active.map((lane) => ({ slot: lane.slot, tokens: lane.pending.slice(0, width) }));
        const logits = await decoder.advance(rows, width);
        const vocabulary = logits.length / rows.length;
        active.forEach((lane, row) => {
          lane.pending = lane.pending.slice(rows[row]!.tokens.length);
          if (lane.pending.length === 0) speak(lane, logits.subarray(row * vocabulary, (row + 1) * vocabulary));
        });
      }
    } catch (error) {
      for (const lane of lanes.values()) {
        lane.settle?.reject(error);
        lane.settle = undefined;
      }
    } finally {
      pumping = false;
    }
  };

  return {
    act: (request) =>
      new Promise((resolve, reject) => {
        const start = (): void => startTurn(request, { resolve, reject });
        if (lanes.has(request.episode) || free.length > 0) start();
        else waiting.push(start);
      }),
    release: (episode) => {
      const lane = lanes.get(episode);
      if (lane === undefined) return;
      lanes.delete(episode);
      free.push(lane.slot);
      waiting.shift()?.();
    },
    [Symbol.asyncDispose]: () => decoder[Symbol.asyncDispose](),
  };
}

/** Cost of a window relative to one column, measured on a 3-layer model with 64 slots (2.6 ms, 6 ms and 26 ms for 1, 4 and 16 columns). */
const windowCost = (width: number): number => 1 + 0.5 * (width - 1);

/** Chooses the window that feeds the most useful tokens per cost. */
function chooseWidth(lanes: readonly Lane[], widths: readonly number[]): number {
  let best = widths[0]!; // a decoder has at least one width
  let bestRate = 0;
  for (const width of widths) {
    const useful = lanes.reduce((sum, lane) => sum + Math.min(lane.pending.length, width), 0);
    const rate = useful / windowCost(width);
    if (rate > bestRate) [best, bestRate] = [width, rate];
  }
  return best;
}
