/**
 * The contract of whatever plays: the native model, a server, a script. Each episode asks for itself and a policy batches what is
 * waiting, so that a finished episode never holds up the others (continuous batching).
 */
import type { Message } from '../text/tokenizer.ts';

/** One turn to play. */
export interface PolicyRequest {
  /** Unique per episode; a policy may keep a cache under it until {@link Policy.release}. */
  readonly episode: string;
  /** Everything said so far, ending with a user message; only ever grows within an episode. */
  readonly conversation: readonly Message[];
}

/** What the agent said. */
export interface PolicyReply {
  readonly text: string;
  /** Token ids of the reply with its stop token, shape [T]; empty where the policy has no tokens. */
  readonly tokenIds: readonly number[];
  /** Natural log-probability of each token under the untempered policy, shape [T]. */
  readonly logProbs: readonly number[];
}

/** A policy. Rejects only for infrastructure faults, which end the episode as `infra_error`. */
export interface Policy {
  act(request: PolicyRequest): Promise<PolicyReply>;
  /** Tells that an episode is over. */
  release(episode: string): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The conversation no longer fits the model: the agent's limit, not a fault. */
export class ContextFullError extends Error {
  /** @param maxLength Tokens the model can take; absent where only the server knows. */
  constructor(maxLength?: number) {
    const room = maxLength === undefined ? 'what the model can take' : `the ${maxLength} tokens of the model`;
    super(`Cannot continue the conversation: it is longer than ${room}`);
    this.name = 'ContextFullError';
  }
}
