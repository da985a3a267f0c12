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
  return options.engine === 'onnx'
    ? compileOnnx(fn, inputs, options)
    : compileEager(fn, inputs, { engine: options.engine });
}
