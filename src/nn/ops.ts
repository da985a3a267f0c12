/**
 * Tensor operations with hand-written backward passes: fewer and cheaper nodes than automatic differentiation makes.
 * What a backward pass needs goes through `save`; TF.js disposes everything else a forward pass made.
 */
import { tf } from '../tensor/tf.ts';

type Backward = (dy: tf.Tensor, saved: readonly tf.Tensor[]) => tf.Tensor[];
type Forward = (inputs: readonly tf.Tensor[], save: (tensors: tf.Tensor[]) => void) => tf.Tensor;

/** Applies an operation that brings its own backward pass; `backward` returns one gradient per input. */
function differentiable(inputs: readonly tf.Tensor[], forward: Forward, backward: Backward): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const save = args.at(-1) as (tensors: tf.Tensor[]) => void; // TF.js appends its save function to the inputs
    const value = forward(args.slice(0, -1) as tf.Tensor[], save);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => backward(dy, saved) };
  });
  return operation(...inputs);
}

/** Computes x · weight / sqrt(mean(x²) + eps) over the last axis. @param x [N, D]. @param weight [D]. */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor {
  return differentiable(
    [x, weight],
    ([input, gain], save) => {
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(input!), -1, true), eps)); // [N, 1]
      const normal = tf.mul(input!, inverse); // [N, D]
      save([normal, inverse, gain!]);
      return tf.mul(normal, gain!);
    },
    (dy, [normal, inverse, gain]) => {
      const scaled = tf.mul(dy, gain!);
      const along = tf.mean(tf.mul(scaled, normal!), -1, true); // [N, 1]
      return [tf.mul(inverse!, tf.sub(scaled, tf.mul(normal!, along))), tf.sum(tf.mul(dy, normal!), 0)];
    },
  );
}

/** Computes silu(gate) · up. @param gateUp Gate in the left half of the columns, up in the right: [N, 2F]. @returns [N, F]. */
export function swiglu(gateUp: tf.Tensor): tf.Tensor {
  return differentiable(
    [gateUp],
    ([input], save) => {
      const [gate, up] = tf.split(input!, 2, 1) as [tf.Tensor, tf.Tensor];
      const sigmoid = tf.sigmoid(gate);
      const silu = tf.mul(gate, sigmoid);
      save([up, sigmoid, silu]);
      return tf.mul(silu, up);
    },
    (dy, [up, sigmoid, silu]) => {
      // silu' = s + silu (1 - s)
      const slope = tf.add(sigmoid!, tf.mul(silu!, tf.sub(1, sigmoid!)));
      return [tf.concat([tf.mul(tf.mul(dy, up!), slope), tf.mul(dy, silu!)], 1)];
    },
  );
}

/** Cosines and sines as tensors that broadcast against the rotated tensor, [.., E/2]. */
export interface Rotation {
  readonly cos: tf.Tensor;
  readonly sin: tf.Tensor;
}

/** Rotates the pairs (x_i, x_{i+E/2}) of the last axis; the backward pass turns back. */
export function rotate(x: tf.Tensor, rotation: Rotation): tf.Tensor {
  const { cos, sin } = rotation;
  return differentiable(
    [x],
    ([input]) => {
      const [a, b] = tf.split(input!, 2, -1) as [tf.Tensor, tf.Tensor];
      return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1);
    },
    (dy) => {
      const [a, b] = tf.split(dy, 2, -1) as [tf.Tensor, tf.Tensor];
      return [tf.concat([tf.add(tf.mul(a, cos), tf.mul(b, sin)), tf.sub(tf.mul(b, cos), tf.mul(a, sin))], -1)];
    },
  );
}

/** The operands of {@link attend}. */
export interface AttentionOperands {
  /** Queries, already scaled by 1/sqrt(E): [N, M, E]. */
  readonly q: tf.Tensor;
  /** Keys [N, S, E]. */
  readonly k: tf.Tensor;
  /** Values [N, S, E]. */
  readonly v: tf.Tensor;
  /** Added to the scores: 0 where a query may look, very negative where not: [M, S]. */
  readonly mask: tf.Tensor;
}

/** Computes softmax(q kᵀ + mask) v, [N, M, E]. */
export function attend(operands: AttentionOperands): tf.Tensor {
  return differentiable(
    [operands.q, operands.k, operands.v],
    ([q, k, v], save) => {
      const p = tf.softmax(tf.add(tf.matMul(q!, k!, false, true), operands.mask)); // [N, M, S]
      const o = tf.matMul(p, v!);
      save([q!, k!, v!, p, o]);
      return o;
    },
    (dy, [q, k, v, p, o]) => {
      const along = tf.sum(tf.mul(dy, o!), -1, true); // [N, M, 1], equals sum_s p dp
      const ds = tf.mul(p!, tf.sub(tf.matMul(dy, v!, false, true), along)); // [N, M, S]
      return [tf.matMul(ds, k!), tf.matMul(ds, q!, true, false), tf.matMul(p!, dy, true, false)];
    },
  );
}

/**
 * Computes log softmax(logits)[target] of each row, [N]. Exact to rounding down to about -87 (the smallest normal float32
 * probability), where the value stops falling; the gradient, onehot - softmax, is exact everywhere.
 * @param logits [N, V]. @param targets Token ids, int32 [N].
 */
export function tokenLogProb(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  const vocabSize = logits.shape[1]!;
  return differentiable(
    [logits],
    ([input], save) => {
      const p = tf.softmax(input! as tf.Tensor2D); // [N, V]
      save([p, targets]);
      const chosen = tf.gather(p, tf.expandDims(targets, 1) as tf.Tensor2D, 1, 1); // [N, 1]
      return tf.log(tf.maximum(tf.squeeze(chosen, [1]), 1.2e-38));
    },
    (dy, [p, ids]) => {
      const onehot = tf.cast(tf.oneHot(ids as tf.Tensor1D, vocabSize), 'float32');
      return [tf.mul(tf.expandDims(dy, 1), tf.sub(onehot, p!))];
    },
  );
}

/** Computes the entropy of softmax(logits) of each row in nats, [N]. @param logits [N, V]. */
export function distributionEntropy(logits: tf.Tensor): tf.Tensor {
  return differentiable(
    [logits],
    ([input], save) => {
      const p = tf.softmax(input! as tf.Tensor2D); // [N, V]
      const logP = tf.log(tf.maximum(p, 1.2e-38));
      const entropy = tf.neg(tf.sum(tf.mul(p, logP), -1, true)); // [N, 1]
      save([p, logP, entropy]);
      return tf.squeeze(entropy, [1]);
    },
    (dy, [p, logP, entropy]) => [tf.neg(tf.mul(tf.mul(tf.expandDims(dy, 1), p!), tf.add(logP!, entropy!)))],
  );
}
