/** What the engines owe each other and their callers: tensor functions, programs, and the checks on what is fed. */
import { type Shape, sizeOf } from '../base/shape.ts';
import { tf } from './tf.ts';

/**
 * Where a program runs: ONNX Runtime on the CPU, on CUDA or on WebGPU; libtensorflow on CUDA or the CPU; the slow pure-JavaScript
 * reference. The order is that of preference where speeds are equal.
 */
export const engineNames = ['onnx-cuda', 'tfjs-node-gpu', 'onnx-webgpu', 'onnx', 'tfjs-node', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

/** Element types of inputs and outputs. Truth values leave as int32. */
export type DataType = 'float32' | 'int32';

/** The form of an input. */
export interface TensorSpec {
  readonly shape: Shape;
  /** Default float32. */
  readonly dtype?: DataType;
}

/** The numbers of a tensor, row by row. */
export type TypedArray = Float32Array | Int32Array;

/**
 * A pure function of tensors. It is called once when compiled and must not read values (`dataSync()` and the like);
 * tensors captured from outside become constants.
 */
export type TensorFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/** How to compile. */
export interface CompileOptions {
  readonly engine: EngineName;
  /** Threads of one operator (onnx only). Default: all cores. */
  readonly threads?: number;
}

/** A compiled function. Runs of one program do not overlap: a call waits for the one before. */
export interface Program {
  /** Shapes of the outputs by name. */
  readonly outputs: Readonly<Record<string, Shape>>;
  /**
   * Runs the program; the event loop stands still while it computes. Feeds are read, never kept or changed. The arrays returned are valid until the next run of the same
   * program, which may be fed with them: an output is never written over an array that is being fed.
   * @param feeds The numbers of every input by name, each as long as its shape says.
   * @throws {TypeError} If an input is missing, unknown or of the wrong array type.
   * @throws {RangeError} If an array has the wrong length.
   * @throws {SpaError} If the engine fails or the program has been disposed.
   */
  run(feeds: Readonly<Record<string, TypedArray>>): Promise<Readonly<Record<string, TypedArray>>>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Applies a tensor function and checks what it returns.
 * @throws {TypeError} If it returned a promise or something other than named tensors.
 */
export function applyFunction(
  fn: TensorFunction,
  tensors: Record<string, tf.Tensor>,
): [name: string, tensor: tf.Tensor][] {
  const results = Object.entries(fn(tensors) ?? {});
  if (results.length === 0)
    throw new TypeError('Cannot compile function: it returned no tensors (or a promise), expected a record of tensors');
  for (const [name, result] of results) {
    if (!(result instanceof tf.Tensor))
      throw new TypeError(`Cannot compile output "${name}": it is ${typeof result}, expected a tensor`);
  }
  return results;
}

/**
 * Checks that the feeds are exactly the inputs of a program.
 * @throws {TypeError} If one is missing, unknown or of the wrong array type.
 * @throws {RangeError} If one has the wrong length.
 */
export function checkFeeds(
  specs: Readonly<Record<string, TensorSpec>>,
  feeds: Readonly<Record<string, TypedArray>>,
): void {
  for (const name of Object.keys(feeds)) {
    if (!Object.hasOwn(specs, name))
      throw new TypeError(
        `Cannot feed "${name}": it is not an input, expected one of ${Object.keys(specs).join(', ')}`,
      );
  }
  for (const [name, { shape, dtype = 'float32' }] of Object.entries(specs)) {
    const feed = feeds[name];
    const arrayType = dtype === 'float32' ? Float32Array : Int32Array;
    if (!(feed instanceof arrayType)) {
      throw new TypeError(
        `Cannot feed "${name}": it is ${feed === undefined ? 'missing' : feed.constructor.name}, expected ${arrayType.name}`,
      );
    }
    if (feed.length !== sizeOf(shape)) {
      throw new RangeError(
        `Cannot feed "${name}": it has ${feed.length} numbers, expected ${sizeOf(shape)} for shape [${shape}]`,
      );
    }
  }
}
