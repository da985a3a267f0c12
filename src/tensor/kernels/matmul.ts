/** Matrix products. A transposed factor goes into the operator, so no transposed copy is made. */
import { broadcastShape, type Graph, type PhysicalValue } from '../graph.ts';
import type { tf } from '../tf.ts';
import type { KernelTable, TraceKernel } from './kernel.ts';

const batchMatMul: TraceKernel = ({ graph, input, attributes }) => {
  const { transposeA, transposeB } = attributes<tf.BatchMatMulAttrs>();
  const [a, b] = [graph.physical(input('a')), graph.physical(input('b'))];
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
  const { dtype } = a;
  if (!transposeA && !transposeB) return graph.node('MatMul', [a, b], { dtype, shape });
  if (dtype !== 'float32') {
    const factors = [transposeA ? swapped(graph, a) : a, transposeB ? swapped(graph, b) : b];
    return graph.node('MatMul', factors, { dtype, shape });
  }
  const options = { transA: Number(transposeA), transB: Number(transposeB) };
  return graph.node('FusedMatMul', [a, b], { dtype, shape, attributes: options, domain: 'com.microsoft' });
};

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
