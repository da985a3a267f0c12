/** ALFWorld behind the contract of every world: generated games of both sizes and wordings, and real ones where present. */
import { describe } from 'vitest';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import type { Environment } from '../../src/env/environment.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';
import { hasReal, realRoot } from './support.ts';

const counts = { train: 30, valid_seen: 12, valid_unseen: 12 };
const generated = (options: { readonly size?: 'full'; readonly grammar?: 'move' }): Environment =>
  openAlfworld({ source: 'generated', seed: 7, counts, ...options });

const forms = [
  'go to %',
  'take % from %',
  'put % in/on %',
  'move % to %',
  'open %',
  'close %',
  'examine %',
  'use %',
  'heat % with %',
];

testAdversary('alfworld (generated)', () => generated({}), { forms });
testEnvironment('alfworld (generated, small)', () => generated({}));
testEnvironment('alfworld (generated, full)', () => generated({ size: 'full' }), { tasksPerSplit: 6 });
testEnvironment('alfworld (generated, new grammar)', () => generated({ grammar: 'move' }), { tasksPerSplit: 6 });

describe.skipIf(!hasReal)('with real games in ../shared or ALFWORLD_DATA', () => {
  testAdversary('alfworld (files)', () => openAlfworld({ source: 'files', root: realRoot }), { forms });
  testEnvironment('alfworld (files)', () => openAlfworld({ source: 'files', root: realRoot }), {
    tasksPerSplit: 8,
  });
});
