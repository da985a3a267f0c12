/**
 * Batched decoding with a key/value cache on the host. Each slot holds one sequence and goes at its own pace; the cache of all slots is
 * [slot, K, S, E] per layer, where S is the shortest bucket that holds the longest live sequence. Programs see a prefix of the slots
 * without a copy, so low slots should be used first.
 */
import { compile, type EngineName, type Program } from '../tensor/compile.ts';
import type { tf } from '../tensor/tf.ts';
import { type DecodeShape, decodeInputs, decodeStep } from './decode-graph.ts';
import { groupsOf, layoutOf } from './layout.ts';
import type { Model } from './model.ts';
import { partFeeds, partInputs, partWeights } from './parts.ts';
import { createProgramCache } from './program-cache.ts';

/** How to decode. */
export interface DecoderOptions {
  readonly engine: EngineName;
  readonly threads?: number;
  /** Sequences held at once. */
  readonly slots: number;
  /** Longest sequence, tokens; at most the model's. */
  readonly maxLength: number;
}

/** New tokens of one slot. */
export interface DecodeRow {
  readonly slot: number;
  /** 1 to `width` token ids. */
  readonly tokens: readonly number[];
}

/** Sequences that grow. One call at a time. */
export interface Decoder {
  readonly slots: number;
  readonly maxLength: number;
  /** Widths that `advance` accepts, ascending. */
  readonly widths: readonly number[];
  /** Tokens a slot holds. */
  length(slot: number): number;
  /** Empties a slot. */
  reset(slot: number): void;
  /**
   * Appends tokens to the named slots; the others stay as they are. Costs as much as if every row had `width` tokens.
   * @returns Logits after each row's last token, in the order of the rows, flat [rows, V]; valid until the next call.
   * @throws {RangeError} If a row has no or too many tokens, a slot is unknown or named twice, or a sequence would become too long.
   */
  advance(rows: readonly DecodeRow[], width: number): Promise<Float32Array>;
  /** Goes on with other parameters, shape [P] (read at every call, not copied), and empties every slot. */
  setParameters(parameters: Float32Array): void;
  [Symbol.asyncDispose](): Promise<void>;
}

const widths = [1, 4, 16, 64] as const;

/** Shapes kept compiled. */
const programLimit = 48;
const cacheBuckets = [64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192];

/** Returns a cache length that holds `needed` tokens: few different ones, so that few programs are compiled. */
function cacheBucket(needed: number): number {
  return cacheBuckets.find((bucket) => bucket >= needed) ?? 8192 * Math.ceil(needed / 8192);
}

/** Creates a decoder on the model's own parameter array. Programs are compiled when a shape is first needed. */
export function createDecoder(model: Model, options: DecoderOptions): Decoder {
  const { slots, maxLength } = options;
  if (!(Number.isInteger(slots) && slots >= 1))
    throw new RangeError(`Cannot create a decoder: ${slots} slots, expected at least 1`);
  if (!(maxLength >= 1 && maxLength <= model.config.maxLength)) {
    throw new RangeError(
      `Cannot create a decoder: maximum length ${maxLength}, expected 1 to ${model.config.maxLength}`,
    );
  }
  return new CachedDecoder(model, options);
}

class CachedDecoder implements Decoder {
  readonly slots: number;
  readonly maxLength: number;
  readonly widths: readonly number[];
  readonly #model: Model;
  readonly #options: DecoderOptions;
  readonly #part;
  readonly #programs = createProgramCache(programLimit);
  readonly #lengths: Int32Array;
  readonly #lastTokens: Int32Array;
  /** By input name `key/<layer>` and `value/<layer>`: [slots, K, S, E]. */
  #cache: Record<string, Float32Array> = {};
  #capacity = 0;
  #weights: Record<string, Float32Array>;
  #logits = new Float32Array(0);

