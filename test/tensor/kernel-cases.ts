/** One or more small uses of every kernel, by the name of the kernel. Inputs are seeded; all shapes exercise broadcasting. */
import type { TensorFunction, TensorSpec } from '../../src/tensor/compile.ts';
import { tf } from '../../src/tensor/tf.ts';

/** A function and what it is fed with. */
export interface KernelCase {
  readonly fn: TensorFunction;
  readonly inputs: Readonly<Record<string, TensorSpec & { readonly low?: number; readonly high?: number }>>;
}

type Tensor = tf.Tensor;
type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor) => Tensor;

const one = (fn: Unary, form: KernelCase['inputs'][string] = { shape: [2, 3, 4] }): KernelCase => ({
  fn: ({ x }) => ({ y: fn(x!) }),
  inputs: { x: form },
});
const positive = { shape: [2, 3, 4], low: 0.1, high: 3 };
const integers = { shape: [2, 3, 4], dtype: 'int32', low: -5, high: 6 } as const;
const int = (shape: number[], high: number) => ({ shape, dtype: 'int32', low: 0, high }) as const;
const indices = (x: Tensor) => x as tf.Tensor1D;

const two = (fn: Binary, form: { low?: number; high?: number; dtype?: 'int32' } = {}): KernelCase => ({
  fn: ({ a, b, scalar }) => ({
    y: fn(a!, b!),
    left: fn(b!, a!),
    last: fn(a!, scalar!),
    constant: fn(a!, tf.scalar(3, a!.dtype as 'int32')),
  }),
  inputs: { a: { shape: [2, 3, 4], ...form }, b: { shape: [3, 1], ...form }, scalar: { shape: [], ...form } },
});
const twoIntegers = (fn: Binary, form = { low: -9, high: 10 }) => two(fn, { ...form, dtype: 'int32' });
const truth = (fn: Binary): KernelCase[] => [
  two((a, b) => fn(tf.round(a), tf.round(b))),
  twoIntegers(fn, { low: -2, high: 3 }),
];
const logic = (fn: Binary) => two((a, b) => fn(tf.greater(a, 0), tf.less(b, 0.5)));

const scatter: KernelCase['inputs'] = { x: { shape: [5, 2] }, i: int([5], 3) };

