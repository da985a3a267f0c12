/** Gradients are TF.js's own; these tests compare them by hand, and ONNX Runtime with the reference. */
import { describe, expect, it } from 'vitest';
import { compile, type TensorFunction, type TypedArray } from '../../src/tensor/compile.ts';
import { gradientsOf } from '../../src/tensor/gradients.ts';
import { tf } from '../../src/tensor/tf.ts';
import type { KernelCase } from './kernel-cases.ts';
import { difference, drawFeeds, runOn } from './parity.ts';

type Loss = (inputs: Record<string, tf.Tensor>) => tf.Tensor;

/** Returns the loss and the gradients of all float inputs. */
const withGradients =
  (loss: Loss, names: readonly string[]): TensorFunction =>
  (inputs) => {
    const { value, grads } = gradientsOf(
      () => loss(inputs),
      names.map((name) => inputs[name]!),
    );
    return { loss: value, ...Object.fromEntries(names.map((name, index) => [name, grads[index]!])) };
  };

const rmsNorm = (x: tf.Tensor, scale: tf.Tensor) =>
  tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5))), scale);

const attention: Loss = ({ x, q, k, v }) => {
  const heads = [q, k, v].map((w) =>
    tf.transpose(tf.reshape(tf.matMul(tf.reshape(x!, [10, 8]), w!), [2, 5, 2, 4]), [0, 2, 1, 3]),
  );
  const mask = tf.tensor2d(
    Array.from({ length: 25 }, (_, at) => (at % 5 > Math.floor(at / 5) ? -1e9 : 0)),
    [5, 5],
  );
  const scores = tf.add(tf.mul(tf.matMul(heads[0]!, heads[1]!, false, true), 0.5), mask);
  return tf.mean(tf.square(tf.matMul(tf.softmax(scores), heads[2]!)));
};

/** log p of a token with a gradient written by hand. */
const tokenLogProb = (logits: tf.Tensor, targets: tf.Tensor) =>
  tf.customGrad((x, save) => {
    const p = tf.softmax(x as tf.Tensor);
    (save as tf.GradSaveFunc)([p, targets]);
    const chosen = tf.squeeze(tf.gather(p, tf.expandDims(targets, 1) as tf.Tensor1D, 1, 1), [1]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      tf.mul(tf.expandDims(dy, 1), tf.sub(tf.cast(tf.oneHot(saved[1] as tf.Tensor1D, 6), 'float32'), saved[0]!));
    return { value: tf.log(chosen), gradFunc };
  })(logits);

const cases: Readonly<Record<string, { readonly loss: Loss; readonly inputs: KernelCase['inputs'] }>> = {
  'RMS norm': {
    loss: ({ x, scale }) => tf.sum(tf.sigmoid(rmsNorm(x!, scale!))),
    inputs: { x: { shape: [3, 8] }, scale: { shape: [8] } },
  },
  'causal attention': {
    loss: attention,
    inputs: { x: { shape: [2, 5, 8] }, q: { shape: [8, 8] }, k: { shape: [8, 8] }, v: { shape: [8, 8] } },
  },
  'an embedding with repeated tokens': {
    loss: ({ table, ids }) => tf.sum(tf.pow(tf.gather(table!, ids as tf.Tensor1D), 3)),
    inputs: { table: { shape: [4, 3] }, ids: { shape: [2, 5], dtype: 'int32', low: 0, high: 3 } },
  },
  'a SwiGLU': {
    loss: ({ x, w }) => {
      const [gate, up] = tf.split(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), 2, -1) as [tf.Tensor, tf.Tensor];
      return tf.mean(tf.mul(tf.mul(gate, tf.sigmoid(gate)), up));
    },
    inputs: { x: { shape: [3, 4] }, w: { shape: [4, 6] } },
  },
  'the log-probability of tokens': {
    loss: ({ x, t }) => tf.neg(tf.mean(tokenLogProb(x!, t!))),
    inputs: { x: { shape: [5, 6] }, t: { shape: [5], dtype: 'int32', low: 0, high: 6 } },
  },
  'a clipped objective': {
    loss: ({ x, a }) => {
      const ratio = tf.exp(x!);
      return tf.mean(tf.neg(tf.minimum(tf.mul(ratio, a!), tf.mul(tf.clipByValue(ratio, 0.8, 1.2), a!))));
    },
    inputs: { x: { shape: [16] }, a: { shape: [16] } },
  },
  'slices, padding, stacking, maxima and where': {
    loss: ({ x }) => {
      const part = tf.pad(tf.slice(x!, [0, 1], [4, 3]), [
        [0, 0],
        [1, 2],
      ]); // [4, 6]
      const joined = tf.concat([x!, tf.where(tf.greater(tf.range(-2, 4), 0), part, tf.mul(x!, 0.1))], 0); // [8, 6]
      return tf.add(
        tf.sum(tf.logSumExp(tf.stack([joined, tf.relu(joined)]), -1)),
        tf.sum(tf.max(tf.cumsum(joined, 1), 0)),
      );
    },
    inputs: { x: { shape: [4, 6] } },
  },
};

