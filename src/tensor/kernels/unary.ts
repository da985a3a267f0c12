/**
 * Kernels of one argument, element by element, and the choice between two. Accuracy follows TF.js where the plain formula
 * would lose digits. Known differences from TF.js's cpu backend: step(NaN) is alpha, sign(NaN) and the sign of zero.
 */
import { broadcastShape, type Graph, type PhysicalValue, type Value } from '../graph.ts';
import { cast } from '../lazy.ts';
import type { ElementType } from '../onnx-proto.ts';
import type { tf } from '../tf.ts';
import type { KernelTable, TraceKernel } from './kernel.ts';

type Emit<A> = (graph: Graph, x: PhysicalValue, attributes: A) => Value;

/** Applies `emit` to the value behind a broadcast, after a cast if the operator needs one type. */
function unary<A = unknown>(emit: Emit<A>, dtype?: ElementType): TraceKernel {
  return ({ graph, input, attributes }) => {
    const x = input('x');
    const typed = dtype === undefined ? x : cast(graph, x, dtype);
    return graph.broadcast(emit(graph, graph.operand(typed), attributes<A>()), x.shape);
  };
}

const operator = (op: string): TraceKernel => unary((graph, x) => graph.elementwise(op, [x]));
const floatOperator = (op: string): TraceKernel => unary((graph, x) => graph.elementwise(op, [x]), 'float32');
const test = (op: string): TraceKernel => unary((graph, x) => graph.elementwise(op, [x], { dtype: 'bool' }), 'float32');

/**
 * log(1 + x) without losing the digits of a small x: with u = 1 + x rounded, log(u) * x / (u - 1).
 * Source: Goldberg (1991), What Every Computer Scientist Should Know About Floating-Point Arithmetic, theorem 4.
 */
const log1p: Emit<unknown> = (graph, x) => {
  const one = graph.scalar(1, 'float32');
  const u = graph.elementwise('Add', [x, one]);
  const log = graph.elementwise('Log', [u]);
  const exact = graph.elementwise('Div', [graph.elementwise('Mul', [log, x]), graph.elementwise('Sub', [u, one])]);
  const isTiny = graph.elementwise('Equal', [u, one], { dtype: 'bool' });
  const isHuge = graph.elementwise('Equal', [u, x], { dtype: 'bool' });
  const rest = graph.elementwise('Where', [isHuge, log, exact], { dtype: 'float32' });
  return graph.elementwise('Where', [isTiny, x, rest], { dtype: 'float32' });
};

const step: Emit<tf.StepAttrs> = (graph, x, { alpha = 0 }) => {
  const isPositive = graph.elementwise('Greater', [x, graph.scalar(0, 'float32')], { dtype: 'bool' });
  return graph.elementwise('Where', [isPositive, graph.scalar(1, 'float32'), graph.scalar(alpha, 'float32')], {
    dtype: 'float32',
  });
};

function clip(graph: Graph, x: PhysicalValue, { clipValueMin, clipValueMax }: tf.ClipByValueAttrs): Value {
  return graph.elementwise('Clip', [x, graph.scalar(clipValueMin, x.dtype), graph.scalar(clipValueMax, x.dtype)]);
}

const select: TraceKernel = ({ graph, input }) => {
  const condition = cast(graph, input('condition'), 'bool');
  const dtype = input('t').dtype === 'float32' || input('e').dtype === 'float32' ? 'float32' : 'int32'; // bool too, and back below
  const choices = [cast(graph, input('t'), dtype), cast(graph, input('e'), dtype)];
  const result = graph.elementwise(
    'Where',
    [condition, ...choices].map((value) => graph.operand(value)),
    { dtype },
  );
  const isBool = input('t').dtype === 'bool' && input('e').dtype === 'bool';
  const shape = [condition, ...choices].map((value) => value.shape).reduce(broadcastShape);
  return graph.broadcast(isBool ? cast(graph, result, 'bool') : result, shape);
};

/** Kernels of one argument, and Select. */
export const unaryKernels: KernelTable = {
  Identity: ({ input }) => input('x'),
  Cast: ({ graph, input, attributes }) => cast(graph, input('x'), attributes<{ readonly dtype: ElementType }>().dtype),
  Neg: operator('Neg'),
  Abs: operator('Abs'),
  Sign: operator('Sign'),
  Relu: operator('Relu'),
  Relu6: unary((graph, x) => clip(graph, x, { clipValueMin: 0, clipValueMax: 6 })),
  LeakyRelu: unary<tf.LeakyReluAttrs>(
    (graph, x, { alpha }) => graph.elementwise('LeakyRelu', [x], { attributes: { alpha: { float: alpha } } }),
    'float32',
  ),
  Square: unary((graph, x) => graph.elementwise('Mul', [x, x])),
  ClipByValue: unary<tf.ClipByValueAttrs>(clip),
  Exp: floatOperator('Exp'),
  Log: floatOperator('Log'),
  Log1p: unary(log1p, 'float32'),
  Sqrt: floatOperator('Sqrt'),
  Rsqrt: unary((graph, x) => graph.elementwise('Reciprocal', [graph.elementwise('Sqrt', [x])]), 'float32'),
  Reciprocal: floatOperator('Reciprocal'),
  Sigmoid: floatOperator('Sigmoid'),
  Tanh: floatOperator('Tanh'),
  Softplus: floatOperator('Softplus'),
  Erf: floatOperator('Erf'),
  Sin: floatOperator('Sin'),
  Cos: floatOperator('Cos'),
  Floor: floatOperator('Floor'),
  Ceil: floatOperator('Ceil'),
  Round: floatOperator('Round'),
  Step: unary<tf.StepAttrs>(step, 'float32'),
  IsNan: test('IsNaN'),
  IsInf: test('IsInf'),
  IsFinite: unary((graph, x) => {
    const tests = ['IsNaN', 'IsInf'].map((op) => graph.elementwise(op, [x], { dtype: 'bool' }));
    return graph.elementwise('Not', [graph.elementwise('Or', tests)]);
  }, 'float32'),
  LogicalNot: unary((graph, x) => graph.elementwise('Not', [x]), 'bool'),
  Select: select,
};
