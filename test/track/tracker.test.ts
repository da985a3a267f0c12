import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { testTracker } from '../contract/tracker.ts';
import { startFakeServer } from './fake-server.ts';
import { readFileStore } from './read-file-store.ts';

testTracker('none', () => ({ uri: 'none', env: {}, read: async () => undefined }));

const mlruns = join(mkdtempSync(join(tmpdir(), 'spa-track-')), 'ml runs');
afterAll(() => rmSync(join(mlruns, '..'), { recursive: true }));
testTracker('file store', () => ({
  uri: `file:${mlruns}`,
  env: {},
  read: async (experiment) => readFileStore(mlruns, experiment),
}));

let server: Awaited<ReturnType<typeof startFakeServer>>;
beforeAll(async () => {
  server = await startFakeServer();
});
afterAll(() => server.stop());
testTracker('server', () => server.place);
