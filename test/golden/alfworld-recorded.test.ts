/** ALFWorld against recorded runs of the real engine: the twelve of alfworld_recorded.json and two hundred of the train split. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasRecordings, type Recording, readRecordings, replayRecordings } from '../env/recorded.ts';
import { goldenPath, readGolden } from '../env/support.ts';

describe.skipIf(!hasRecordings)('recorded expert runs', () => {
  it.skipIf(!existsSync(goldenPath('alfworld_recorded.json')))(
    'of the golden file are reproduced word for word',
    () => {
      const { traces } = readGolden<{ traces: Recording[] }>('alfworld_recorded.json');
      const recordings = traces.map((trace) => ({ ...trace, game: trace.game.replace('train/', '') }));
      const steps = recordings.reduce((sum, recording) => sum + recording.steps.length, 0);
      expect(steps).toBeGreaterThan(100);
      expect(replayRecordings(recordings)).toEqual({
        steps,
        equalObservations: steps,
        equalIntros: 12,
        wonAtLastStep: 12,
        missing: [],
        differences: [],
      });
    },
  );

  it('of every task type are reproduced word for word (200 of 3,554; all of them in test/env/replay.slow.test.ts)', () => {
    const byType = new Map<string, Recording[]>();
    for (const recording of readRecordings()) {
      const type = recording.game.split('-', 1)[0]!;
      byType.set(type, [...(byType.get(type) ?? []), recording]);
    }
    expect(byType.size).toBe(6);
    const sample = [...byType.values()].flatMap((group) =>
      group.filter((_, i) => i % Math.floor(group.length / 33) === 0).slice(0, 34),
    );
    expect(sample.length).toBeGreaterThanOrEqual(200);
    const { steps, equalObservations, equalIntros, wonAtLastStep, differences, missing } = replayRecordings(sample);
    expect({ differences, missing }).toEqual({ differences: [], missing: [] });
    expect(equalObservations).toBe(steps);
    expect({ equalIntros, wonAtLastStep }).toEqual({ equalIntros: sample.length, wonAtLastStep: sample.length });
  });
});
