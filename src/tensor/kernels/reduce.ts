/** Kernels that go along axes: sums, extremes, running sums, softmax, order. */
import { type Graph, type NodeValue, sameShape, type Value } from '../graph.ts';
import { cast, reshape } from '../lazy.ts';
import { tf } from '../tf.ts';
import type { Axes, KernelTable, TraceKernel } from './kernel.ts';

interface Reduction {
  readonly op: string;
  readonly axis: Axes;
  readonly keepDims: boolean | undefined;
}

function reduce(graph: Graph, value: Value, { op, axis, keepDims = false }: Reduction): Value {
  const x = value.dtype === 'bool' ? cast(graph, value, 'int32') : value;
  const axes = tf.util.parseAxisParam(axis, [...x.shape]);
  const kept = x.shape.map((extent, at) => (axes.includes(at) ? 1 : extent));
  const shape = keepDims ? kept : x.shape.filter((_, at) => !axes.includes(at));
  if (sameShape(kept, x.shape)) return reshape(graph, x, shape);
  if (x.kind === 'splat' && op === 'ReduceSum') {
    const count = axes.reduce((product, at) => product * x.shape[at]!, 1);
    return graph.splat(x.value * count, { dtype: x.dtype, shape });
  }
  const attributes = { keepdims: Number(keepDims) };
  return graph.node(op, [graph.physical(x), graph.integers(axes)], { dtype: x.dtype, shape, attributes });
}

const along =
  (op: string): TraceKernel =>
  ({ graph, input, attributes }) => {
    const { axis, keepDims } = attributes<tf.SumAttrs>();
    return reduce(graph, input('x'), { op, axis, keepDims });
  };

const extreme =
  (op: string): TraceKernel =>
  ({ graph, input, attributes }) => {
    const { reductionIndices, keepDims } = attributes<tf.MaxAttrs>();
    return reduce(graph, input('x'), { op, axis: reductionIndices, keepDims });
  };

const mean: TraceKernel = ({ graph, input, attributes }) => {
  const { axis, keepDims } = attributes<tf.MeanAttrs>();
  return reduce(graph, cast(graph, input('x'), 'float32'), { op: 'ReduceMean', axis, keepDims });
};

const truth =
  (op: string): TraceKernel =>
  (call) =>
    cast(call.graph, along(op)(call) as Value, 'bool'); // one result

const position =
  (op: string): TraceKernel =>
  ({ graph, input, attributes }) => {
    const x = input('x');
    const axis = tf.util.parseAxisParam(attributes<tf.ArgMaxAttrs>().axis, [...x.shape])[0]!;
    const found = graph.node(op, [graph.physical(x)], {
      dtype: 'int64',
      shape: x.shape.toSpliced(axis, 1),
      attributes: { axis, keepdims: 0 },
    });
    return cast(graph, found, 'int32');
  };

const cumsum: TraceKernel = ({ graph, input, attributes }) => {
  const { axis, exclusive, reverse } = attributes<tf.CumsumAttrs>();
  const x = input('x').dtype === 'bool' ? cast(graph, input('x'), 'int32') : input('x');
  const inputs = [graph.physical(x), graph.scalar(axis, 'int32')];
  return graph.node('CumSum', inputs, {
    dtype: x.dtype,
    shape: x.shape,
    attributes: { exclusive: Number(exclusive ?? false), reverse: Number(reverse ?? false) },
  });
};

const topK: TraceKernel = ({ graph, input, attributes }) => {
  const { k, sorted } = attributes<tf.TopKAttrs>();
  const x = input('x');
  const shape = x.shape.with(-1, k);
  const outputs = [{ dtype: x.dtype, shape }, { dtype: 'int64', shape } as const];
  const options = { outputs, attributes: { axis: -1, largest: 1, sorted: Number(sorted ?? false) } };
  const [values, indices] = graph.multiNode('TopK', [graph.physical(x), graph.integers([k])], options) as [
    NodeValue,
    NodeValue,
  ];
  return [values, cast(graph, indices, 'int32')];
};

const softmax: TraceKernel = ({ graph, input, attributes }) => {
  const x = cast(graph, input('logits'), 'float32');
  const { dim: axis } = attributes<tf.SoftmaxAttrs>();
  return graph.node('Softmax', [graph.physical(x)], { dtype: 'float32', shape: x.shape, attributes: { axis } });
};

/** Kernels along axes. */
export const reduceKernels: KernelTable = {
  Sum: along('ReduceSum'),
  Prod: along('ReduceProd'),
  Mean: mean,
  Max: extreme('ReduceMax'),
  Min: along('ReduceMin'),
  Any: truth('ReduceMax'),
  All: truth('ReduceMin'),
  ArgMax: position('ArgMax'),
  ArgMin: position('ArgMin'),
  Cumsum: cumsum,
  TopK: topK,
  Softmax: softmax,
};
