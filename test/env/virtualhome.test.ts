/** VirtualHome behind the contract of every world: generated households and, where present, the published ones. */
import { describe } from 'vitest';
import { openVirtualhome } from '../../src/env/virtualhome/virtualhome.ts';
import { testAdversary } from '../contract/adversarial.ts';
import { testEnvironment } from '../contract/environment.ts';
import { hasHouseholds, vhRoot } from './virtualhome-support.ts';

const forms = ['Walk to %', 'Put % on %', 'Pour % into %', 'Release %', '%: %', '[WALK] <%> (1)', 'grab %> (77'];

describe.skipIf(!hasHouseholds)('with published households in ../shared or VIRTUALHOME_DATA', () => {
  const open = () => openVirtualhome({ source: 'files', root: vhRoot });
  testEnvironment('virtualhome (files)', open, { tasksPerSplit: 8 });
  testAdversary('virtualhome (files)', open, { forms, tasks: 10 });
});

describe.skipIf(!hasHouseholds)('with published households, ids not given away', () => {
  testEnvironment(
    'virtualhome (files, ids hidden)',
    () => openVirtualhome({ source: 'files', root: vhRoot, leakIds: false }),
    {
      tasksPerSplit: 3,
    },
  );
});
