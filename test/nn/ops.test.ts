/** Hand-written backward passes against TF.js's own automatic differentiation of the plain formula. */
import { describe, expect, it } from 'vitest';
import { attend, distributionEntropy, rmsNorm, rotate, swiglu, tokenLogProb } from '../../src/nn/ops.ts';
import { gradientsOf } from '../../src/tensor/gradients.ts';
import { tf } from '../../src/tensor/tf.ts';
import { largestDifference } from './support.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Compares value and gradients of two formulas for the same random inputs, under a random weighting of the outputs. */
function compare(custom: Operation, plain: Operation, shapes: readonly (readonly number[])[]): void {
  tf.tidy(() => {
    const xs = shapes.map((shape, i) => tf.randomNormal([...shape], 0, 1, 'float32', 11 + i));
    const run = (operation: Operation) => {
      const weights = tf.randomNormal(operation(...xs).shape, 0, 1, 'float32', 5);
      return gradientsOf(() => tf.sum(tf.mul(operation(...xs), weights)), xs);
    };
    const [a, b] = [run(custom), run(plain)];
    expect(largestDifference(a.value.dataSync(), b.value.dataSync())).toBeLessThan(1e-5);
    for (const [i, gradient] of a.grads.entries()) {
      expect(gradient.shape).toEqual(xs[i]!.shape);
      expect(largestDifference(gradient.dataSync(), b.grads[i]!.dataSync())).toBeLessThan(1e-5);
    }
  });
}

describe('gradients written by hand equal automatic ones', () => {
  it('rmsNorm()', () => {
    const plain: Operation = (x, g) => tf.mul(tf.mul(x!, tf.rsqrt(tf.add(tf.mean(tf.square(x!), -1, true), 1e-2))), g!);
    compare((x, g) => rmsNorm(x!, g!, 1e-2), plain, [[5, 6], [6]]);
  });

  it('swiglu()', () => {
    const plain: Operation = (x) => {
      const [gate, up] = tf.split(x!, 2, 1) as [tf.Tensor, tf.Tensor];
      return tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
    };
    compare((x) => swiglu(x!), plain, [[4, 10]]);
  });

  it('rotate()', () => {
    const cos = tf.tensor([1, 1, 0.6, 0.8, -0.28, 0], [3, 1, 2]);
    const sin = tf.tensor([0, 0, 0.8, 0.6, 0.96, 1], [3, 1, 2]);
    const plain: Operation = (x) => {
      const [a, b] = tf.split(x!, 2, -1) as [tf.Tensor, tf.Tensor];
      return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1);
    };
    compare((x) => rotate(x!, { cos, sin }), plain, [[2, 3, 5, 4]]);
  });

  it('attend()', () => {
    const mask = tf.tensor([0, -1e9, -1e9, 0, 0, -1e9], [2, 3]);
    const plain: Operation = (q, k, v) => tf.matMul(tf.softmax(tf.add(tf.matMul(q!, k!, false, true), mask)), v!);
    compare((q, k, v) => attend({ q: q!, k: k!, v: v!, mask }), plain, [[4, 2, 5], [4, 3, 5], [4, 3, 5]]); // biome-ignore format: one shape per operand
  });

  it('tokenLogProb()', () => {
    const targets = tf.tensor1d([3, 0, 6, 3], 'int32');
    const plain: Operation = (x) => tf.sum(tf.mul(tf.logSoftmax(x as tf.Tensor2D), tf.oneHot(targets, 7)), 1);
    compare((x) => tokenLogProb(x!, targets), plain, [[4, 7]]);
  });

  it('distributionEntropy()', () => {
    const plain: Operation = (x) => {
      const logP = tf.logSoftmax(x as tf.Tensor2D);
      return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1));
    };
    compare((x) => distributionEntropy(x!), plain, [[4, 7]]);
  });
});

describe('tokenLogProb()', () => {
  it('stays finite for a token of probability 0 and gives its full gradient', () => {
    tf.tidy(() => {
      const logits = tf.tensor2d([[0, 500]]);
      const { value, grads } = gradientsOf(() => tf.sum(tokenLogProb(logits, tf.tensor1d([0], 'int32'))), [logits]);
      expect(value.dataSync()[0]).toBeCloseTo(-87.3, 1);
      expect([...grads[0]!.dataSync()]).toEqual([1, -1]);
    });
  });
});
