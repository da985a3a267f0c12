/**
 * Output arrays that are reused from run to run. An array that is being fed is never handed out: a runtime may write a result
 * before it has read the last of its inputs. A training loop that feeds its state back therefore alternates between two arrays.
 */
import { sizeOf } from '../base/shape.ts';
import type { TensorSpec, TypedArray } from './program.ts';

/** The arrays of one program's outputs. */
export interface OutputBuffers {
  /** Returns one array per output, none of which shares memory with `feeds`. */
  take(feeds: Readonly<Record<string, TypedArray>>): Readonly<Record<string, TypedArray>>;
}

/** Creates the pool for outputs of these forms. Arrays are made when first needed. */
export function createOutputBuffers(outputs: Readonly<Record<string, TensorSpec>>): OutputBuffers {
  const pools = new Map<string, TypedArray[]>();
  const takeOne = (name: string, { shape, dtype }: TensorSpec, fed: ReadonlySet<ArrayBufferLike>): TypedArray => {
    const pool = pools.get(name) ?? [];
    pools.set(name, pool);
    const free = pool.find((array) => !fed.has(array.buffer));
    if (free !== undefined) return free;
    const made = dtype === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
    pool.push(made);
    return made;
  };
  return {
    take(feeds) {
      const fed = new Set(Object.values(feeds).map((feed) => feed.buffer));
      return Object.fromEntries(Object.entries(outputs).map(([name, spec]) => [name, takeOne(name, spec, fed)]));
    },
  };
}