  constructor(model: Model, options: DecoderOptions) {
    this.slots = options.slots;
    this.maxLength = options.maxLength;
    this.widths = widths.filter((width) => width === 1 || width <= options.maxLength);
    this.#model = model;
    this.#options = options;
    this.#part = { name: 'model', groups: groupsOf(layoutOf(model.config, [])) } as const; // heads lie behind the trunk and are not read
    this.#weights = partFeeds(this.#part, model.parameters);
    this.#lengths = new Int32Array(options.slots);
    this.#lastTokens = new Int32Array(options.slots);
  }

  length(slot: number): number {
    return this.#lengths[slot]!;
  }

  reset(slot: number): void {
    this.#lengths[slot] = 0;
  }

  setParameters(parameters: Float32Array): void {
    if (parameters.length !== this.#model.parameters.length) {
      throw new RangeError(
        `Cannot set parameters: ${parameters.length} numbers, expected ${this.#model.parameters.length}`,
      );
    }
    this.#weights = partFeeds(this.#part, parameters);
    this.#lengths.fill(0);
  }

  async advance(rows: readonly DecodeRow[], width: number): Promise<Float32Array> {
    this.#check(rows, width);
    this.#resize(rows);
    const highest = rows.reduce((slot, row) => Math.max(slot, row.slot), 0);
    const shape = { B: this.#rowBucket(highest + 1), W: width, S: this.#capacity };
    const program = await this.#program(shape);
    const results = await program.run({ ...this.#weights, ...this.#inputs(rows, shape), ...this.#cachePrefix(shape) });
    for (const [name, cache] of Object.entries(this.#cache))
      this.#append(cache, results[name] as Float32Array, { rows, width }); // float32 outputs
    for (const { slot, tokens } of rows) {
      this.#lengths[slot]! += tokens.length;
      this.#lastTokens[slot] = tokens.at(-1)!;
    }
    return this.#collect(results.logits as Float32Array, rows); // a float32 output
  }

  #check(rows: readonly DecodeRow[], width: number): void {
    if (!this.widths.includes(width))
      throw new RangeError(`Cannot decode: width ${width}, expected one of ${this.widths.join(', ')}`);
    const { vocabSize } = this.#model.config;
    const seen = new Set<number>();
    for (const { slot, tokens } of rows) {
      const refuse = (what: string): never => {
        throw new RangeError(`Cannot decode slot ${slot}: ${what}`);
      };
      if (!(Number.isInteger(slot) && slot >= 0 && slot < this.slots))
        refuse(`no such slot, expected 0 to ${this.slots - 1}`);
      if (seen.has(slot)) refuse('named twice, expected each slot once');
      seen.add(slot);
      if (tokens.length < 1 || tokens.length > width) refuse(`${tokens.length} tokens, expected 1 to ${width}`);
      const end = this.#lengths[slot]! + tokens.length;
      if (end > this.maxLength) refuse(`${end} tokens in all, expected at most ${this.maxLength}`);
      const wrong = tokens.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabSize));
      if (wrong !== undefined) refuse(`token ${wrong}, expected 0 to ${vocabSize - 1}`);
    }
  }

  /** Gives every live sequence room for its new tokens, or shrinks the cache when far less is enough. */
  #resize(rows: readonly DecodeRow[]): void {
    let needed = Math.max(...this.#lengths);
    for (const { slot, tokens } of rows) needed = Math.max(needed, this.#lengths[slot]! + tokens.length);
    const fitting = Math.min(this.maxLength, cacheBucket(needed));
    if (fitting === this.#capacity || (fitting < this.#capacity && fitting * 2 > this.#capacity)) return;
    const { layers, kvHeads: K, headSize: E } = this.#model.config;
    const cache: Record<string, Float32Array> = {};
    for (const name of Array.from({ length: layers }, (_, layer) => [`key/${layer}`, `value/${layer}`]).flat()) {
      const next = new Float32Array(this.slots * K * fitting * E);
      const old = this.#cache[name];
      if (old !== undefined) {
        for (let block = 0; block < this.slots * K; block++) {
          const from = block * this.#capacity * E;
          next.set(old.subarray(from, from + this.#lengths[Math.floor(block / K)]! * E), block * fitting * E);
        }
      }
      cache[name] = next;
    }
    this.#cache = cache;
    this.#capacity = fitting;
  }

  /** Rows come in few sizes, a factor of two apart and 4 at least, so that few programs are compiled. */
  #rowBucket(rows: number): number {
    let bucket = this.slots;
    while (bucket > 4 && Math.ceil(bucket / 2) >= rows) bucket = Math.ceil(bucket / 2);
    return bucket;
  }

  #inputs(rows: readonly DecodeRow[], { B, W, S }: DecodeShape): Record<string, Int32Array | Float32Array> {
    const tokens = new Int32Array(B * W);
    const previous = new Int32Array(B * W);
    const hasPrevious = new Float32Array(B * W);
    const positions = new Int32Array(B * W);
    const last = Int32Array.from({ length: B }, (_, row) => row * W);
    for (const { slot, tokens: fed } of rows) {
      const start = this.#lengths[slot]!;
      for (let w = 0; w < W; w++) positions[slot * W + w] = Math.min(start + w, S - 1); // S holds all real ones
      fed.forEach((token, w) => {
        tokens[slot * W + w] = token;
        previous[slot * W + w] = w > 0 ? fed[w - 1]! : this.#lastTokens[slot]!;
        hasPrevious[slot * W + w] = start + w > 0 ? 1 : 0;
      });
      last[slot] = slot * W + fed.length - 1;
    }
    const before = this.#model.config.previousTokenEmbedding ? { previous, hasPrevious } : {};
    return { tokens, positions, length: this.#lengths.subarray(0, B), last, ...before };
  }

  #cachePrefix({ B, S }: DecodeShape): Record<string, Float32Array> {
    const { kvHeads: K, headSize: E } = this.#model.config;
    return Object.fromEntries(
      Object.entries(this.#cache).map(([name, cache]) => [name, cache.subarray(0, B * K * S * E)]),
    );
  }

  /** Copies a row's new keys or values, [B, K, W, E], behind what its slot holds. */
  #append(
    cache: Float32Array,
    fresh: Float32Array,
    step: { readonly rows: readonly DecodeRow[]; readonly width: number },
  ): void {
    const { kvHeads: K, headSize: E } = this.#model.config;
    for (const { slot, tokens } of step.rows) {
      const start = this.#lengths[slot]!;
      for (let head = 0; head < K; head++) {
        const from = (slot * K + head) * step.width * E;
        cache.set(fresh.subarray(from, from + tokens.length * E), ((slot * K + head) * this.#capacity + start) * E);
      }
    }
  }

  #collect(logits: Float32Array, rows: readonly DecodeRow[]): Float32Array {
    const { vocabSize: V } = this.#model.config;
    if (this.#logits.length !== rows.length * V) this.#logits = new Float32Array(rows.length * V);
    rows.forEach(({ slot }, row) => {
      this.#logits.set(logits.subarray(slot * V, (slot + 1) * V), row * V);
    });
    return this.#logits;
  }

  #program(shape: DecodeShape): Promise<Program> {
    const { config } = this.#model;
    const { engine, threads } = this.#options;
    const fn = (inputs: Record<string, tf.Tensor>): Record<string, tf.Tensor> =>
      decodeStep(partWeights(this.#part, inputs), inputs, { config, shape });
    const inputs = { ...partInputs(this.#part), ...decodeInputs(config, shape) };
    const options = { engine, ...(threads === undefined ? {} : { threads }) };
    return this.#programs.get(`${shape.B}x${shape.W}x${shape.S}`, () => compile(fn, inputs, options));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#programs[Symbol.asyncDispose]();
  }
}
