/**
 * Kernels that read or write at indices. An index past the end fails the run, as in TF.js; a negative index of gather counts from
 * the end in ONNX Runtime, where TF.js's cpu backend throws.
 */
import { sizeOf } from '../../base/shape.ts';
import type { Graph, PhysicalValue, Value } from '../graph.ts';
import { cast, reshape } from '../lazy.ts';
import type { ElementType } from '../onnx-proto.ts';
import { tf } from '../tf.ts';
import type { KernelTable, TraceKernel } from './kernel.ts';

/** ONNX's indices of -1 mean the last element; TF.js leaves such a row empty. Depth itself is out of range in both. */
const oneHot: TraceKernel = ({ graph, input, attributes }) => {
  const {
    depth,
    onValue,
    offValue,
    dtype = 'float32',
  } = attributes<tf.OneHotAttrs & { readonly dtype?: ElementType }>();
  const indices = input('indices');
  const isNegative = graph.elementwise('Less', [graph.physical(indices), graph.scalar(0, 'int32')], { dtype: 'bool' });
  const safe = graph.elementwise('Where', [isNegative, graph.scalar(depth, 'int32'), graph.physical(indices)], {
    dtype: 'int32',
  });
  const inputs = [
    long(graph, safe),
    graph.scalar(depth, 'int64'),
    graph.constant([offValue, onValue], { dtype: 'float32', shape: [2] }),
  ];
  const rows = graph.node('OneHot', inputs, {
    dtype: 'float32',
    shape: [...indices.shape, depth],
    attributes: { axis: -1 },
  });
  return cast(graph, rows, dtype);
};

const gather: TraceKernel = ({ graph, input, attributes }) => {
  const { axis: axisParam, batchDims = 0 } = attributes<tf.GatherV2Attrs>();
  const x = input('x');
  const indices = graph.physical(input('indices'));
  const axis = tf.util.parseAxisParam(axisParam, [...x.shape])[0]!;
  const shape = [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...x.shape.slice(axis + 1)];
  const { dtype } = x;
  if (batchDims === 0)
    return graph.node('Gather', [graph.physical(x), indices], { dtype, shape, attributes: { axis } });
  if (batchDims !== axis) {
    throw new RangeError(
      `Cannot trace gather: axis is ${axis} and batchDims ${batchDims}, expected batchDims to be 0 or the axis`,
    );
  }
  const tuples = long(graph, reshape(graph, indices, [...indices.shape, 1]));
  return graph.node('GatherND', [graph.physical(x), tuples], { dtype, shape, attributes: { batch_dims: batchDims } });
};

const gatherNd: TraceKernel = ({ graph, input }) => {
  const [params, indices] = [input('params'), input('indices')];
  const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(indices.shape.at(-1)!)];
  return graph.node('GatherND', [graph.physical(params), long(graph, indices)], { dtype: params.dtype, shape });
};

/** A tuple of indices becomes the number of a row. Tuples out of range are dropped here where TF.js would throw. */
const scatterNd: TraceKernel = ({ graph, input, attributes }) => {
  const { shape } = attributes<tf.ScatterNdAttrs>();
  const [indices, updates] = [input('indices'), input('updates')];
  const depth = indices.shape.at(-1)!;
  const rows = sizeOf(indices.shape) / depth;
  const strides = Array.from({ length: depth }, (_, axis) => sizeOf(shape.slice(axis + 1, depth)));
  const weights = graph.constant(strides, { dtype: 'int32', shape: [depth] });
  const terms = graph.elementwise('Mul', [graph.physical(reshape(graph, indices, [rows, depth])), weights]);
  const at = graph.node('ReduceSum', [terms, graph.integers([1])], {
    dtype: 'int32',
    shape: [rows, 1],
    attributes: { keepdims: 1 },
  });
  const values = graph.physical(reshape(graph, updates, [rows, sizeOf(shape.slice(depth))]));
  return reshape(graph, addRows(graph, { rows: values, at, count: sizeOf(shape.slice(0, depth)) }), shape);
};

/** Which of several updates of one place remains is not defined. */
const tensorScatterUpdate: TraceKernel = ({ graph, input }) => {
  const tensor = graph.physical(input('tensor'));
  const { dtype, shape } = tensor;
  return graph.node('ScatterND', [tensor, long(graph, input('indices')), graph.physical(input('updates'))], {
    dtype,
    shape,
  });
};

const unsortedSegmentSum: TraceKernel = ({ graph, input, attributes }) => {
  const { numSegments } = attributes<tf.UnsortedSegmentSumAttrs>();
  const [x, ids] = [cast(graph, input('x'), 'float32'), input('segmentIds')]; // sums are float32 in TF.js, whatever x is
  const rows = ids.shape.reduce((product, extent) => product * extent, 1);
  const width = sizeOf(x.shape) / rows;
  const sums = addRows(graph, {
    rows: graph.physical(reshape(graph, x, [rows, width])),
    at: graph.physical(reshape(graph, ids, [rows, 1])),
    count: numSegments,
  });
  return reshape(graph, sums, [numSegments, ...x.shape.slice(ids.shape.length)]);
};

/**
 * Sums rows [n, width] into `count` rows, each into the one that `at` [n, 1] names; other indices are dropped, as TF.js does, by
 * way of one row too many. ScatterElements adds in order; ScatterND would be faster but adds from several threads without
 * locks and loses updates when indices repeat (seen with ONNX Runtime 1.30; microsoft/onnxruntime issue 18048).
 */
function addRows(
  graph: Graph,
  { rows, at, count }: { readonly rows: PhysicalValue; readonly at: PhysicalValue; readonly count: number },
): Value {
  const { dtype, shape } = rows;
  const width = shape[1]!;
  const isNegative = graph.elementwise('Less', [at, graph.scalar(0, 'int32')], { dtype: 'bool' });
  const overflow = graph.scalar(count, 'int32');
  const bounded = graph.elementwise('Min', [
    graph.elementwise('Where', [isNegative, overflow, at], { dtype: 'int32' }),
    overflow,
  ]);
  const indices = graph.physical(graph.broadcast(bounded, shape));
  const zeros = graph.physical(graph.splat(0, { dtype, shape: [count + 1, width] }));
  const sums = graph.node('ScatterElements', [zeros, indices, rows], {
    dtype,
    shape: [count + 1, width],
    attributes: { axis: 0, reduction: 'add' },
  });
  const [first, last, axis] = [[0], [count], [0]].map((values) => graph.integers(values)) as [
    PhysicalValue,
    PhysicalValue,
    PhysicalValue,
  ];
  return graph.node('Slice', [sums, first, last, axis], { dtype, shape: [count, width] });
}

/** ONNX wants 64-bit indices in most places. */
function long(graph: Graph, value: Value): PhysicalValue {
  return graph.physical(cast(graph, value, 'int64'));
}

/** Kernels with indices. */
export const indexKernels: KernelTable = {
  OneHot: oneHot,
  GatherV2: gather,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: tensorScatterUpdate,
  UnsortedSegmentSum: unsortedSegmentSum,
};
