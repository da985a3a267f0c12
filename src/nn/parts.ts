/** The parameter vectors of a trainer (model, adapters, critic): how each enters the graph, and what of it is trained. */
import type { TensorSpec } from '../tensor/compile.ts';
import { tf } from '../tensor/tf.ts';
import type { Segment } from './adamw.ts';
import { type Group, groupsOf, type Layout, type LayoutEntry, viewOf } from './layout.ts';
import type { Weights } from './llama.ts';

/** Which vector. */
export type PartName = 'model' | 'adapter' | 'critic';

/** One parameter vector [P] with the optimiser state of what is trained of it. */
export interface Part {
  readonly name: PartName;
  readonly layout: Layout;
  readonly groups: readonly Group[];
  /** Updated in place. */
  readonly values: Float32Array;
  /** Moments of the trained numbers, one segment after the other. */
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Groups with something to train, in the order in which the gradient holds them. */
  readonly trained: readonly Group[];
  /** The trained runs inside these groups. */
  readonly segments: readonly Segment[];
}

/** Creates a part around `values`, which it will own. @param isFrozen Tells by name what is not trained. */
export function createPart(
  name: PartName,
  vectors: { readonly layout: Layout; readonly values: Float32Array },
  isFrozen: (name: string) => boolean,
): Part {
  const { layout, values } = vectors;
  const groups = groupsOf(layout);
  const trained = groups.filter((group) => group.entries.some((entry) => !isFrozen(entry.name)));
  const segments: Segment[] = [];
  let start = 0;
  let count = 0;
  for (const group of trained) {
    for (const entry of group.entries) {
      if (isFrozen(entry.name)) continue;
      const { offset, size } = entry;
      const gradientOffset = start + offset - group.offset;
      segments.push({ offset, gradientOffset, momentOffset: count, size, decays: doesDecay(entry) });
      count += size;
    }
    start += group.size;
  }
  const moments = { firstMoment: new Float32Array(count), secondMoment: new Float32Array(count) };
  return { name, layout, groups, values, ...moments, trained, segments };
}

/** Copies the trained numbers of a part, one segment after the other: the frozen ones need no keeping. */
export function trainedValues({ values, segments, firstMoment }: Part): Float32Array {
  const copy = new Float32Array(firstMoment.length);
  for (const { offset, momentOffset, size } of segments) copy.set(values.subarray(offset, offset + size), momentOffset);
  return copy;
}

/** Puts back what {@link trainedValues} copied. */
export function setTrainedValues({ values, segments }: Part, copy: Float32Array): void {
  for (const { offset, momentOffset, size } of segments)
    values.set(copy.subarray(momentOffset, momentOffset + size), offset);
}

/** Norms, biases and other vectors are spared from weight decay. */
function doesDecay(entry: LayoutEntry): boolean {
  return entry.shape.length > 1;
}

/** Returns the graph inputs of a part: one per group, named `<part>/<group>`. */
export function partInputs(part: Pick<Part, 'name' | 'groups'>): Record<string, TensorSpec> {
  return Object.fromEntries(part.groups.map((group) => [`${part.name}/${group.name}`, { shape: group.shape }]));
}

/** Returns the feeds of these inputs: views of the vector, so they always show its current numbers. */
export function partFeeds(part: Pick<Part, 'name' | 'groups'>, values: Float32Array): Record<string, Float32Array> {
  return Object.fromEntries(part.groups.map((group) => [`${part.name}/${group.name}`, viewOf(values, group)]));
}

/** Picks the weights of a part from the graph's inputs. */
export function partWeights(part: Pick<Part, 'name' | 'groups'>, inputs: Readonly<Record<string, tf.Tensor>>): Weights {
  return Object.fromEntries(part.groups.map((group) => [group.name, inputs[`${part.name}/${group.name}`]!]));
}

/** Joins the gradients of a part's trained groups to one vector. */
export function joinGradients(gradients: readonly tf.Tensor[]): tf.Tensor {
  const flat = gradients.map((gradient) => tf.reshape(gradient, [-1]));
  return flat.length === 1 ? flat[0]! : tf.concat(flat, 0);
}
