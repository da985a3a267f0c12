/** The released prm/data_org.py against a run of the script itself (data_org.json). */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ExplorationRecord, type OrganisedRecord, reorganise } from '../../src/rl/released-data.ts';

const path = new URL('../../../shared/spec/golden/data_org.json', import.meta.url);

describe.skipIf(!existsSync(path))('reorganise() (../shared/spec/golden; skipped when absent)', () => {
  const golden = () => JSON.parse(readFileSync(path, 'utf8')) as { in: ExplorationRecord[]; out: OrganisedRecord[] };

  it('gives what the script gives with its prefix of ten messages', () => {
    expect(reorganise(golden().in, 10)).toEqual(golden().out);
  });

  it('leaves none of the worked example with the prefix of twelve that ALFWorld has', () => {
    const [organised] = reorganise([golden().in[2]!], 12);
    expect(organised!.conversations.map((message) => message.value).slice(0, 3)).toEqual(['icl0', 'icl1', 'task obs']);
  });

  it('writes no success where there is none', () => {
    const { success: _, ...record } = golden().in[0]!;
    expect(Object.keys(reorganise([record], 10)[0]!)).not.toContain('success');
  });
});
