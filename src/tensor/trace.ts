/**
 * Turns a tensor function into an ONNX model by running it once on the recording backend. Only what the outputs need is kept.
 */
import { SpaError } from '../base/error.ts';
import type { Shape } from '../base/shape.ts';
import type { Graph, GraphNode, InputValue, PhysicalValue } from './graph.ts';
import { binaryKernels } from './kernels/binary.ts';
import { indexKernels } from './kernels/indexing.ts';
import type { KernelTable, TraceKernel } from './kernels/kernel.ts';
import { matmulKernels } from './kernels/matmul.ts';
import { reduceKernels } from './kernels/reduce.ts';
import { shapeKernels } from './kernels/shape.ts';
import { unaryKernels } from './kernels/unary.ts';
import { cast } from './lazy.ts';
import { encodeModel, type OnnxConstant, type OnnxNode } from './onnx-proto.ts';
import { applyFunction, type DataType, type TensorFunction, type TensorSpec } from './program.ts';
import { tf, withBackend } from './tf.ts';
import { type TraceBackend, traceBackend, traceBackendName } from './trace-backend.ts';

/** A traced function. */
export interface Traced {
  /** The model as protobuf bytes; values are named `in:<input>` and `out:<output>`. */
  readonly model: Uint8Array;
  /** Names of the inputs the model reads; the function may have more. */
  readonly inputs: readonly string[];
  readonly outputs: Readonly<Record<string, TracedOutput>>;
  /** Nodes in the model. */
  readonly nodeCount: number;
}

/** Shape and type of a result; truth values leave as int32. */
export interface TracedOutput {
  readonly shape: Shape;
  readonly dtype: DataType;
}

/** All kernels that can be recorded. */
export const traceKernels: KernelTable = {
  ...binaryKernels,
  ...unaryKernels,
  ...shapeKernels,
  ...reduceKernels,
  ...matmulKernels,
  ...indexKernels,
  AddN: ({ graph, list }) => {
    const values = list().map((value) => graph.physical(value));
    return values.length === 1
      ? values[0]!
      : graph.node('Sum', values, { dtype: values[0]!.dtype, shape: values[0]!.shape });
  },
};

/**
 * Records `fn` and encodes it.
 * @throws {SpaError} If `fn` reads tensor values or uses an operation that cannot be recorded.
 */
export function trace(fn: TensorFunction, specs: Readonly<Record<string, TensorSpec>>): Traced {
  const backend = registeredBackend();
  backend.begin();
  try {
    const inputs: InputValue[] = Object.entries(specs).map(([name, { shape, dtype = 'float32' }]) => ({
      kind: 'input',
      name: `in:${name}`,
      shape,
      dtype,
    }));
    const results = withBackend(traceBackendName, () => record(fn, { backend, names: Object.keys(specs), inputs }));
    return encode(backend.graph, inputs, results);
  } finally {
    backend.begin(); // values of this trace must not outlive it
  }
}

interface Recording {
  readonly backend: TraceBackend;
  readonly names: readonly string[];
  /** The values behind `names`. */
  readonly inputs: readonly InputValue[];
}

function record(fn: TensorFunction, { backend, names, inputs }: Recording): Map<string, PhysicalValue> {
  const results = new Map<string, PhysicalValue>();
  tf.tidy(() => {
    const tensors = inputs.map((input) => tf.engine().makeTensorFromTensorInfo(backend.hold(input), backend));
    const named = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
    const taken = new Set<PhysicalValue>();
    for (const [name, tensor] of applyFunction(fn, named)) {
      const value = outputValue(backend, { tensor, taken });
      taken.add(value);
      results.set(name, value);
    }
  });
  return results;
}

/** An output has a name of its own, so what is an input, a constant or already an output passes through a node. */
function outputValue(
  backend: TraceBackend,
  { tensor, taken }: { readonly tensor: tf.Tensor; readonly taken: ReadonlySet<PhysicalValue> },
): PhysicalValue {
  const { graph } = backend;
  const value = backend.valueFor(tensor);
  const made = graph.physical(value.dtype === 'bool' ? cast(graph, value, 'int32') : value);
  return made.kind === 'node' && !taken.has(made) ? made : graph.elementwise('Identity', [made]);
}

