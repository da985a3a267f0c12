/**
 * BM25 in the single-precision arithmetic of Lucene 9, which decides ties; k1 0.9 and b 0.4 as Pyserini sets them.
 *   idf = ln(1 + (N - df + 0.5) / (df + 0.5)),  score = w - w / (1 + tf / (k1 (1 - b + b dl / avgdl))),  w = repeats in the query * idf
 * Source: Lucene 9.5.0 search/similarities/BM25Similarity.java, util/SmallFloat.java; Robertson & Zaragoza (2009).
 */

const { fround } = Math;
const k1 = fround(0.9);
const b = fround(0.4);

/** Lengths below this are kept exactly in {@link lengthByte}. */
const exact = 24;

/** Rounds a length down to one of 256 values, as Lucene stores it: about three significant bits above 24. @returns 0 to 255. */
export function lengthByte(length: number): number {
  return length < exact ? length : exact + packLength(length - exact);
}

function packLength(value: number): number {
  const bits = 32 - Math.clz32(value);
  return bits < 4 ? value : ((value >>> (bits - 4)) & 7) | ((bits - 3) << 3);
}

function unpackLength(packed: number): number {
  const shift = (packed >>> 3) - 1;
  return shift < 0 ? packed & 7 : ((packed & 7) | 8) * 2 ** shift;
}

/** Returns the length that a byte stands for. */
export function lengthOf(byte: number): number {
  return byte < exact ? byte : exact + unpackLength(byte - exact);
}

/** Computes 1 / (k1 (1 - b + b dl / avgdl)) for every length byte. @param averageLength Mean number of terms of the documents that have any. */
export function inverseNorms(averageLength: number): Float32Array {
  const average = fround(averageLength);
  return Float32Array.from({ length: 256 }, (_, byte) => {
    const share = fround(fround(b * fround(lengthOf(byte))) / average);
    return fround(1 / fround(k1 * fround(fround(1 - b) + share)));
  });
}

/** Computes the weight of a term. @param repeats Times it occurs in the query. @param documents Number of documents that have terms. */
export function termWeight(repeats: number, documentFrequency: number, documents: number): number {
  const idf = fround(Math.log(1 + (documents - documentFrequency + 0.5) / (documentFrequency + 0.5)));
  return fround(fround(repeats) * idf);
}
