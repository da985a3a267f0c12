/**
 * The graph being recorded: immutable values in static single assignment, and the nodes that make them.
 * Two kinds of value stay lazy, because TF.js gradients are full of them: `splat` (one number everywhere) and `view` (a value
 * seen through a broadcast). Most kernels read the small value behind them, so neither ones() nor Expand reaches the model.
 */
import { type Shape, sizeOf } from '../base/shape.ts';
import type { Attributes, ElementType, TensorData } from './onnx-proto.ts';

interface Typed {
  readonly dtype: ElementType;
  readonly shape: Shape;
}

/** An argument of the traced function. */
export interface InputValue extends Typed {
  readonly kind: 'input';
  readonly name: string;
}

/** Numbers known while tracing. */
export interface ConstantValue extends Typed {
  readonly kind: 'constant';
  readonly data: TensorData;
}

/** A result of a node. */
export interface NodeValue extends Typed {
  readonly kind: 'node';
  readonly node: GraphNode;
}

/** One number in every element. */
export interface SplatValue extends Typed {
  readonly kind: 'splat';
  readonly value: number;
}

/** A smaller value, broadcast to `shape` by the rules of NumPy. */
export interface ViewValue extends Typed {
  readonly kind: 'view';
  readonly base: PhysicalValue;
}

/** A value that exists in the model. */
export type PhysicalValue = InputValue | ConstantValue | NodeValue;

/** Any value of a trace. */
export type Value = PhysicalValue | SplatValue | ViewValue;

/** One operator of the graph. */
export interface GraphNode {
  readonly op: string;
  readonly domain: string | undefined;
  readonly inputs: readonly PhysicalValue[];
  readonly outputs: readonly NodeValue[];
  readonly attributes: Attributes;
}

/** What a node makes, and how it is told to. */
export interface NodeOptions extends Typed {
  readonly attributes?: Attributes;
  readonly domain?: string;
}

/** Records nodes in the order of execution; lives as long as one trace. */
export class Graph {
  /** All recorded nodes, in topological order. */
  readonly nodes: GraphNode[] = [];
  readonly #interned = new Map<string, ConstantValue>();
  readonly #materialised = new WeakMap<Value, PhysicalValue>();

  /** Records a node with one output. */
  node(op: string, inputs: readonly PhysicalValue[], options: NodeOptions): NodeValue {
    return this.multiNode(op, inputs, { ...options, outputs: [options] })[0]!;
  }

  /** Records a node with several outputs. */
  multiNode(
    op: string,
    inputs: readonly PhysicalValue[],
    options: { readonly outputs: readonly Typed[]; readonly attributes?: Attributes; readonly domain?: string },
  ): readonly NodeValue[] {
    const outputs: NodeValue[] = [];
    const node: GraphNode = { op, domain: options.domain, inputs, outputs, attributes: options.attributes ?? {} };
    for (const { dtype, shape } of options.outputs) outputs.push({ kind: 'node', dtype, shape, node });
    this.nodes.push(node);
    return outputs;
  }

  /** Records an operator that works element by element with broadcasting; the type defaults to that of the first input. */
  elementwise(
    op: string,
    inputs: readonly PhysicalValue[],
    options: { dtype?: ElementType; attributes?: Attributes } = {},
  ): NodeValue {
    const shape = inputs.map((input) => input.shape).reduce(broadcastShape);
    return this.node(op, inputs, { ...options, dtype: options.dtype ?? inputs[0]!.dtype, shape });
  }

  /** Returns a value that holds `value` everywhere, rounded to what the type can hold. */
  splat(value: number, { dtype, shape }: Typed): SplatValue {
    return { kind: 'splat', dtype, shape, value: roundTo(dtype, value) };
  }

  /** Returns a constant with the given numbers; a typed array of the right type is not copied. */
  constant(data: ArrayLike<number>, { dtype, shape }: Typed): ConstantValue {
    return { kind: 'constant', dtype, shape, data: toTensorData(data, dtype) };
  }

  /** Returns the scalar constant `value`; equal ones are shared. */
  scalar(value: number, dtype: ElementType): ConstantValue {
    const key = `${dtype} ${Object.is(value, -0) ? '-0' : value}`;
    return this.#intern(key, () => this.constant([value], { dtype, shape: [] }));
  }

  /** Returns a vector constant of 64-bit integers (axes, shapes, indices); equal ones are shared. */
  integers(values: readonly number[]): ConstantValue {
    return this.#intern(`[${values}]`, () => this.constant(values, { dtype: 'int64', shape: [values.length] }));
  }

  /** Returns `value` seen with a larger shape. Nothing is recorded. */
  broadcast(value: Value, shape: Shape): Value {
    if (sameShape(value.shape, shape)) return value;
    if (value.kind === 'splat') return { ...value, shape };
    return { kind: 'view', dtype: value.dtype, shape, base: value.kind === 'view' ? value.base : value };
  }

  /** Returns `value` in full size, recording what makes it if it was lazy. */
  physical(value: Value): PhysicalValue {
    if (value.kind !== 'splat' && value.kind !== 'view') return value;
    let made = this.#materialised.get(value);
    if (made === undefined) {
      const { dtype, shape } = value;
      const small = this.operand(value);
      made =
        sizeOf(shape) === 1 && value.kind === 'splat'
          ? this.constant([value.value], { dtype, shape })
          : this.node('Expand', [small, this.integers(shape)], { dtype, shape });
      this.#materialised.set(value, made);
    }
    return made;
  }

  /** Returns the smallest value that broadcasts to `value`; for operators that broadcast by themselves. */
  operand(value: Value): PhysicalValue {
    if (value.kind === 'splat') return this.scalar(value.value, value.dtype);
    return value.kind === 'view' ? value.base : value;
  }

  #intern(key: string, make: () => ConstantValue): ConstantValue {
    const known = this.#interned.get(key) ?? make();
    this.#interned.set(key, known);
    return known;
  }
}

/** Tells whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/**
 * Returns the shape that two shapes broadcast to.
 * @throws {RangeError} If they do not fit.
 */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new RangeError(`Cannot broadcast shape [${a}]: it meets [${b}], expected equal extents or 1`);
    return x === 1 ? y : x;
  });
}

function roundTo(dtype: ElementType, value: number): number {
  if (dtype === 'float32') return Math.fround(value);
  return dtype === 'bool' ? Number(value !== 0) : Math.trunc(value);
}

/** Returns numbers in the array type of `dtype`, without a copy where they already are. */
function toTensorData(data: ArrayLike<number>, dtype: ElementType): TensorData {
  switch (dtype) {
    case 'float32':
      return data instanceof Float32Array ? data : Float32Array.from(data);
    case 'int32':
      return data instanceof Int32Array ? data : Int32Array.from(data);
    case 'bool':
      return data instanceof Uint8Array ? data : Uint8Array.from(data);
    case 'int64':
      return BigInt64Array.from(Array.from(data, BigInt));
    default:
      return dtype satisfies never;
  }
}
