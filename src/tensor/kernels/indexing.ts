/** Kernels that read or write at indices. */
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

const scatterNd: TraceKernel = ({ graph, input, attributes }) => {
  const { shape } = attributes<tf.ScatterNdAttrs>();
  const updates = input('updates');
  const zeros = graph.physical(graph.splat(0, { dtype: updates.dtype, shape }));
  return scatterAdd(graph, zeros, { indices: input('indices'), updates });
};

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
  const [x, ids] = [input('x'), input('segmentIds')];
  const zeros = graph.physical(graph.splat(0, { dtype: x.dtype, shape: [numSegments, ...x.shape.slice(1)] }));
  return scatterAdd(graph, zeros, { indices: reshape(graph, ids, [sizeOf(ids.shape), 1]), updates: x });
};

function scatterAdd(
  graph: Graph,
  target: PhysicalValue,
  { indices, updates }: { readonly indices: Value; readonly updates: Value },
): Value {
  const { dtype, shape } = target;
  return graph.node('ScatterND', [target, long(graph, indices), graph.physical(updates)], {
    dtype,
    shape,
    attributes: { reduction: 'add' },
  });
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