function encode(graph: Graph, inputs: readonly InputValue[], results: ReadonlyMap<string, PhysicalValue>): Traced {
  const nodes = reachable(graph, [...results.values()]);
  const names = new Map<PhysicalValue, string>(inputs.map((input) => [input, input.name]));
  for (const [name, value] of results) names.set(value, `out:${name}`);
  const constants: OnnxConstant[] = [];
  const nameOf = (value: PhysicalValue): string => {
    const known = names.get(value);
    if (known !== undefined) return known;
    const name = `${names.size}`;
    names.set(value, name);
    if (value.kind === 'constant') constants.push({ name, dtype: value.dtype, shape: value.shape, data: value.data });
    return name;
  };
  const onnxNodes: OnnxNode[] = nodes.map(({ op, domain, attributes, inputs: read, outputs: made }) => ({
    op,
    ...(domain === undefined ? {} : { domain }),
    attributes,
    inputs: read.map(nameOf),
    outputs: made.map(nameOf),
  }));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const used = inputs.filter((input) => read.has(input));
  const outputs = [...results].map(([name, { dtype, shape }]) => ({ name: `out:${name}`, dtype, shape }));
  return {
    model: encodeModel({ nodes: onnxNodes, constants, inputs: used, outputs }),
    inputs: used.map((input) => input.name.slice('in:'.length)),
    // outputValue() leaves no other type
    outputs: Object.fromEntries(
      [...results].map(([name, { dtype, shape }]) => [name, { dtype: dtype as DataType, shape }]),
    ),
    nodeCount: nodes.length,
  };
}

/** Nodes are recorded in topological order, so one walk backwards finds all that the results need. */
function reachable(graph: Graph, results: readonly PhysicalValue[]): readonly GraphNode[] {
  const needed = new Set<GraphNode>(results.flatMap((value) => (value.kind === 'node' ? [value.node] : [])));
  for (const node of graph.nodes.toReversed()) {
    if (!needed.has(node)) continue;
    for (const input of node.inputs) if (input.kind === 'node') needed.add(input.node);
  }
  return graph.nodes.filter((node) => needed.has(node));
}

/** Registers backend and kernels on first use. */
function registeredBackend(): TraceBackend {
  const backend = traceBackend();
  if (tf.getKernel('Add', traceBackendName) === undefined) {
    for (const [kernelName, kernel] of Object.entries(traceKernels)) {
      tf.registerKernel({
        kernelName,
        backendName: traceBackendName,
        kernelFunc: (call) => recordKernel(backend, kernel, call),
      });
    }
    for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
      if (Object.hasOwn(traceKernels, kernelName)) continue;
      tf.registerKernel({ kernelName, backendName: traceBackendName, kernelFunc: () => refuse(kernelName) });
    }
  }
  return backend;
}

function refuse(kernelName: string): never {
  throw new SpaError(
    'model',
    `Cannot trace kernel "${kernelName}": it has no ONNX form here, expected a recorded kernel`,
    {
      hint: 'Use other operations, or run the function on an eager engine',
    },
  );
}

type KernelArguments = Parameters<tf.KernelFunc>[0];

function recordKernel(
  backend: TraceBackend,
  kernel: TraceKernel,
  { inputs, attrs }: KernelArguments,
): tf.TensorInfo | tf.TensorInfo[] {
  const result = kernel({
    graph: backend.graph,
    input: (name) => backend.valueFor(inputs[name]!),
    list: () => Object.values(inputs).map((tensor) => backend.valueFor(tensor!)),
    attributes: <T>() => (attrs ?? {}) as T, // TF.js types attributes loosely; the kernel names what it was given
  });
  return 'kind' in result ? backend.hold(result) : result.map((value) => backend.hold(value));
}