describe('gradientsOf()', () => {
  it('differentiates sum(x^2 * y) by hand', () => {
    // d/dx = 2xy, d/dy = x^2 at x = (1, 2), y = (3, 4)
    tf.tidy(() => {
      const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
      const { value, grads } = gradientsOf(() => tf.sum(tf.mul(tf.square(x), y)), [x, y]);
      expect(value.dataSync()).toEqual(Float32Array.of(19));
      expect(grads.map((gradient) => [...gradient.dataSync()])).toEqual([
        [6, 16],
        [1, 4],
      ]);
    });
  });

  it('gives zeros for what the loss does not use, and leaks nothing', () => {
    const [x, y] = [tf.tensor1d([1, 2]), tf.tensor2d([[3], [4]])];
    const before = tf.memory().numTensors;
    const { value, grads } = gradientsOf(() => tf.sum(x), [x, y]);
    expect(tf.memory().numTensors).toBe(before + 3); // the value and two gradients, owned by the caller
    expect(grads[1]!.arraySync()).toEqual([[0], [0]]);
    tf.dispose([x, y, value, ...grads]);
  });

  it('refuses a loss that is not a scalar', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([1, 2]);
      expect(() => gradientsOf(() => tf.square(x), [x])).toThrow(
        new RangeError('Cannot take gradients: the loss has shape [2], expected a scalar'),
      );
    });
  });

  for (const [name, { loss, inputs }] of Object.entries(cases)) {
    it(`of ${name} are the same on onnx and cpu`, async () => {
      const fn = withGradients(
        loss,
        Object.keys(inputs).filter((input) => inputs[input]!.dtype !== 'int32'),
      );
      const [expected, actual] = [await runOn('cpu', { fn, inputs }), await runOn('onnx', { fn, inputs })];
      for (const [output, array] of Object.entries(expected.results)) {
        expect(
          array.some((value) => value !== 0),
          output,
        ).toBe(true);
        expect(difference(array, actual.results[output]!), output).toBeLessThanOrEqual(2e-6);
      }
    });
  }
});

describe('training', () => {
  it('stays within 1e-5 of the reference over 30 steps of a two-layer net', async () => {
    const inputs = {
      w1: { shape: [4, 8] },
      b1: { shape: [8] },
      w2: { shape: [8, 2] },
      b2: { shape: [2] },
      x: { shape: [16, 4] },
      y: { shape: [16, 2] },
    };
    const names = ['w1', 'b1', 'w2', 'b2'];
    const loss: Loss = ({ w1, b1, w2, b2, x, y }) => {
      const hidden = tf.tanh(tf.add(tf.matMul(x!, w1!), b1!));
      return tf.mean(tf.squaredDifference(tf.add(tf.matMul(hidden, w2!), b2!), y!));
    };
    const step: TensorFunction = (tensors) => {
      const { loss: value, ...grads } = withGradients(loss, names)(tensors);
      return {
        loss: value!,
        ...Object.fromEntries(names.map((name) => [name, tf.sub(tensors[name]!, tf.mul(grads[name]!, 0.3))])),
      };
    };
    const train = async (engine: 'onnx' | 'cpu') => {
      await using program = await compile(step, inputs, { engine });
      const data = drawFeeds(inputs);
      let state: Record<string, TypedArray> = {};
      const losses: number[] = [];
      for (let count = 0; count < 30; count++) {
        const { loss: value, ...next } = await program.run({ ...data, ...state });
        state = next;
        losses.push(value![0]!);
      }
      return { losses: Float32Array.from(losses), state };
    };
    const [expected, actual] = [await train('cpu'), await train('onnx')];
    expect(expected.losses.at(-1)!).toBeLessThan(expected.losses[0]! / 2);
    expect(difference(expected.losses, actual.losses)).toBeLessThanOrEqual(1e-5);
    for (const name of names)
      expect(difference(expected.state[name]!, actual.state[name]!), name).toBeLessThanOrEqual(1e-5);
  });
});
