/**
 * All 800 recorded programs of Scene 1 (embodied-agent-eval/virtualhome_eval@f664459: virtualhome_eval/dataset): set VIRTUALHOME_PROGRAMS to the folder
 * that holds programs_processed_precond_nograb_morepreconds, unpacked (605 MB).
 */
import { describe, expect, it } from 'vitest';
import { openFiles } from '../../src/env/virtualhome/files.ts';
import { comparePrograms } from './virtualhome-support.ts';

const root = process.env.VIRTUALHOME_PROGRAMS;

describe.skipIf(root === undefined)('all 800 programs of Scene 1, with VIRTUALHOME_PROGRAMS', () => {
  it('end in the recorded graph but for CLOSE edges of the person; 4 grab what they hold already and are refused', () => {
    const { refused, ...counts } = comparePrograms(root!);
    expect(counts).toEqual({ programs: 800, exact: 477, ownCloseDiffers: 319, otherDiffers: [] });
    expect(refused.length).toBe(4);
  });

  it('become training tasks wherever text can say them', () => {
    const source = openFiles({ root: root! });
    const reasons = source.leftOut('train').map(({ reason }) => reason);
    const counts = Object.fromEntries(
      [...new Set(reasons)].sort().map((one) => [one, reasons.filter((r) => r === one).length]),
    );
    expect({ tasks: source.tasks('train').length, ...counts }).toEqual({
      tasks: 693,
      'is refused on the way': 41,
      'means two things of one class': 66,
    });
  });
});
