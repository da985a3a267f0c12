/** Kernels that make, move or cut numbers without computing. What is uniform or does not change records nothing. */
import { sizeOf } from '../../base/shape.ts';
import { type Graph, sameShape, type Value } from '../graph.ts';
import { reshape } from '../lazy.ts';
import type { ElementType } from '../onnx-proto.ts';
import { tf } from '../tf.ts';
import type { KernelTable, TraceKernel } from './kernel.ts';

const filled =
  (value: number): TraceKernel =>
  ({ graph, input }) => {
    const { dtype, shape } = input('x');
    return graph.splat(value, { dtype, shape });
  };

const fill: TraceKernel = ({ graph, attributes }) => {
  const { shape, value, dtype = 'float32' } = attributes<{ shape: number[]; value: number; dtype?: ElementType }>();
  return graph.splat(value, { dtype, shape });
};

const range: TraceKernel = ({ graph, attributes }) => {
  const { start, stop, step, dtype } = attributes<{ start: number; stop: number; step: number; dtype: ElementType }>();
  const count = Math.max(0, Math.ceil((stop - start) / step));
  const values = Float64Array.from({ length: count }, (_, index) => start + index * step);
  return graph.constant(values, { dtype, shape: [count] });
};

const reshapeKernel: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  return reshape(graph, x, tf.util.inferFromImplicitShape(attributes<tf.ReshapeAttrs>().shape, sizeOf(x.shape)));
};

const expandDims: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('input');
  const { dim } = attributes<tf.ExpandDimsAttrs>();
  return reshape(graph, x, x.shape.toSpliced(dim < 0 ? x.shape.length + 1 + dim : dim, 0, 1));
};

const transpose: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  const { perm } = attributes<tf.TransposeAttrs>();
  const shape = perm.map((axis) => x.shape[axis]!);
  if (perm.every((from, to) => from === to)) return x;
  if (x.kind === 'splat') return graph.broadcast(x, shape);
  return graph.node('Transpose', [graph.physical(x)], { dtype: x.dtype, shape, attributes: { perm } });
};

function concatenate(graph: Graph, values: readonly Value[], axis: number): Value {
  const parts = values.filter((value) => sizeOf(value.shape) > 0);
  const first = parts[0] ?? values[0]!;
  if (parts.length < 2) return first;
  const extent = parts.reduce((sum, value) => sum + value.shape[axis]!, 0);
  const shape = first.shape.with(axis, extent);
  return graph.node(
    'Concat',
    parts.map((value) => graph.physical(value)),
    { dtype: first.dtype, shape, attributes: { axis } },
  );
}

const concat: TraceKernel = ({ graph, list, attributes }) => {
  const values = list();
  return concatenate(graph, values, axisOf(attributes<tf.ConcatAttrs>().axis, values[0]!));
};

const pack: TraceKernel = ({ graph, list, attributes }) => {
  const { axis } = attributes<tf.PackAttrs>();
  const rank = list()[0]!.shape.length + 1;
  const at = axis < 0 ? axis + rank : axis;
  const parts = list().map((value) => reshape(graph, value, value.shape.toSpliced(at, 0, 1)));
  return concatenate(graph, parts, at);
};

function split(
  graph: Graph,
  x: Value,
  options: { readonly axis: number; readonly sizes: readonly number[] },
): readonly Value[] {
  const { axis, sizes } = options;
  if (sizes.length === 1) return [x];
  const outputs = sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.with(axis, size) }));
  return graph.multiNode('Split', [graph.physical(x), graph.integers(sizes)], { outputs, attributes: { axis } });
}

const splitV: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  const { axis: axisParam, numOrSizeSplits } = attributes<tf.SplitVAttrs>();
  const axis = axisOf(axisParam, x);
  const like = { shape: [...x.shape] } as tf.Tensor; // prepareSplitSize reads nothing but the shape
  return split(graph, x, { axis, sizes: tf.backend_util.prepareSplitSize(like, numOrSizeSplits, axis) });
};

