/** The way out to operators that ONNX Runtime has and TF.js has not, such as those of the domain `com.microsoft`. */
import type { Graph, PhysicalValue, Value } from './graph.ts';
import { tf } from './tf.ts';
import { TraceBackend, traceBackendName } from './trace-backend.ts';

/** Records nodes for named inputs and returns the named results. */
export type Emit = (graph: Graph, inputs: Readonly<Record<string, PhysicalValue>>) => Readonly<Record<string, Value>>;

/** A function of named tensors. */
export type NamedTensorFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/**
 * Returns a function that records `emit` while tracing and runs `eager` on every other backend. The two must agree; a test has
 * to say so. It has no gradient of its own: wrap it in `tf.customGrad` where one is needed.
 */
export function fused(emit: Emit, eager: NamedTensorFunction): NamedTensorFunction {
  return (inputs) => {
    const backend = tf.getBackend() === traceBackendName ? tf.backend() : undefined;
    if (!(backend instanceof TraceBackend)) return eager(inputs);
    const values = Object.entries(inputs).map(
      ([name, tensor]) => [name, backend.graph.physical(backend.valueFor(tensor))] as const,
    );
    const results = Object.entries(emit(backend.graph, Object.fromEntries(values)));
    return Object.fromEntries(
      results.map(([name, value]) => [name, tf.engine().makeTensorFromTensorInfo(backend.hold(value), backend)]),
    );
  };
}
