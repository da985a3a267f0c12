import { defineConfig } from 'spa';

/** Where runs of this checkout go, and how they are tracked. Nothing here decides a result. */
export default defineConfig({
  runs: './runs',
  tracking: { uri: 'file:./runs/mlruns' },
});