const unpack: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('value');
  const axis = axisOf(attributes<tf.UnpackAttrs>().axis, x);
  const sizes = new Array<number>(x.shape[axis]!).fill(1);
  return split(graph, x, { axis, sizes }).map((part) => reshape(graph, part, x.shape.toSpliced(axis, 1)));
};

const slice: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  const { begin, size } = attributes<tf.SliceAttrs>();
  const like = { shape: [...x.shape] } as tf.Tensor; // parseSliceParams reads nothing but the shape
  const [from, shape] = tf.slice_util.parseSliceParams(like, begin, size) as [number[], number[]]; // declared as number[][]
  if (sameShape(shape, x.shape)) return x;
  if (x.kind === 'splat') return graph.broadcast(x, shape);
  const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== x.shape[axis]);
  const starts = axes.map((axis) => from[axis]!);
  const ends = axes.map((axis) => from[axis]! + shape[axis]!);
  const inputs = [graph.physical(x), graph.integers(starts), graph.integers(ends), graph.integers(axes)];
  return graph.node('Slice', inputs, { dtype: x.dtype, shape });
};

const stridedSlice: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  const a = attributes<tf.StridedSliceAttrs>();
  const info = tf.slice_util.sliceInfo(
    [...x.shape],
    a.begin,
    a.end,
    a.strides,
    a.beginMask,
    a.endMask,
    a.ellipsisMask,
    a.newAxisMask,
    a.shrinkAxisMask,
  );
  const { begin, end, strides, finalShape } = info;
  // Going down to the first element, TF.js ends at -1; ONNX would read that as the last element.
  const ends = end.map((stop, axis) => (strides[axis]! < 0 && stop < 0 ? -x.shape[axis]! - 1 : stop));
  const axes = begin.map((_, axis) => axis);
  const inputs = [graph.physical(x), ...[begin, ends, axes, strides].map((values) => graph.integers(values))];
  const shape = axes.map((axis) => Math.max(0, Math.ceil((end[axis]! - begin[axis]!) / strides[axis]!)));
  return reshape(graph, graph.node('Slice', inputs, { dtype: x.dtype, shape }), finalShape);
};

const reverse: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  const axes = tf.util.parseAxisParam(attributes<tf.ReverseAttrs>().dims, [...x.shape]);
  if (axes.length === 0) return x;
  const starts = axes.map(() => -1);
  const ends = axes.map((axis) => -x.shape[axis]! - 1);
  const inputs = [graph.physical(x), ...[starts, ends, axes, starts].map((values) => graph.integers(values))];
  return graph.node('Slice', inputs, { dtype: x.dtype, shape: x.shape });
};

const pad: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  const { paddings, constantValue } = attributes<tf.PadV2Attrs>();
  const shape = x.shape.map((extent, axis) => extent + paddings[axis]![0] + paddings[axis]![1]);
  if (sameShape(shape, x.shape)) return x;
  const amounts = graph.integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  return graph.node('Pad', [graph.physical(x), amounts, graph.scalar(constantValue, x.dtype)], {
    dtype: x.dtype,
    shape,
  });
};

const tile: TraceKernel = ({ graph, input, attributes }) => {
  const x = input('x');
  const { reps } = attributes<tf.TileAttrs>();
  const shape = x.shape.map((extent, axis) => extent * reps[axis]!);
  if (x.shape.every((extent, axis) => extent === 1 || reps[axis] === 1)) return graph.broadcast(x, shape);
  if (x.kind === 'splat') return graph.broadcast(x, shape);
  return graph.node('Tile', [graph.physical(x), graph.integers(reps)], { dtype: x.dtype, shape });
};

function axisOf(axis: number, value: Value): number {
  return tf.util.parseAxisParam(axis, [...value.shape])[0]!;
}

/** Kernels about shapes. */
export const shapeKernels: KernelTable = {
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Fill: fill,
  Range: range,
  Reshape: reshapeKernel,
  ExpandDims: expandDims,
  Transpose: transpose,
  Concat: concat,
  Pack: pack,
  SplitV: splitV,
  Unpack: unpack,
  Slice: slice,
  StridedSlice: stridedSlice,
  Reverse: reverse,
  PadV2: pad,
  Tile: tile,
};
