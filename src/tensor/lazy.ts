/** Casts and reshapes that fold at trace time: they look through lazy values and through earlier casts and reshapes. */
import { type Shape, sizeOf } from '../base/shape.ts';
import { type Graph, sameShape, type Value, type ViewValue } from './graph.ts';
import { type ElementType, onnxType } from './onnx-proto.ts';

/** Returns `value` with another element type; float to integer truncates, anything to bool asks whether it is not zero. */
export function cast(graph: Graph, value: Value, dtype: ElementType): Value {
  if (value.dtype === dtype) return value;
  if (value.kind === 'splat') return graph.splat(value.value, { dtype, shape: value.shape });
  if (value.kind === 'view') return graph.broadcast(cast(graph, value.base, dtype), value.shape);
  const source = losslessSource(value);
  if (source !== undefined) return cast(graph, source, dtype);
  return graph.node('Cast', [value], { dtype, shape: value.shape, attributes: { to: onnxType[dtype] } });
}

/** The value behind a cast that lost nothing: from bool to anything, or of a one-hot, which holds only its two small numbers. */
function losslessSource(value: Value): Value | undefined {
  if (value.kind !== 'node' || value.node.op !== 'Cast') return undefined;
  const source = value.node.inputs[0]!;
  const isOneHot = source.kind === 'node' && source.node.op === 'OneHot' && value.dtype === 'int32';
  return source.dtype === 'bool' || isOneHot ? source : undefined;
}

/** Returns `value` with another shape of the same size. */
export function reshape(graph: Graph, value: Value, shape: Shape): Value {
  if (sameShape(value.shape, shape)) return value;
  if (value.kind === 'splat') return graph.broadcast(value, shape);
  if (value.kind === 'view') {
    const base = reshapeView(graph, value, shape);
    if (base !== undefined) return graph.broadcast(base, shape);
  }
  if (value.kind === 'node' && value.node.op === 'Reshape') return reshape(graph, value.node.inputs[0]!, shape);
  return graph.node('Reshape', [graph.physical(value), graph.integers(shape)], { dtype: value.dtype, shape });
}

/** A broadcast stays lazy if the new shape only inserts or removes axes of extent 1: the base then follows suit. */
function reshapeView(graph: Graph, view: ViewValue, shape: Shape): Value | undefined {
  const padding = view.shape.length - view.base.shape.length;
  const baseExtents = view.shape.flatMap((extent, axis) =>
    extent === 1 ? [] : [view.base.shape[axis - padding] ?? 1],
  );
  const isSqueeze = sameShape(
    view.shape.filter((extent) => extent !== 1),
    shape.filter((extent) => extent !== 1),
  );
  if (!isSqueeze || sizeOf(baseExtents) !== sizeOf(view.base.shape)) return undefined;
  let next = 0;
  return reshape(
    graph,
    view.base,
    shape.map((extent) => (extent === 1 ? 1 : baseExtents[next++]!)),
  );
}
