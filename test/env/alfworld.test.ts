/** ALFWorld behind the contract of every world: generated games of both sizes and wordings, and real ones where present. */
import { describe } from 'vitest';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import type { Environment } from '../../src/env/environment.ts';
import { testEnvironment } from '../contract/environment.ts';
import { hasReal, realRoot } from './support.ts';

const counts = { train: 30, valid_seen: 12, valid_unseen: 12 };
const generated = (options: { readonly size?: 'full'; readonly grammar?: 'move' }): Environment =>
  openAlfworld({ source: 'generated', seed: 7, counts, ...options });

testEnvironment('alfworld (generated, small)', () => generated({}));
testEnvironment('alfworld (generated, full)', () => generated({ size: 'full' }), { tasksPerSplit: 6 });
testEnvironment('alfworld (generated, new grammar)', () => generated({ grammar: 'move' }), { tasksPerSplit: 6 });

describe.skipIf(!hasReal)('with real games in ../shared or ALFWORLD_DATA', () => {
  testEnvironment('alfworld (files)', () => openAlfworld({ source: 'files', root: realRoot }), {
    tasksPerSplit: 8,
  });
});
