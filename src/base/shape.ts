/**
 * The letters of tensor shapes, used in every doc comment:
 * B batch (sequences), T tokens of a sequence, W tokens of a window fed at once, S cache length, D model width, L layers,
 * H query heads, K key/value heads, E width of a head, F feed-forward width, V vocabulary, P flat parameters, N turns.
 */

/** The extent of each axis. */
export type Shape = readonly number[];

/** Returns the number of elements of a shape (1 for a scalar). */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
