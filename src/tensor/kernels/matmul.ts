/** Matrix products. A transposed factor goes into the operator, so no transposed copy is made. */
import { type Shape, sizeOf } from '../../base/shape.ts';
import { broadcastShape, type Graph, type PhysicalValue, sameShape } from '../graph.ts';
import type { tf } from '../tf.ts';
import type { KernelTable, TraceKernel } from './kernel.ts';

const batchMatMul: TraceKernel = ({ graph, input, attributes }) => {
  const { transposeA, transposeB } = attributes<tf.BatchMatMulAttrs>();
  const [a, b] = [graph.physical(input('a')), graph.physical(input('b'))];
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const shape = [...batchShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
  const { dtype } = a;
  if (!transposeA && !transposeB) return graph.node('MatMul', [a, b], { dtype, shape });
  if (dtype !== 'float32') {
    const factors = [transposeA ? swapped(graph, a) : a, transposeB ? swapped(graph, b) : b];
    return graph.node('MatMul', factors, { dtype, shape });
  }
  const options = { transA: Number(transposeA), transB: Number(transposeB) };
  return graph.node('FusedMatMul', [a, b], { dtype, shape, attributes: options, domain: 'com.microsoft' });
};

/**
 * Broadcasts batch axes as far as TF.js is right: its cpu backend repeats the smaller batch from the start, which is NumPy's
 * rule only if the smaller batch shape is the end of the larger one.
 */
function batchShape(a: Shape, b: Shape): Shape {
  const [long, short] = sizeOf(a) < sizeOf(b) ? [b, a] : [a, b];
  const first = short.findIndex((extent) => extent !== 1);
  const trimmed = first === -1 ? [] : short.slice(first);
  if (trimmed.length > 0 && !sameShape(trimmed, long.slice(-trimmed.length))) {
    throw new RangeError(
      `Cannot trace matMul: its batch shapes are [${a}] and [${b}], expected one to be the end of the other`,
    );
  }
  return broadcastShape(a, b);
}

/** Exchanges the last two axes. */
function swapped(graph: Graph, x: PhysicalValue): PhysicalValue {
  const axes = x.shape.map((_, axis) => axis);
  const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
  return graph.node('Transpose', [x], {
    dtype: x.dtype,
    shape: perm.map((axis) => x.shape[axis]!),
    attributes: { perm },
  });
}

/** Kernels of linear algebra. */
export const matmulKernels: KernelTable = { BatchMatMul: batchMatMul };
