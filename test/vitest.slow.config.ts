import base from './vitest.config.ts';

export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/**/*.slow.test.ts'],
    exclude: [],
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
};
