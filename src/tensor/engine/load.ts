/** Loads engines that may not be installed, and says what to do when they are not. */
import { messageOf, SpaError } from '../../base/error.ts';
import type { EngineName } from '../program.ts';
import { tf } from '../tf.ts';

type OnnxRuntime = typeof import('onnxruntime-node');

/** Imports a module by name; replaced in tests. */
export type Import = (name: string) => Promise<unknown>;

const importModule: Import = (name) => import(name);

/**
 * Loads ONNX Runtime.
 * @throws {SpaError} If it or its native part is missing.
 */
export async function loadOnnxRuntime(load: Import = importModule): Promise<OnnxRuntime> {
  try {
    return (await load('onnxruntime-node')) as OnnxRuntime; // the package of that name
  } catch (error) {
    throw unavailable(
      'onnx',
      error,
      'Install it with: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node, or npm install --ignore-scripts onnxruntime-node (the scripts only fetch CUDA files)',
    );
  }
}

/** An engine that runs each operation when it is called. */
export type EagerEngine = 'cpu' | 'tfjs-node' | 'tfjs-node-gpu';

/** The TF.js backend behind each eager engine. */
const backends = { cpu: 'cpu', 'tfjs-node': 'tensorflow', 'tfjs-node-gpu': 'tensorflow' } as const;

let nativeEngine: EngineName | undefined;

/**
 * Loads an eager engine and returns the name of its TF.js backend. The current backend stays what it was.
 * @throws {SpaError} If the engine is not installed, its native part is missing, or the other native engine is loaded already.
 */
export async function loadEagerBackend(engine: EagerEngine, load: Import = importModule): Promise<string> {
  if (engine !== 'cpu' && nativeEngine !== engine) await loadNative(engine, load);
  return backends[engine];
}

async function loadNative(engine: 'tfjs-node' | 'tfjs-node-gpu', load: Import): Promise<void> {
  if (nativeEngine !== undefined) {
    throw new SpaError(
      'model',
      `Cannot load engine "${engine}": "${nativeEngine}" is loaded, expected one of the two in a process`,
    );
  }
  const previous = tf.getBackend();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // libtensorflow greets on the terminal otherwise
  try {
    await load(`@tensorflow/${engine}`);
  } catch (error) {
    throw unavailable(
      engine,
      error,
      `Install it with: npm install @tensorflow/${engine} (it downloads libtensorflow), or choose the engine "onnx"`,
    );
  } finally {
    void tf.setBackend(previous); // the import makes its own backend the current one
  }
  nativeEngine = engine;
}

/** A missing package and a missing native part are one thing to the user: the engine cannot be used here. */
function unavailable(engine: EngineName, cause: unknown, hint: string): SpaError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code; // Node's loader sets it; anything else has none
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  const reason = isMissing ? 'it is not installed' : `it does not load (${messageOf(cause).split('\n')[0]})`;
  return new SpaError('model', `Cannot load engine "${engine}": ${reason}, expected its package and native part`, {
    hint,
    cause,
  });
}
