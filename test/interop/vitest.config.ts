import base from '../vitest.config.ts';

export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/interop/*.test.ts'],
    exclude: [],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
};
