/** What every program promises, on the engines that are always there. */
import { describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { compile, type TensorFunction, type TypedArray } from '../../src/tensor/compile.ts';
import { tf } from '../../src/tensor/tf.ts';

const engines = ['onnx', 'cpu'] as const;
const vector = { x: { shape: [3] } } as const;
const feeds = { x: Float32Array.of(1, 2, 3) };
const double: TensorFunction = ({ x }) => ({ y: tf.mul(x!, 2) });

/** Starts the recording backend, which stays registered. */
async function warmUp(): Promise<void> {
  for (const engine of engines) await (await compile(double, vector, { engine }))[Symbol.asyncDispose]();
}

describe.each(engines)('a program on %s', (engine) => {
  it('returns several outputs of both types, an input passed through, and the same tensor twice', async () => {
    const fn: TensorFunction = ({ x, n }) => {
      const sum = tf.add(x!, tf.cast(n!, 'float32'));
      return {
        sum,
        again: sum,
        x: x!,
        index: tf.argMax(x!),
        n: n!,
        positive: tf.greater(x!, 1.5),
        constant: tf.scalar(7),
      };
    };
    await using program = await compile(fn, { ...vector, n: { shape: [], dtype: 'int32' } }, { engine });
    expect(program.outputs).toEqual({ sum: [3], again: [3], x: [3], index: [], n: [], positive: [3], constant: [] });
    expect(await program.run({ ...feeds, n: Int32Array.of(4) })).toEqual({
      sum: Float32Array.of(5, 6, 7),
      again: Float32Array.of(5, 6, 7),
      x: Float32Array.of(1, 2, 3),
      index: Int32Array.of(2),
      n: Int32Array.of(4),
      positive: Int32Array.of(0, 1, 1),
      constant: Float32Array.of(7),
    });
  });

  it('ignores an input that the function does not use', async () => {
    await using program = await compile(double, { ...vector, unused: { shape: [2] } }, { engine });
    const { y } = await program.run({ ...feeds, unused: new Float32Array(2) });
    expect(y).toEqual(Float32Array.of(2, 4, 6));
  });

  it('may ignore all inputs', async () => {
    await using program = await compile(() => ({ y: tf.range(0, 2) }), vector, { engine });
    expect(await program.run(feeds)).toEqual({ y: Float32Array.of(0, 1) });
  });

  it('takes captured tensors as constants and leaves them to their owner', async () => {
    const captured = tf.tensor1d([10, 20, 30]);
    const flags = tf.tensor1d([1, 0, 1], 'bool');
    const floats = tf.cast(flags, 'float32'); // shares its numbers with flags, under another type
    const column = tf.reshape(captured, [3, 1]); // shares its numbers with captured, under another shape
    const fn: TensorFunction = ({ x }) => ({ y: tf.add(tf.mul(x!, floats), captured), z: tf.sum(column, 1), flags });
    await using program = await compile(fn, vector, { engine });
    expect(await program.run(feeds)).toEqual({
      y: Float32Array.of(11, 20, 33),
      z: Float32Array.of(10, 20, 30),
      flags: Int32Array.of(1, 0, 1),
    });
    expect([...captured.dataSync(), ...floats.dataSync()]).toEqual([10, 20, 30, 1, 0, 1]);
    tf.dispose([captured, flags, floats, column]);
  });

  it('neither changes nor keeps its feeds, and reuses its outputs', async () => {
    await using program = await compile(double, vector, { engine });
    const x = Float32Array.of(1, 2, 3);
    const first = await program.run({ x });
    const second = await program.run({ x: Float32Array.of(4, 5, 6) });
    expect(second.y).toBe(first.y);
    expect(second.y).toEqual(Float32Array.of(8, 10, 12));
    expect(x).toEqual(Float32Array.of(1, 2, 3));
  });

  it('may be fed with its own outputs', async () => {
    // Both outputs read both inputs, so writing one in place would spoil the other: (a, b) -> (b, a + b).
    const fibonacci: TensorFunction = ({ a, b }) => ({ a: tf.mul(b!, 1), b: tf.add(a!, b!) });
    await using program = await compile(fibonacci, { a: { shape: [1] }, b: { shape: [1] } }, { engine });
    let state: Record<string, TypedArray> = { a: Float32Array.of(0), b: Float32Array.of(1) };
    for (let step = 0; step < 10; step++) state = { ...(await program.run(state)) };
    expect(state).toEqual({ a: Float32Array.of(55), b: Float32Array.of(89) });
  });

  it('lives beside another program', async () => {
    await using doubled = await compile(double, vector, { engine });
    await using squared = await compile(({ x }) => ({ y: tf.square(x!) }), vector, { engine });
    const [a, b] = await Promise.all([doubled.run(feeds), squared.run(feeds)]);
    expect([a.y, b.y]).toEqual([Float32Array.of(2, 4, 6), Float32Array.of(1, 4, 9)]);
  });

  it('gives the same bytes when run twice', async () => {
    const fn: TensorFunction = ({ x }) => ({
      y: tf.matMul(tf.softmax(x as tf.Tensor2D), x as tf.Tensor2D),
      sum: tf.sum(x!),
    });
    await using program = await compile(fn, { x: { shape: [64, 64] } }, { engine });
    const x = Float32Array.from({ length: 64 * 64 }, (_, index) => Math.sin(index));
    const copy = (results: Readonly<Record<string, TypedArray>>) =>
      Object.values(results).map((array) => Buffer.from(array.buffer.slice(0)));
    expect(copy(await program.run({ x }))).toEqual(copy(await program.run({ x })));
  });

  it('leaks no tensors and restores the backend', async () => {
    await warmUp();
    const [before, backend] = [tf.memory(), tf.getBackend()];
    const program = await compile(double, vector, { engine });
    for (let run = 0; run < 3; run++) await program.run(feeds);
    await program[Symbol.asyncDispose]();
    const fail: TensorFunction = ({ x }) => {
      tf.square(x!);
      throw new Error('no');
    };
    await expect(compile(fail, vector, { engine })).rejects.toThrow('no');
    const after = tf.memory();
    expect([after.numTensors, after.numDataBuffers, after.numBytes]).toEqual([
      before.numTensors,
      before.numDataBuffers,
      before.numBytes,
    ]);
    expect(tf.getBackend()).toBe(backend);
  });

  it('refuses wrong feeds by name', async () => {
    await using program = await compile(double, { ...vector, n: { shape: [], dtype: 'int32' } }, { engine });
    const n = Int32Array.of(1);
    await expect(program.run({ n })).rejects.toThrow(
      new TypeError('Cannot feed "x": it is missing, expected Float32Array'),
    );
    await expect(program.run({ ...feeds, n: Float32Array.of(1) })).rejects.toThrow(
      new TypeError('Cannot feed "n": it is Float32Array, expected Int32Array'),
    );
    await expect(program.run({ x: new Float32Array(2), n })).rejects.toThrow(
      new RangeError('Cannot feed "x": it has 2 numbers, expected 3 for shape [3]'),
    );
    await expect(program.run({ ...feeds, n, m: n })).rejects.toThrow(
      new TypeError('Cannot feed "m": it is not an input, expected one of x, n'),
    );
  });

  it('refuses to run after disposal, and may be disposed twice', async () => {
    const program = await compile(double, vector, { engine });
    const running = program.run(feeds);
    await Promise.all([program[Symbol.asyncDispose](), program[Symbol.asyncDispose]()]);
    expect((await running).y).toEqual(Float32Array.of(2, 4, 6));
    await expect(program.run(feeds)).rejects.toThrow(
      'Cannot run program: it has been disposed, expected a live program',
    );
  });

  it('fails by name when an index is past the end, and runs again', async () => {
    const fn: TensorFunction = ({ x, i }) => ({ y: tf.gather(x!, i as tf.Tensor1D) });
    await using program = await compile(fn, { ...vector, i: { shape: [1], dtype: 'int32' } }, { engine });
    await expect(program.run({ ...feeds, i: Int32Array.of(3) })).rejects.toThrow(/\b(index|indices)\b/);
    expect(await program.run({ ...feeds, i: Int32Array.of(2) })).toEqual({ y: Float32Array.of(3) });
  });

  it('refuses a function that returns a promise or something that is no tensor', async () => {
    const promise = (async () => ({})) as unknown as TensorFunction; // what JavaScript callers can do
    await expect(compile(promise, vector, { engine })).rejects.toThrow(TypeError);
    const number = (() => ({ y: 1 })) as unknown as TensorFunction;
    await expect(compile(number, vector, { engine })).rejects.toThrow(
      'Cannot compile output "y": it is number, expected a tensor',
    );
  });
});

describe('tracing', () => {
  const compileOnnx = (fn: TensorFunction) => compile(fn, vector, { engine: 'onnx' });

  it('refuses to read a tensor, with a hint', async () => {
    const error = await compileOnnx(({ x }) => ({ y: tf.scalar(x!.dataSync()[0]!) })).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(SpaError);
    expect(error).toMatchObject({
      message:
        'Cannot read a tensor while tracing: its numbers exist only when the program runs, expected pure tensor code',
      hint: expect.stringContaining('dataSync()'),
    });
  });

  it('may read a constant', async () => {
    await using program = await compileOnnx(({ x }) => ({
      y: tf.mul(x!, tf.tensor1d([1, 2]).dataSync()[1]! + tf.ones([2]).dataSync()[0]!),
    }));
    expect(await program.run(feeds)).toEqual({ y: Float32Array.of(3, 6, 9) });
  });

  it('refuses a disposed tensor', async () => {
    await expect(
      compileOnnx(({ x }) => {
        const y = tf.square(x!);
        y.dispose();
        return { y: tf.neg(y) };
      }),
    ).rejects.toThrow('Cannot trace a tensor: it has been disposed, expected a live tensor');
  });

  it('refuses an operation that has no recorded form, with a hint', async () => {
    await expect(compileOnnx(() => ({ y: tf.linspace(0, 1, 3) }))).rejects.toMatchObject({
      boundary: 'model',
      message: 'Cannot trace kernel "LinSpace": it has no ONNX form here, expected a recorded kernel',
      hint: 'Use other operations, or run the function on an eager engine',
    });
  });

  it('refuses batch shapes that TF.js multiplies wrongly', async () => {
    await expect(compileOnnx(() => ({ y: tf.matMul(tf.ones([2, 1, 2, 2]), tf.ones([3, 2, 2])) }))).rejects.toThrow(
      'Cannot trace matMul: its batch shapes are [2,1] and [3], expected one to be the end of the other',
    );
  });

  it('sums rows in the same order on several threads', async () => {
    // ScatterND, the obvious operator, loses updates here.
    const [rows, width, segments] = [4096, 64, 3];
    const x = Float32Array.from({ length: rows * width }, (_, index) => (index % 7) - 3);
    const ids = Int32Array.from({ length: rows }, (_, row) => row % segments);
    const fn: TensorFunction = ({ x, ids }) => ({ sum: tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, segments) });
    const inputs = { x: { shape: [rows, width] }, ids: { shape: [rows], dtype: 'int32' } } as const;
    await using program = await compile(fn, inputs, { engine: 'onnx', threads: 4 });
    const expected = new Float32Array(segments * width); // small integers: exact in any order
    for (let index = 0; index < x.length; index++)
      expected[ids[Math.floor(index / width)]! * width + (index % width)]! += x[index]!;
    for (let run = 0; run < 20; run++) expect((await program.run({ x, ids })).sum).toEqual(expected);
  });

  it('keeps memory flat over 300 runs', async () => {
    const size = 50_000;
    await using program = await compile(double, { x: { shape: [size] } }, { engine: 'onnx' });
    const x = new Float32Array(size);
    const run = async (times: number) => {
      for (let count = 0; count < times; count++) await program.run({ x });
      return process.memoryUsage().rss;
    };
    const before = await run(100); // 100 runs settle the arenas
    const after = await run(300); // 300 lost copies of input or output would be 60 MB
    expect(after - before).toBeLessThan(30e6);
  });
});
