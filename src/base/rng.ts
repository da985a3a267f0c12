/**
 * Seeded randomness whose state is four 32-bit numbers, so that it can be stored, compared and resumed.
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), chosen because it is fast in 32-bit integer arithmetic.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from './json.ts';

/** The whole state of a generator: four unsigned 32-bit integers. */
export type RngState = readonly [number, number, number, number];

/** A source of random numbers. Not shared between tasks: derive one per task with {@link createRng}. */
export interface Rng {
  /** Returns a number in [0, 1) with 32 random bits. */
  uniform(): number;
  /** Returns an integer in [0, bound). */
  int(bound: number): number;
  /** Returns one element, each equally likely. */
  pick<T>(items: readonly T[]): T;
  /** Returns a shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** Returns a standard normal number (Box-Muller, one of the pair is dropped). */
  normal(): number;
  /** Returns the state after the numbers drawn so far. */
  state(): RngState;
}

/** Derives a state from anything JSON, e.g. `seedOf(['rollout', seed, taskId, 3])`. Different values give unrelated streams. */
export function seedOf(value: Json): RngState {
  const digest = createHash('sha256').update(canonicalJson(value)).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12)];
}

/** Creates a generator from a state, or from any JSON value by {@link seedOf}. */
export function createRng(seed: RngState | Json, options: { readonly resume?: boolean } = {}): Rng {
  let [a, b, c, d] = options.resume ? (seed as RngState) : seedOf(seed); // resume: the caller hands back what state() returned
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  const uniform = (): number => next() / 4294967296;
  const int = (bound: number): number => Math.floor(uniform() * bound);
  return {
    uniform,
    int,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('Cannot pick from an empty list');
      return items[int(items.length)]!;
    },
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
}
