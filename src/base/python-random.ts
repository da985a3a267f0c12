/**
 * CPython's `random.Random(seed)` as far as the released scripts use it, so that their subsets can be drawn again.
 * Generator: MT19937 (Matsumoto & Nishimura 1998). Source: python/cpython Modules/_randommodule.c and Lib/random.py (3.11).
 */

/** A source of CPython's random numbers. */
export interface PythonRandom {
  /** Returns an integer of `bits` random bits, 1 to 32. */
  getrandbits(bits: number): number;
  /** Returns a number in [0, 1) with 53 random bits. */
  random(): number;
  /** Draws `count` different items, as `random.sample`. @throws {RangeError} If there are fewer. */
  sample<T>(items: readonly T[], count: number): T[];
  /** Returns a shuffled copy, the order of `random.shuffle`. */
  shuffle<T>(items: readonly T[]): T[];
}

const size = 624;
const lag = 397;

/** Creates the generator of `random.Random(seed)`. @param seed An integer in [0, 2^32). */
export function createPythonRandom(seed: number): PythonRandom {
  const state = seedByArray(seed >>> 0);
  let index = size;
  const next = (): number => {
    if (index === size) {
      twist(state);
      index = 0;
    }
    let y = state[index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  const getrandbits = (bits: number): number => next() >>> (32 - bits);
  const below = (bound: number): number => {
    const bits = 32 - Math.clz32(bound);
    let drawn = getrandbits(bits);
    while (drawn >= bound) drawn = getrandbits(bits);
    return drawn;
  };
  return {
    getrandbits,
    random: () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992,
    sample: (items, count) => sampleOf(items, count, below),
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
  };
}

/** CPython draws from a shrinking pool, or, when few of many are wanted, draws again what it has drawn before. */
function sampleOf<T>(items: readonly T[], count: number, below: (bound: number) => number): T[] {
  const n = items.length;
  if (count > n || count < 0)
    throw new RangeError(`Cannot sample ${count} items: there are ${n}, expected at least as many`);
  const limit = 21 + (count > 5 ? 4 ** Math.ceil(Math.log(count * 3) / Math.log(4)) : 0);
  const drawn: T[] = [];
  if (n <= limit) {
    const pool = [...items];
    for (let i = 0; i < count; i++) {
      const j = below(n - i);
      drawn.push(pool[j]!);
      pool[j] = pool[n - i - 1]!;
    }
    return drawn;
  }
  const seen = new Set<number>();
  while (drawn.length < count) {
    const j = below(n);
    if (seen.has(j)) continue;
    seen.add(j);
    drawn.push(items[j]!);
  }
  return drawn;
}

function seedByArray(key: number): Uint32Array {
  const state = new Uint32Array(size);
  state[0] = 19650218;
  for (let i = 1; i < size; i++) state[i] = Math.imul(1812433253, mixed(state[i - 1]!)) + i;
  let i = 1;
  for (let k = 0; k < size; k++) {
    state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1664525)) + key; // the key has one word, so its index stays 0
    i = advance(state, i);
  }
  for (let k = 1; k < size; k++) {
    state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1566083941)) - i;
    i = advance(state, i);
  }
  state[0] = 0x80000000;
  return state;
}

function mixed(word: number): number {
  return word ^ (word >>> 30);
}

function advance(state: Uint32Array, i: number): number {
  if (i + 1 < size) return i + 1;
  state[0] = state[size - 1]!;
  return 1;
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < size; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
    state[i] = state[(i + lag) % size]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
