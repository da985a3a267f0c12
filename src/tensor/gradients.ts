/** Value and gradients of a scalar loss, forgiving where `tf.valueAndGrads` is not: what the loss does not use has gradient 0. */
import { tf } from './tf.ts';

/** A loss and its gradients, in the order of the tensors they belong to. */
export interface LossGradients {
  /** The loss, shape []. */
  readonly value: tf.Scalar;
  /** d loss / d x of each x, with the shape of x. */
  readonly grads: readonly tf.Tensor[];
}

/**
 * Computes a loss and its gradients by TF.js's reverse-mode tape. The caller owns what is returned.
 * @param loss Computes the loss, shape [], from `xs`, which it captures.
 * @param xs float32 tensors; at least one.
 * @throws {RangeError} If the loss is not a scalar.
 */
export function gradientsOf(loss: () => tf.Tensor, xs: readonly tf.Tensor[]): LossGradients {
  return tf.tidy(() => {
    // allowNoGradients: tf.valueAndGrads() throws if any x is unused
    const { value, grads } = tf.engine().gradients(loss, [...xs], undefined, true);
    if (value.rank !== 0)
      throw new RangeError(`Cannot take gradients: the loss has shape [${value.shape}], expected a scalar`);
    const given = grads as readonly (tf.Tensor | null)[]; // null where the loss does not depend on x; TF.js's type does not say so
    return { value: value as tf.Scalar, grads: xs.map((x, index) => given[index] ?? tf.zerosLike(x)) };
  });
}
