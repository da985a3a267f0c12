/** What every recording kernel is given, and the form of the tables that list them. */
import type { Graph, Value } from '../graph.ts';
import type { tf } from '../tf.ts';

/** One call of a TF.js kernel while tracing. */
export interface KernelCall {
  readonly graph: Graph;
  /** Returns the value of a named input. */
  input(name: string): Value;
  /** Returns all inputs, for kernels that take a list. */
  list(): readonly Value[];
  /** Returns the attributes in the type that TF.js declares for this kernel (such as `tf.SumAttrs`). */
  attributes<T>(): T;
}

/** Records a kernel and returns its result, or results. */
export type TraceKernel = (call: KernelCall) => Value | readonly Value[];

/** Kernels by the name TF.js calls them. */
export type KernelTable = Readonly<Record<string, TraceKernel>>;

/** A shape or axis list as TF.js hands it over. */
export type Axes = Parameters<typeof tf.util.parseAxisParam>[0];
