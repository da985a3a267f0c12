/** Runs a tensor function as it is, on one of TF.js's own backends. */

import { sizeOf } from '../../base/shape.ts';
import { createOutputBuffers } from '../buffers.ts';
import {
  applyFunction,
  checkFeeds,
  type DataType,
  type Program,
  type TensorFunction,
  type TensorSpec,
  type TypedArray,
} from '../program.ts';
import { tf, withBackend } from '../tf.ts';
import { withLifetime } from './lifetime.ts';
import { type EagerEngine, loadEagerBackend } from './load.ts';

type Specs = Readonly<Record<string, TensorSpec>>;

interface Result {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly data: TypedArray;
}

/**
 * Prepares `fn` for an eager engine. It runs once on zeros, to learn the shapes of the outputs and to fail early.
 * @throws {SpaError} If the engine is not installed.
 */
export async function compileEager(
  fn: TensorFunction,
  specs: Specs,
  { engine }: { readonly engine: EagerEngine },
): Promise<Program> {
  const backend = await loadEagerBackend(engine);
  const zeros = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, zerosOf(spec)]));
  const forms = Object.fromEntries(
    evaluate(fn, specs, { backend, feeds: zeros }).map(([name, { shape, dtype }]) => [name, { shape, dtype }]),
  );
  const buffers = createOutputBuffers(forms);
  return withLifetime({
    outputs: Object.fromEntries(Object.entries(forms).map(([name, { shape }]) => [name, shape])),
    async run(feeds) {
      checkFeeds(specs, feeds);
      const outputs = buffers.take(feeds);
      for (const [name, { data }] of evaluate(fn, specs, { backend, feeds })) outputs[name]!.set(data);
      return outputs;
    },
    async release() {},
  });
}

/** One synchronous section: no other caller sees this backend, and every tensor made here is gone at the end. */
function evaluate(
  fn: TensorFunction,
  specs: Specs,
  { backend, feeds }: { readonly backend: string; readonly feeds: Readonly<Record<string, TypedArray>> },
): [name: string, result: Result][] {
  const results: [string, Result][] = [];
  withBackend(backend, () =>
    tf.tidy(() => {
      const tensors = Object.entries(specs).map(
        ([name, { shape, dtype = 'float32' }]) => [name, tf.tensor(feeds[name]!, [...shape], dtype)] as const,
      );
      for (const [name, tensor] of applyFunction(fn, Object.fromEntries(tensors)))
        results.push([name, readResult(tensor)]);
    }),
  );
  return results;
}

function readResult(tensor: tf.Tensor): Result {
  const dtype = tensor.dtype === 'float32' ? 'float32' : 'int32';
  const values = tensor.dataSync();
  // A cast to float32 may share its numbers with the int32 tensor it came from.
  const data = dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values);
  return { shape: tensor.shape, dtype, data };
}

function zerosOf({ shape, dtype }: TensorSpec): TypedArray {
  return dtype === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
}
