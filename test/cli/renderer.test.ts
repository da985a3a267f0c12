import { describe, expect, it } from 'vitest';
import { jsonRenderer, plainRenderer, progressText, secondsText } from '../../src/cli/renderer.ts';
import { bytesText, columns } from '../../src/cli/table.ts';
import type { RunEvent } from '../../src/runner/event.ts';
import { node } from '../runner/echo.ts';

const key = 'abcdef0123456789';
const events: readonly RunEvent[] = [
  { type: 'started', node: 'sft/seed=1', key, threads: 2, why: 'new' },
  { type: 'progress', node: 'sft/seed=1', done: 1, total: 4, unit: 'steps' },
  { type: 'metrics', node: 'sft/seed=1', step: 1, values: { loss: Number.NaN, rate: 0.5 } },
  { type: 'finished', node: 'sft/seed=1', status: 'run', key, seconds: 1.5, note: 'new' },
  { type: 'quarantined', node: 'a', folder: 'q', problems: ['x is missing'] },
  { type: 'finished', node: 'a', status: 'failed', key, seconds: 123.4, note: 'no disk' },
];

describe('plainRenderer()', () => {
  it('writes one aligned line per stage, and no progress of quick stages', () => {
    const lines: string[] = [];
    const renderer = plainRenderer([node('sft/seed=1'), node('a')], (line) => lines.push(line));
    for (const event of events) renderer.event(event);
    expect(lines).toEqual([
      'run         sft/seed=1  abcdef01    1.50 s  new',
      'damaged     a           x is missing; moved to q',
      'failed      a           abcdef01     123 s  no disk',
    ]);
  });
});

describe('jsonRenderer()', () => {
  it('writes numbers that JSON does not have as text', () => {
    const lines: string[] = [];
    const renderer = jsonRenderer((line) => lines.push(line));
    renderer.event(events[2]!);
    expect(lines).toEqual(['{"type":"metrics","node":"sft/seed=1","step":1,"values":{"loss":"NaN","rate":0.5}}']);
  });
});

describe('texts', () => {
  it('are short', () => {
    expect(secondsText(0.004)).toBe('  0.00 s');
    expect(progressText({ done: 1, total: 3, unit: 'games', note: 'loss 0.3' })).toBe('1/3 games  33 %  loss 0.3');
    expect(progressText({ done: 1, total: 0, unit: 'games' })).toBe('1/0 games');
    expect([999, 1000, 3_400_000].map(bytesText)).toEqual(['999 B', '1.0 kB', '3.4 MB']);
    expect(columns(['a', 'b'], [['long', 'x']])).toBe('a     b\nlong  x');
  });
});
