/**
 * Compiles a function of TF.js tensors into a program that runs on an engine. Neural code is written once; the engine is chosen
 * at run time: `onnx` traces the function into a model for ONNX Runtime, the others run it eagerly on a TF.js backend.
 */
import { compileEager } from './engine/eager.ts';
import { compileOnnx } from './engine/onnx.ts';
import type { CompileOptions, Program, TensorFunction, TensorSpec } from './program.ts';

export type {
  CompileOptions,
  DataType,
  EngineName,
  Program,
  TensorFunction,
  TensorSpec,
  TypedArray,
} from './program.ts';

/**
 * Compiles `fn` for inputs of fixed shapes.
 * @throws {SpaError} If the engine is not installed or `fn` cannot be recorded.
 */
export async function compile(
  fn: TensorFunction,
  inputs: Record<string, TensorSpec>,
  options: CompileOptions,
): Promise<Program> {
  const { engine } = options;
  switch (engine) {
    case 'onnx':
      return compileOnnx(fn, inputs, { ...options, provider: 'cpu' });
    case 'onnx-cuda':
      return compileOnnx(fn, inputs, { ...options, provider: 'cuda' });
    case 'onnx-webgpu':
      return compileOnnx(fn, inputs, { ...options, provider: 'webgpu' });
    default:
      return compileEager(fn, inputs, { engine });
  }
}
