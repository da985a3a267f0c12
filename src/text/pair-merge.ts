/**
 * Byte-pair merging, the one learner behind sub-words (symbols are bytes, sequences are words) and phrases (symbols are words,
 * sequences are stretches of text): join the most frequent neighbouring pair, again and again.
 * Source: Sennrich, Haddow & Birch (2016), "Neural Machine Translation of Rare Words with Subword Units", algorithm 1.
 */

/** One joined pair, in the order learned. */
export type Merge = readonly [left: string, right: string];

/** A distinct sequence of symbols and how often it occurs. Its symbols are joined in place. */
export interface CountedSequence {
  symbols: string[];
  readonly count: number;
}

interface PairTable {
  readonly counts: Map<string, number>;
  /** Indices of the sequences that held the pair at some time; a superset of those that hold it now. */
  readonly places: Map<string, Set<number>>;
}

/** Separates the halves of a pair in a key: no byte-level symbol contains it, and a word that does is a barrier for phrases. */
const seam = '\u0000';

/**
 * Joins the most frequent pair up to `limit` times; ties go to the pair that sorts first, so the result is a function of the counts.
 * @param sequences Changed in place to the merged segmentation.
 * @param limit Most merges to learn; fewer are learned when no pair occurs twice.
 */
export function learnMerges(sequences: readonly CountedSequence[], limit: number): Merge[] {
  const table: PairTable = { counts: new Map(), places: new Map() };
  for (const [index, sequence] of sequences.entries()) count(table, sequence, index, 1);
  const merges: Merge[] = [];
  while (merges.length < limit) {
    const best = mostFrequent(table.counts);
    if (best === undefined) break;
    const [left, right] = best.split(seam) as [string, string]; // keys are made of exactly two halves in count()
    merges.push([left, right]);
    for (const index of [...(table.places.get(best) ?? [])]) {
      const sequence = sequences[index]!;
      count(table, sequence, index, -1);
      sequence.symbols = join(sequence.symbols, left, right);
      count(table, sequence, index, 1);
    }
    table.counts.delete(best);
    table.places.delete(best);
  }
  return merges;
}

function count(table: PairTable, sequence: CountedSequence, index: number, sign: 1 | -1): void {
  const { symbols } = sequence;
  for (let i = 0; i + 1 < symbols.length; i++) {
    const key = `${symbols[i]}${seam}${symbols[i + 1]}`;
    const total = (table.counts.get(key) ?? 0) + sign * sequence.count;
    if (total === 0) table.counts.delete(key);
    else table.counts.set(key, total);
    if (sign < 0) continue;
    const places = table.places.get(key);
    if (places === undefined) table.places.set(key, new Set([index]));
    else places.add(index);
  }
}

function mostFrequent(counts: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined;
  let most = 1;
  for (const [key, value] of counts) {
    if (value > most || (value === most && best !== undefined && key < best)) {
      best = key;
      most = value;
    }
  }
  return best;
}

function join(symbols: readonly string[], left: string, right: string): string[] {
  const joined: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      joined.push(left + right);
      i += 1;
    } else {
      joined.push(symbols[i]!);
    }
  }
  return joined;
}
