/** Every recorded expert run of the train split, word for word. */
import { describe, expect, it } from 'vitest';
import { hasRecordings, readRecordings, replayRecordings } from './recorded.ts';

describe.skipIf(!hasRecordings)('all recorded expert runs', () => {
  it('are reproduced word for word and won exactly at their last step', () => {
    const recordings = readRecordings();
    expect(recordings.length).toBe(3554);
    expect(recordings.reduce((sum, { steps }) => sum + steps.length, 0)).toBe(60_628);
    // One recorded game is marked unsolvable in the archive's source and therefore not in it: 37 steps cannot be replayed.
    const missing = ['pick_clean_then_place_in_recep-Cloth-None-BathtubBasin-413/trial_T20190908_065418_661400'];
    expect(replayRecordings(recordings)).toEqual({
      steps: 60_591,
      equalObservations: 60_591,
      equalIntros: 3553,
      wonAtLastStep: 3553,
      missing,
      differences: [],
    });
  });
});
