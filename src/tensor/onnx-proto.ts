/**
 * Writes an ONNX model as protobuf bytes. Only the messages and fields that a traced graph needs are known here.
 * Source: onnx/onnx@main:onnx/onnx.proto (field numbers), protobuf.dev/programming-guides/encoding (wire format).
 */
import type { Shape } from '../base/shape.ts';

/** Element types of graph values; `int64` occurs only inside a graph (indices, shapes). */
export type ElementType = 'float32' | 'int32' | 'bool' | 'int64';

/** Elements of a constant; `bool` is one byte each. */
export type TensorData = Float32Array | Int32Array | Uint8Array | BigInt64Array;

/** An attribute of an operator: a plain number is an integer, a float says so. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** Attributes by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** One operator with the names of the values it reads and makes. */
export interface OnnxNode {
  readonly op: string;
  /** Operator set; absent means the standard one. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Attributes;
}

/** The name, type and shape of an input or output. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: Shape;
}

/** A constant of the graph. */
export interface OnnxConstant extends OnnxValue {
  readonly data: TensorData;
}

/** A whole graph; nodes are in topological order. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** TensorProto.DataType of each element type. */
export const onnxType = { float32: 1, int32: 6, int64: 7, bool: 9 } as const satisfies Record<ElementType, number>;

const IR_VERSION = 10;
const OPSET_VERSION = 21;
const MICROSOFT_OPSET_VERSION = 1;
/** AttributeProto.AttributeType. */
const attributeType = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** Returns the bytes of a ModelProto. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  return concat([
    int(1, IR_VERSION),
    text(2, 'spa'),
    message(7, graphFields(graph)),
    message(8, [text(1, ''), int(2, OPSET_VERSION)]),
    message(8, [text(1, 'com.microsoft'), int(2, MICROSOFT_OPSET_VERSION)]),
  ]);
}

function graphFields({ nodes, constants, inputs, outputs }: OnnxGraph): Uint8Array[] {
  return [
    ...nodes.map((node) => message(1, nodeFields(node))),
    text(2, 'graph'),
    ...constants.map((constant) => message(5, tensorFields(constant))),
    ...inputs.map((value) => message(11, valueFields(value))),
    ...outputs.map((value) => message(12, valueFields(value))),
  ];
}

function nodeFields({ op, domain, inputs, outputs, attributes = {} }: OnnxNode): Uint8Array[] {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => message(5, attributeFields(name, value))),
    ...(domain === undefined ? [] : [text(7, domain)]),
  ];
}

function attributeFields(name: string, value: Attribute): Uint8Array[] {
  if (typeof value === 'number') return [text(1, name), int(3, value), int(20, attributeType.int)];
  if (typeof value === 'string') return [text(1, name), text(4, value), int(20, attributeType.string)];
  if ('float' in value) return [text(1, name), float(2, value.float), int(20, attributeType.float)];
  return [text(1, name), ...value.map((item) => int(8, item)), int(20, attributeType.ints)];
}

function tensorFields({ name, dtype, shape, data }: OnnxConstant): Uint8Array[] {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength); // little-endian, as every platform of Node is
  return [...shape.map((extent) => int(1, extent)), int(2, onnxType[dtype]), text(8, name), bytes(9, raw)];
}

function valueFields({ name, dtype, shape }: OnnxValue): Uint8Array[] {
  const extents = shape.map((extent) => message(1, [int(1, extent)]));
  const tensorType = message(1, [int(1, onnxType[dtype]), message(2, extents)]);
  return [text(1, name), message(2, [tensorType])];
}

function message(field: number, fields: readonly Uint8Array[]): Uint8Array {
  return bytes(field, concat(fields));
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, Buffer.from(value, 'utf8'));
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return concat([tag(field, 2), varint(value.length), value]);
}

function int(field: number, value: number): Uint8Array {
  return concat([tag(field, 0), varint(value)]);
}

function float(field: number, value: number): Uint8Array {
  const body = new Uint8Array(4);
  new DataView(body.buffer).setFloat32(0, value, true);
  return concat([tag(field, 5), body]);
}

function tag(field: number, wireType: number): Uint8Array {
  return varint(field * 8 + wireType);
}

/** Seven bits per byte, lowest first; a negative number is its 64-bit two's complement. */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