/** Cases by kernel. */
export const kernelCases: Readonly<Record<string, readonly KernelCase[]>> = {
  Add: [
    two(tf.add),
    twoIntegers(tf.add),
    one((x) => tf.add(x, tf.zerosLike(x))),
    one((x) => tf.add(tf.fill([2, 1], 0.1), tf.add(tf.fill([3], 0.2), tf.sum(x)))),
  ],
  Sub: [two(tf.sub), twoIntegers(tf.sub), one((x) => tf.sub(x, tf.zeros([5, 2, 3, 4])))],
  Multiply: [two(tf.mul), twoIntegers(tf.mul), one((x) => tf.mul(x, tf.ones([5, 2, 3, 4]))), logic(tf.mul)],
  RealDiv: [two(tf.div, { low: 0.5, high: 2 }), one((x) => tf.div(x, tf.ones([3, 1])))],
  FloorDiv: [
    two(tf.floorDiv, { low: 0.5, high: 3 }),
    twoIntegers(tf.floorDiv),
    twoIntegers((a) => tf.floorDiv(a, tf.scalar(0, 'int32'))),
  ],
  Mod: [two(tf.mod, { low: -3, high: 3 }), twoIntegers(tf.mod)],
  Pow: [two(tf.pow, { low: 0.2, high: 2 }), one((x) => tf.pow(x, 2)), twoIntegers(tf.pow, { low: 0, high: 4 })],
  Maximum: [two(tf.maximum), twoIntegers(tf.maximum), logic(tf.maximum)],
  Minimum: [two(tf.minimum), twoIntegers(tf.minimum)],
  SquaredDifference: [two(tf.squaredDifference), twoIntegers(tf.squaredDifference)],
  Prelu: [{ fn: ({ x, a }) => ({ y: tf.prelu(x!, a!) }), inputs: { x: { shape: [2, 3] }, a: { shape: [3] } } }],
  Equal: truth(tf.equal),
  NotEqual: truth(tf.notEqual),
  Greater: truth(tf.greater),
  GreaterEqual: truth(tf.greaterEqual),
  Less: truth(tf.less),
  LessEqual: truth(tf.lessEqual),
  LogicalAnd: [logic(tf.logicalAnd)],
  LogicalOr: [logic(tf.logicalOr)],
  LogicalNot: [one((x) => tf.logicalNot(tf.greater(x, 0)))],
  AddN: [one((x) => tf.addN([x, tf.square(x), x])), one((x) => tf.addN([x]))],
  Identity: [one((x) => tf.clone(x))],
  Cast: [
    one((x) => tf.cast(tf.mul(x, 3), 'int32')),
    one((x) => tf.cast(x, 'float32'), integers),
    one((x) => tf.cast(tf.cast(x, 'bool'), 'float32'), integers),
    one((x) => tf.cast(tf.cast(tf.greater(x, 0), 'int32'), 'float32')),
  ],
  Neg: [one(tf.neg), one(tf.neg, integers)],
  Abs: [one(tf.abs), one(tf.abs, integers)],
  Sign: [one(tf.sign), one(tf.sign, integers)],
  Relu: [one(tf.relu)],
  Relu6: [one((x) => tf.relu6(tf.mul(x, 20)))],
  LeakyRelu: [one((x) => tf.leakyRelu(x, 0.3))],
  Square: [one(tf.square), one(tf.square, integers)],
  ClipByValue: [one((x) => tf.clipByValue(x, -0.3, 0.4)), one((x) => tf.clipByValue(x, -2, 3), integers)],
  Exp: [one(tf.exp)],
  Log: [one(tf.log, positive)],
  Log1p: [
    one(tf.log1p, positive),
    one(tf.log1p, { shape: [64], low: -1e-6, high: 1e-6 }),
    one((x) => tf.log1p(tf.mul(x, 1e20)), positive),
  ],
  Sqrt: [one(tf.sqrt, positive)],
  Rsqrt: [one(tf.rsqrt, positive)],
  Reciprocal: [one(tf.reciprocal, positive)],
  Sigmoid: [one((x) => tf.sigmoid(tf.mul(x, 20)))],
  Tanh: [one(tf.tanh)],
  Softplus: [one((x) => tf.softplus(tf.mul(x, 30)))],
  Erf: [one(tf.erf)],
  Sin: [one(tf.sin)],
  Cos: [one(tf.cos)],
  Floor: [one((x) => tf.floor(tf.mul(x, 5)))],
  Ceil: [one((x) => tf.ceil(tf.mul(x, 5)))],
  Round: [one((x) => tf.round(tf.mul(x, 5))), one((x) => tf.round(tf.div(x, 2)), integers)],
  Step: [one((x) => tf.step(x)), one((x) => tf.step(x, 0.25))],
  IsNan: [one((x) => tf.isNaN(tf.log(x)))],
  IsInf: [one((x) => tf.isInf(tf.div(x, tf.relu(x))))],
  IsFinite: [one((x) => tf.isFinite(tf.div(x, tf.relu(x))))],
  Select: [
    two((a, b) => tf.where(tf.greater(a, b), a, b)),
    two((a, b) => tf.where(tf.less(b, 0), a, tf.zerosLike(a))),
    twoIntegers((a, b) => tf.where(tf.greater(a, b), a, tf.mul(b, 2))),
    logic((a, b) => tf.where(a, b, tf.logicalNot(b))),
  ],
  ZerosLike: [one(tf.zerosLike)],
  OnesLike: [one(tf.onesLike, integers)],
  Fill: [one((x) => tf.add(x, tf.fill([3, 4], 0.1))), one(() => tf.fill([2, 2], 7, 'int32'))],
  Range: [
    one((x) => tf.add(x, tf.range(0, 4, 1, 'float32'))),
    one(() => tf.range(5, 0, -2, 'int32')),
    one(() => tf.range(0, 1, 0.3)),
  ],
  Reshape: [
    one((x) => tf.reshape(tf.reshape(x, [6, 4]), [-1])),
    one((x) =>
      tf.mul(tf.reshape(tf.tile(tf.reshape(tf.slice(x, [0, 0, 0], [1, 3, 1]), [3, 1]), [1, 4]), [3, 1, 4]), 2),
    ),
    one((x) => tf.reshape(tf.tile(tf.slice(x, [0, 0, 0], [1, 3, 1]), [1, 1, 4]), [12])),
  ],
  ExpandDims: [one((x) => tf.expandDims(x, 1)), one((x) => tf.expandDims(x, -1))],
  Transpose: [
    one((x) => tf.transpose(x, [2, 0, 1])),
    one((x) => tf.transpose(x, [0, 1, 2])),
    one((x) => tf.transpose(x)),
  ],
  Concat: [one((x) => tf.concat([x, tf.square(x)], 1)), one((x) => tf.concat([x, tf.ones([2, 3, 1])], -1))],
  Pack: [one((x) => tf.stack([x, tf.neg(x)], 1)), one((x) => tf.stack([x, tf.neg(x)], -1))],
  SplitV: [one((x) => tf.sub(...(tf.split(x, 2, 2) as [Tensor, Tensor]))), one((x) => tf.split(x, [1, 2, 1], -1)[1]!)],
  Unpack: [one((x) => tf.unstack(x, 1)[2]!), one((x) => tf.unstack(x, -1)[0]!)],
  Slice: [
    one((x) => tf.slice(x, [0, 1, 1], [2, 2, -1])),
    one((x) => tf.slice(x, 1)),
    one((x) => tf.slice(tf.ones([4, 4]), [1, 1], [2, 2]).add(tf.sum(x))),
  ],
  StridedSlice: [
    one((x) => tf.stridedSlice(x, [0, 0, 0], [2, 3, 4], [1, 2, 2])),
    one((x) => tf.stridedSlice(x, [1, 2, 3], [0, -10, 0], [-1, -1, -2])),
    one((x) => tf.stridedSlice(x, [0, 1, 0], [1, 2, 4], [1, 1, 1], 0, 0, 0, 0, 2)),
  ],
  Reverse: [one((x) => tf.reverse(x, [0, 2])), one((x) => tf.reverse(x, -1), integers)],
  PadV2: [
    one((x) =>
      tf.pad(
        x,
        [
          [0, 0],
          [1, 2],
          [0, 1],
        ],
        0.5,
      ),
    ),
    one(
      (x) =>
        tf.pad(
          x,
          [
            [0, 0],
            [1, 2],
            [0, 1],
          ],
          2,
        ),
      integers,
    ),
  ],
  Tile: [
    one((x) => tf.tile(x, [1, 2, 3])),
    one((x) => tf.mul(tf.tile(tf.slice(x, [0, 0, 0], [2, 1, 4]), [1, 3, 1]), x)),
    one((x) => tf.broadcastTo(tf.sum(x), [2, 2])),
  ],
  Sum: [
    one((x) => tf.sum(x)),
    one((x) => tf.sum(x, [0, 2], true)),
    one((x) => tf.sum(x, -1), integers),
    one((x) => tf.sum(tf.greater(x, 0), 1)),
    one((x) => tf.add(tf.sum(tf.ones([3, 2]), 0), tf.sum(x))),
  ],
  Prod: [one((x) => tf.prod(x, 1)), one((x) => tf.prod(x, [0], true), integers)],
  Mean: [one((x) => tf.mean(x)), one((x) => tf.mean(x, [1], true)), one((x) => tf.mean(x, 0), integers)],
  Max: [one((x) => tf.max(x, [0, 1])), one((x) => tf.max(x, 2, true), integers)],
  Min: [one((x) => tf.min(x, -1)), one((x) => tf.min(x), integers)],
  Any: [one((x) => tf.any(tf.greater(x, 0.7), 1))],
  All: [one((x) => tf.all(tf.greater(x, -0.7), [0, 2]))],
  ArgMax: [one((x) => tf.argMax(x, -1)), one((x) => tf.argMax(x, 0), integers)],
  ArgMin: [one((x) => tf.argMin(x, 1)), one((x) => tf.argMin(x, -1), integers)],
  Cumsum: [one((x) => tf.cumsum(x, 1)), one((x) => tf.cumsum(x, 2, true, true)), one((x) => tf.cumsum(x, 0), integers)],
  TopK: [
    one((x) => tf.topk(x, 2).values),
    one((x) => tf.topk(x, 3).indices),
    one((x) => tf.topk(x, 3).indices, integers),
  ],
  Softmax: [one((x) => tf.softmax(x)), one((x) => tf.logSoftmax(tf.mul(x, 9)))],
  BatchMatMul: [false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB): KernelCase[] => {
      const a = transposeA ? [4, 3] : [3, 4];
      const b = transposeB ? [5, 4] : [4, 5];
      const fn: TensorFunction = ({ a, b }) => ({ y: tf.matMul(a!, b!, transposeA, transposeB) });
      return [
        { fn, inputs: { a: { shape: a }, b: { shape: b } } },
        { fn, inputs: { a: { shape: [2, 3, ...a] }, b: { shape: [2, 3, ...b] } } },
        { fn, inputs: { a: { shape: [2, 3, ...a] }, b: { shape: [3, ...b] } } },
        {
          fn,
          inputs: {
            a: { shape: a, dtype: 'int32', low: -5, high: 5 },
            b: { shape: b, dtype: 'int32', low: -5, high: 5 },
          },
        },
      ];
    }),
  ),
  OneHot: [
    one((x) => tf.oneHot(indices(x), 4), { shape: [6], dtype: 'int32', low: -2, high: 6 }),
    one((x) => tf.oneHot(indices(x), 4, 0.9, 0.1, 'float32'), int([2, 3], 4)),
    one((x) => tf.mul(tf.cast(tf.oneHot(indices(x), 4), 'float32'), 0.5), int([6], 4)),
  ],
  GatherV2: [
    { fn: ({ x, i }) => ({ y: tf.gather(x!, indices(i!)) }), inputs: { x: { shape: [5, 2] }, i: int([2, 3], 5) } },
    { fn: ({ x, i }) => ({ y: tf.gather(x!, indices(i!), -1) }), inputs: { x: { shape: [2, 3, 4] }, i: int([5], 4) } },
    {
      fn: ({ x, i }) => ({ y: tf.gather(x!, indices(i!), 1, 1) }),
      inputs: { x: { shape: [3, 4] }, i: int([3, 1], 4) },
    },
    {
      fn: ({ x, i }) => ({ y: tf.gather(x!, indices(i!), 1, 1) }),
      inputs: { x: { shape: [3, 4, 2] }, i: int([3, 5], 4) },
    },
    { fn: ({ x, i }) => ({ y: tf.gather(x!, indices(i!), 1, 1) }), inputs: { x: { shape: [3, 4] }, i: int([3], 4) } },
  ],
  GatherNd: [
    { fn: ({ x, i }) => ({ y: tf.gatherND(x!, i!) }), inputs: { x: { shape: [2, 2, 3] }, i: int([4, 2], 2) } },
  ],
  ScatterNd: [
    { fn: ({ x, i }) => ({ y: tf.scatterND(tf.reshape(i!, [5, 1]), x!, [3, 2]) }), inputs: scatter },
    { fn: ({ x, i }) => ({ y: tf.scatterND(i!, x!, [2, 3, 2]) }), inputs: { x: { shape: [4, 2] }, i: int([4, 2], 2) } },
    { fn: ({ x, i }) => ({ y: tf.scatterND(i!, x!, [4]) }), inputs: { x: { shape: [6] }, i: int([6, 1], 4) } },
  ],
  TensorScatterUpdate: [
    {
      fn: ({ x, u }) => ({ y: tf.tensorScatterUpdate(x!, tf.tensor2d([[4], [1]], [2, 1], 'int32'), u!) }),
      inputs: { x: { shape: [5, 2] }, u: { shape: [2, 2] } },
    },
  ],
  UnsortedSegmentSum: [
    { fn: ({ x, i }) => ({ y: tf.unsortedSegmentSum(x!, indices(i!), 3) }), inputs: scatter },
    {
      fn: ({ x, i }) => ({ y: tf.unsortedSegmentSum(x!, indices(i!), 3) }),
      inputs: { x: { shape: [8, 2, 2] }, i: { shape: [8], dtype: 'int32', low: -2, high: 5 } },
    },
    {
      fn: ({ x, i }) => ({ y: tf.unsortedSegmentSum(x!, indices(i!), 3) }),
      inputs: { x: { shape: [8], dtype: 'int32', low: 0, high: 9 }, i: int([8], 3) },
    },
  ],
};
