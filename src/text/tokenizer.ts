/** The contract of a tokenizer, and of a conversation turned into tokens with the agent's part marked. */

/** Text to token ids and back. */
export interface Tokenizer {
  readonly vocabSize: number;
  /** Encodes text; special tokens written literally in it are recognised. No token is added at either end. */
  encode(text: string): number[];
  /** Decodes ids; special tokens are left out. */
  decode(ids: readonly number[]): string;
  /** Returns the id of one token, or undefined. */
  idOf(token: string): number | undefined;
}

/** One message of a conversation. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A conversation as tokens. */
export interface EncodedConversation {
  /** Token ids, shape [T]. */
  readonly ids: Int32Array;
  /**
   * For each token the index of the agent turn it belongs to, or -1 for prompt, observation and header tokens, shape [T].
   * An agent turn is its content and the stop token that ends it; its last token is where the progress estimator reads.
   */
  readonly turns: Int32Array;
}
