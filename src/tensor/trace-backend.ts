/**
 * A TF.js backend that computes nothing: its data identifiers stand for values of a {@link Graph}, and its kernels (in
 * `kernels/`) record nodes. TF.js itself does shapes, types, tape and gradients, exactly as on any other backend.
 */
import { SpaError } from '../base/error.ts';
import { type Shape, sizeOf } from '../base/shape.ts';
import { Graph, sameShape, type Value } from './graph.ts';
import { cast, reshape } from './lazy.ts';
import type { ElementType } from './onnx-proto.ts';
import { tf } from './tf.ts';

/** The name under which the backend is registered. */
export const traceBackendName = 'onnx-trace';

interface Entry {
  readonly value: Value;
  references: number;
}

/** The recording backend. One instance lives in TF.js's registry; `begin` gives each trace a new graph. */
export class TraceBackend extends tf.KernelBackend {
  /** The graph of the current trace. */
  graph = new Graph();
  #entries = new Map<object, Entry>();
  #captured = new Map<object, Value>();

  /** Starts a new trace and forgets everything of the last one. */
  begin(): void {
    this.graph = new Graph();
    this.#entries = new Map();
    this.#captured = new Map();
  }

  /** Returns a tensor description that stands for `value`. */
  hold(value: Value): tf.TensorInfo {
    const dataId = {};
    this.#entries.set(dataId, { value, references: 1 });
    return { dataId, shape: [...value.shape], dtype: tensorType(value.dtype) };
  }

  /** Returns the value a tensor stands for. A tensor of another backend is read, never moved, and becomes a constant. */
  valueFor({ dataId, shape, dtype }: tf.TensorInfo): Value {
    const value = this.#entries.get(dataId)?.value ?? this.#captured.get(dataId) ?? this.#capture(dataId);
    const typed = value.dtype === dtype ? value : cast(this.graph, value, elementType(dtype));
    return sameShape(typed.shape, shape) ? typed : reshape(this.graph, typed, shape);
  }

  /** TF.js would move a foreign tensor here and dispose the original, which belongs to the caller; therefore the look-up by hand. */
  #capture(dataId: object): Value {
    const info = tf.engine().state.tensorInfo.get(dataId);
    if (info === undefined) {
      throw new SpaError('model', 'Cannot trace a tensor: it has been disposed, expected a live tensor', {
        hint: 'A gradient function may only use its arguments and what was passed to save()',
      });
    }
    const value = this.#known(info.backend.readSync(dataId), info.shape, info.dtype);
    this.#captured.set(dataId, value);
    return value;
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    return this.hold(this.#known(values, [...shape], dtype)).dataId;
  }

  #known(values: tf.backend_util.BackendValues, shape: Shape, dtype: tf.DataType): Value {
    const type = { dtype: elementType(dtype), shape };
    const numbers = values as ArrayLike<number>; // only string tensors hold anything else, and elementType refused them
    return isUniform(numbers) ? this.graph.splat(Number(numbers[0]), type) : this.graph.constant(numbers, type);
  }

  override readSync(dataId: object): tf.backend_util.TypedArray {
    const value = this.#entries.get(dataId)?.value;
    if (value?.kind === 'constant' && !(value.data instanceof BigInt64Array)) return value.data;
    if (value?.kind === 'splat')
      return tf.util.getTypedArrayFromDType(tensorType(value.dtype), sizeOf(value.shape)).fill(value.value);
    throw new SpaError(
      'model',
      'Cannot read a tensor while tracing: its numbers exist only when the program runs, expected pure tensor code',
      {
        hint: 'Remove data(), dataSync(), arraySync(), print() and decisions on tensor values from the traced function',
      },
    );
  }

  override async read(dataId: object): Promise<tf.backend_util.TypedArray> {
    return this.readSync(dataId);
  }

  override move(): void {
    throw new Error('Internal: a tensor was moved into the tracing backend');
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.#entries.get(dataId);
    if (entry === undefined) return true;
    entry.references -= 1;
    if (!force && entry.references > 0) return false;
    return this.#entries.delete(dataId);
  }

  override incRef(dataId: object): void {
    const entry = this.#entries.get(dataId);
    if (entry !== undefined) entry.references += 1;
  }

  override refCount(dataId: object): number {
    return this.#entries.get(dataId)?.references ?? 0;
  }

  override numDataIds(): number {
    return this.#entries.size;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override dispose(): void {
    this.begin();
  }
}

/** Returns the registered recording backend, registering it on first use. */
export function traceBackend(): TraceBackend {
  if (tf.findBackendFactory(traceBackendName) == null) {
    tf.registerBackend(traceBackendName, () => new TraceBackend(), 0);
  }
  return tf.findBackend(traceBackendName) as TraceBackend; // registered just above, under a name of our own
}

function elementType(dtype: tf.DataType): ElementType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new TypeError(`Cannot trace a tensor: its type is ${dtype}, expected float32, int32 or bool`);
}

function tensorType(dtype: ElementType): 'float32' | 'int32' | 'bool' {
  if (dtype === 'int64') throw new Error('Internal: an int64 value left the graph');
  return dtype;
}

function isUniform(values: ArrayLike<number>): boolean {
  for (let index = 1; index < values.length; index++) if (!Object.is(values[index], values[0])) return false;
  return values.length > 0;
}
