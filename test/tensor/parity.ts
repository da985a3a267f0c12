/** Runs one tensor function on two engines with the same seeded numbers. */
import { createRng } from '../../src/base/rng.ts';
import { sizeOf } from '../../src/base/shape.ts';
import { compile, type EngineName, type TypedArray } from '../../src/tensor/compile.ts';
import type { KernelCase } from './kernel-cases.ts';

/** Draws numbers for every input, uniform in [low, high); default [-1, 1). */
export function drawFeeds(inputs: KernelCase['inputs'], seed = 'feeds'): Record<string, TypedArray> {
  const rng = createRng(seed);
  const draw = ({ shape, dtype, low = -1, high = 1 }: KernelCase['inputs'][string]): TypedArray => {
    const length = sizeOf(shape);
    if (dtype === 'int32') return Int32Array.from({ length }, () => low + rng.int(high - low));
    return Float32Array.from({ length }, () => low + rng.uniform() * (high - low));
  };
  return Object.fromEntries(Object.entries(inputs).map(([name, form]) => [name, draw(form)]));
}

/** Runs `fn` once on an engine; the results are copies. */
export async function runOn(
  engine: EngineName,
  { fn, inputs }: KernelCase,
  feeds = drawFeeds(inputs),
): Promise<{
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly results: Readonly<Record<string, TypedArray>>;
}> {
  await using program = await compile(fn, inputs, { engine, threads: 1 });
  const results = await program.run(feeds);
  return {
    shapes: program.outputs,
    results: Object.fromEntries(Object.entries(results).map(([name, array]) => [name, array.slice()])),
  };
}

/** Returns the largest difference relative to max(1, |expected|); infinite if the two disagree about what is not finite. */
export function difference(expected: TypedArray, actual: TypedArray): number {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (const [index, value] of expected.entries()) {
    const other = actual[index]!;
    if (value === other || (Number.isNaN(value) && Number.isNaN(other))) continue;
    if (!Number.isFinite(value) || !Number.isFinite(other)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, Math.abs(value - other) / Math.max(1, Math.abs(value)));
  }
  return worst;
}
