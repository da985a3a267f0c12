/** Epochs of shuffled, length-bucketed batches as a function of the step number. */
import { SpaError } from '../base/error.ts';
import { createRng } from '../base/rng.ts';
import { type PackedBatch, packBatches } from '../nn/batching.ts';

/** Which sequences each step trains on. */
export interface Epochs {
  /** Steps in all. */
  readonly steps: number;
  /** Which sequences step `step` takes, as micro-batches of one padded shape each. */
  at(step: number): readonly PackedBatch[];
}

/**
 * Lays out `epochs` passes (a fraction of one counts) over sequences of the given lengths. Each pass is shuffled with its own seed,
 * packed by length and its batches shuffled again, so that long and short ones mix; `lengthGroups` of them make a step. With one, all
 * sequences of a step are about as long as each other.
 * @throws {SpaError} If there are no sequences.
 */
export function layEpochs(
  lengths: readonly number[],
  options: {
    readonly epochs: number;
    /** Padded tokens of a step. */
    readonly batchTokens: number;
    /** Micro-batches of a step, each of its own length; default 1. */
    readonly lengthGroups?: number;
    readonly maxLength: number;
    readonly seed: number;
    readonly name: string;
  },
): Epochs {
  const { epochs, batchTokens, lengthGroups = 1, maxLength, seed, name } = options;
  if (lengths.length === 0) {
    throw new SpaError('stage', `Cannot train "${name}": there is no episode to learn from, expected at least one`, {
      hint: 'Play more games, hold fewer out, or raise model.maxLength if every conversation is longer',
    });
  }
  const packed: PackedBatch[][][] = [];
  const pass = (epoch: number): PackedBatch[][] => {
    const known = packed[epoch];
    if (known !== undefined) return known;
    const rng = createRng([name, seed, epoch]);
    const order = rng.shuffle(lengths.map((_, index) => index));
    const batches = packBatches(
      order.map((index) => lengths[index]!),
      { batchTokens: Math.floor(batchTokens / lengthGroups), maxLength },
    ).map(({ indices, shape }) => ({ shape, indices: indices.map((position) => order[position]!) }));
    packed[epoch] = grouped(rng.shuffle(batches), lengthGroups);
    return packed[epoch];
  };
  const perPass = pass(0).length; // how many steps a pass has depends on the lengths alone
  return {
    steps: Math.max(1, Math.round(epochs * perPass)),
    at: (step) => pass(Math.floor(step / perPass))[step % perPass]!,
  };
}

/** Cuts a list into runs of `size`; the last one may be shorter. */
function grouped<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
