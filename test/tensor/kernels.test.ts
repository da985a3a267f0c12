/** Every kernel that can be recorded computes in ONNX Runtime what it computes on TF.js's cpu backend. */
import { describe, expect, it } from 'vitest';
import { tf } from '../../src/tensor/tf.ts';
import { traceKernels } from '../../src/tensor/trace.ts';
import { kernelCases } from './kernel-cases.ts';
import { difference, drawFeeds, runOn } from './parity.ts';

describe('recorded kernels', () => {
  it('all have a case, and all exist on the reference backend', () => {
    expect(Object.keys(kernelCases).toSorted()).toEqual(Object.keys(traceKernels).toSorted());
    expect(Object.keys(traceKernels).filter((name) => tf.getKernel(name, 'cpu') === undefined)).toEqual([]);
  });

  for (const [kernel, cases] of Object.entries(kernelCases)) {
    it(`${kernel} equals the reference`, async () => {
      const { kernelNames } = await tf.profile(() =>
        tf.tidy(() => {
          for (const { fn, inputs } of cases) {
            const feeds = drawFeeds(inputs);
            fn(
              Object.fromEntries(
                Object.entries(inputs).map(([name, { shape, dtype }]) => [
                  name,
                  tf.tensor(feeds[name]!, [...shape], dtype),
                ]),
              ),
            );
          }
        }),
      );
      expect(kernelNames).toContain(kernel);
      for (const [index, kernelCase] of cases.entries()) {
        const [expected, actual] = [await runOn('cpu', kernelCase), await runOn('onnx', kernelCase)];
        expect(actual.shapes, `case ${index}`).toEqual(expected.shapes);
        for (const [name, array] of Object.entries(expected.results)) {
          expect(actual.results[name]!.constructor, `case ${index}, ${name}`).toBe(array.constructor);
          expect(
            difference(array, actual.results[name]!),
            `case ${index}, ${name}: ${array} / ${actual.results[name]}`,
          ).toBeLessThanOrEqual(2e-6);
        }
      }
    });
  }
});
