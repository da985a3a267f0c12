/**
 * The one place that loads TensorFlow.js. The whole package is imported for its side effect: `@tensorflow/tfjs-core` alone
 * registers no gradients under Node. Production mode keeps it from printing to the terminal; the `cpu` backend is the default.
 */
import * as tf from '@tensorflow/tfjs';

tf.enableProdMode();
void tf.setBackend('cpu'); // registered by the import above, so this takes effect before the next line

export { tf };

/**
 * Runs `body` with another backend and puts the previous one back. The backend is global to the process, therefore `body`
 * must be synchronous: between two awaits of one caller another caller could run.
 * @param name A registered backend whose factory is synchronous.
 * @throws {TypeError} If `body` returns a promise.
 */
export function withBackend<T>(name: string, body: () => T): T {
  const previous = tf.getBackend();
  void tf.setBackend(name); // synchronous for a registered backend with a synchronous factory
  try {
    const result = body();
    if (result instanceof Promise)
      throw new TypeError('Cannot run a tensor function: it returned a promise, expected tensors');
    return result;
  } finally {
    void tf.setBackend(previous);
  }
}
