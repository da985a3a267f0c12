/**
 * Kernels of two arguments with broadcasting. Neutral elements fold away, and lazy broadcasts pass through, because the
 * gradients of TF.js multiply by ones() and divide by one very often.
 */
import { broadcastShape, type Graph, type PhysicalValue, type Value } from '../graph.ts';
import { cast } from '../lazy.ts';
import type { ElementType } from '../onnx-proto.ts';
import type { KernelTable, TraceKernel } from './kernel.ts';

type Emit = (graph: Graph, a: PhysicalValue, b: PhysicalValue) => Value;
/** Returns the result if nothing needs to be computed; its shape may still have to be broadcast. */
type Fold = (graph: Graph, a: Value, b: Value) => Value | undefined;

interface BinaryOptions {
  readonly fold?: Fold;
  /** What a bool argument becomes first; ONNX has no arithmetic or order on bool. Default int32. */
  readonly boolAs?: ElementType;
}

function binary(emit: Emit, { fold, boolAs = 'int32' }: BinaryOptions = {}): TraceKernel {
  return ({ graph, input }) => {
    const dtype = commonType(input('a').dtype, input('b').dtype);
    const [a, b] = [input('a'), input('b')].map((value) => cast(graph, value, dtype === 'bool' ? boolAs : dtype)) as [
      Value,
      Value,
    ];
    const result = fold?.(graph, a, b) ?? emit(graph, graph.operand(a), graph.operand(b));
    return graph.broadcast(result, broadcastShape(a.shape, b.shape));
  };
}

function commonType(a: ElementType, b: ElementType): ElementType {
  if (a === b) return a;
  return a === 'float32' || b === 'float32' ? 'float32' : 'int32';
}

const operator =
  (op: string, dtype?: ElementType): Emit =>
  (graph, a, b) =>
    graph.elementwise(op, [a, b], dtype === undefined ? {} : { dtype });

/** A product of two truth values is a truth value in TF.js. */
const multiply: TraceKernel = (call) => {
  const isBool = call.input('a').dtype === 'bool' && call.input('b').dtype === 'bool';
  return isBool ? logicalAnd(call) : multiplyNumbers(call);
};

const isSplat = (value: Value, number: number): boolean => value.kind === 'splat' && value.value === number;

const foldSum: Fold = (graph, a, b) => {
  if (isSplat(b, 0)) return a;
  if (isSplat(a, 0)) return b;
  return a.kind === 'splat' && b.kind === 'splat'
    ? graph.splat(a.value + b.value, { dtype: a.dtype, shape: [] })
    : undefined;
};

const foldProduct: Fold = (graph, a, b) => {
  if (isSplat(b, 1)) return a;
  if (isSplat(a, 1)) return b;
  return a.kind === 'splat' && b.kind === 'splat'
    ? graph.splat(a.value * b.value, { dtype: a.dtype, shape: [] })
    : undefined;
};

const multiplyNumbers = binary(operator('Mul'), { fold: foldProduct });
const logicalAnd = binary(operator('And', 'bool'), { boolAs: 'bool' });

/**
 * Integer operators in ONNX Runtime trap on division by zero and end the process; TF.js returns 0. Runs `emit` with a divisor
 * that is never 0 and puts 0 where it was.
 */
function withSafeDivisor(emit: Emit): Emit {
  return (graph, a, b) => {
    const zero = graph.scalar(0, 'int32');
    const isZero = graph.elementwise('Equal', [b, zero], { dtype: 'bool' });
    const safe = graph.elementwise('Where', [isZero, graph.scalar(1, 'int32'), b], { dtype: 'int32' });
    const result = graph.physical(emit(graph, a, safe));
    return graph.elementwise('Where', [isZero, zero, result], { dtype: 'int32' });
  };
}

/** The remainder has the sign of the divisor; fmod() has that of the dividend. */
const modulo: Emit = (graph, a, b) => {
  if (a.dtype === 'int32') return withSafeDivisor(operator('Mod'))(graph, a, b);
  const fmod = { attributes: { fmod: 1 } };
  const isNegative = (value: PhysicalValue) =>
    graph.elementwise('Less', [value, graph.scalar(0, 'float32')], { dtype: 'bool' });
  const remainder = graph.elementwise('Mod', [a, b], fmod);
  const moved = graph.elementwise('Mod', [graph.elementwise('Add', [remainder, b]), b], fmod);
  const sameSign = graph.elementwise('Equal', [isNegative(a), isNegative(b)]);
  return graph.elementwise('Where', [sameSign, remainder, moved], { dtype: 'float32' });
};

/** Always int32 in TF.js. On integers exact: a - (a mod b) is a multiple of b. */
const floorDivide: Emit = (graph, a, b) => {
  if (a.dtype === 'int32') {
    return withSafeDivisor((_, x, y) => {
      const multiple = graph.elementwise('Sub', [x, graph.elementwise('Mod', [x, y])]);
      return graph.elementwise('Div', [multiple, y]);
    })(graph, a, b);
  }
  return cast(graph, graph.elementwise('Floor', [graph.elementwise('Div', [a, b])]), 'int32');
};

const squaredDifference: Emit = (graph, a, b) => {
  const difference = graph.elementwise('Sub', [a, b]);
  return graph.elementwise('Mul', [difference, difference]);
};

const compare = (op: string) => binary(operator(op, 'bool'));

/** Kernels of two arguments. */
export const binaryKernels: KernelTable = {
  Add: binary(operator('Add'), { fold: foldSum }),
  Sub: binary(operator('Sub'), { fold: (_, a, b) => (isSplat(b, 0) ? a : undefined) }),
  Multiply: multiply,
  RealDiv: binary(operator('Div'), { fold: (_, a, b) => (isSplat(b, 1) ? a : undefined) }),
  FloorDiv: binary(floorDivide),
  Mod: binary(modulo),
  Pow: binary(operator('Pow')),
  Maximum: binary(operator('Max')),
  Minimum: binary(operator('Min')),
  SquaredDifference: binary(squaredDifference),
  Prelu: ({ graph, input }) => {
    const [x, alpha] = [input('x'), input('alpha')];
    const result = graph.elementwise('PRelu', [graph.physical(x), graph.operand(alpha)]);
    return graph.broadcast(result, x.shape);
  },
  Equal: compare('Equal'),
  NotEqual: binary((graph, a, b) => graph.elementwise('Not', [graph.elementwise('Equal', [a, b], { dtype: 'bool' })])),
  Greater: compare('Greater'),
  GreaterEqual: compare('GreaterOrEqual'),
  Less: compare('Less'),
  LessEqual: compare('LessOrEqual'),
  LogicalAnd: logicalAnd,
  LogicalOr: binary(operator('Or', 'bool'), { boolAs: 'bool' }),
};
