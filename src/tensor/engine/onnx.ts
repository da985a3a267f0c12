/**
 * Runs a tensor function as an ONNX model in ONNX Runtime. Typed arrays are wrapped, not copied, on their way in and out.
 * The session options are measured defaults: memory patterns double the memory of a training step at the same speed, and
 * spinning threads of several sessions, or of other processes, take the cores from one another.
 */
import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { boundary } from '../../base/error.ts';
import type { Shape } from '../../base/shape.ts';
import { createOutputBuffers } from '../buffers.ts';
import {
  type CompileOptions,
  checkFeeds,
  type DataType,
  type Program,
  type TensorFunction,
  type TensorSpec,
  type TypedArray,
} from '../program.ts';
import { trace } from '../trace.ts';
import { withLifetime } from './lifetime.ts';
import { type Import, loadOnnxRuntime } from './load.ts';

/** ONNX Runtime's name of what computes. */
export type Provider = 'cpu' | 'cuda' | 'webgpu';

type OnnxOptions = Omit<CompileOptions, 'engine'> & { readonly provider?: Provider; readonly load?: Import };

/**
 * Traces `fn` and makes a session of it.
 * @throws {SpaError} If ONNX Runtime is not installed, `fn` cannot be recorded, or the model is refused.
 */
export async function compileOnnx(
  fn: TensorFunction,
  specs: Readonly<Record<string, TensorSpec>>,
  options: OnnxOptions,
): Promise<Program> {
  const runtime = await loadOnnxRuntime(options.load);
  const { model, inputs, outputs } = trace(fn, specs);
  const session = await boundary('model', 'Cannot compile function for engine "onnx"', () =>
    runtime.InferenceSession.create(model, sessionOptions(options)),
  );
  const buffers = createOutputBuffers(outputs);
  const wrap = createWrapper(runtime.Tensor);
  return withLifetime({
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, shape])),
    async run(feeds) {
      checkFeeds(specs, feeds);
      const results = buffers.take(feeds);
      const wrappedFeeds = Object.fromEntries(inputs.map((name) => [`in:${name}`, wrap(feeds[name]!, specs[name]!)]));
      const wrappedResults = Object.fromEntries(
        Object.entries(results).map(([name, array]) => [`out:${name}`, wrap(array, outputs[name]!)]),
      );
      await boundary('model', 'Cannot run program on engine "onnx"', () => session.run(wrappedFeeds, wrappedResults));
      return results;
    },
    release: () => session.release(),
  });
}

function sessionOptions({
  threads = availableParallelism(),
  provider = 'cpu',
}: OnnxOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    enableMemPattern: false,
    logSeverityLevel: 4, // errors arrive as exceptions; the terminal belongs to the caller
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** Wraps arrays as tensors, once per array and shape: state that goes round a training loop is wrapped only at first. */
function createWrapper(
  TensorClass: typeof Tensor,
): (array: TypedArray, form: { readonly shape: Shape; readonly dtype?: DataType }) => Tensor {
  const wrapped = new WeakMap<TypedArray, Tensor>();
  return (array, { shape, dtype = 'float32' }) => {
    const known = wrapped.get(array);
    if (known !== undefined && known.dims.join() === shape.join()) return known;
    const made = new TensorClass(dtype, array, shape);
    wrapped.set(array, made);
    return made;
  };
}
