/** What is said while a catalogue is indexed. */
import { describe, expect, it } from 'vitest';
import { indexReporter } from '../../src/cli/index-reporter.ts';

describe('indexReporter()', () => {
  it('says how far each phase is, every two seconds at most', () => {
    const lines: string[] = [];
    let now = 0;
    const report = indexReporter(
      (line) => lines.push(line),
      () => now,
    );
    report({ phase: 'products', done: 0, total: 1000 });
    now = 1999;
    report({ phase: 'products', done: 100, total: 1000 });
    now = 2000;
    report({ phase: 'products', done: 555, total: 1000 });
    now = 9000;
    report({ phase: 'index', done: 1_200_000, total: 0 });
    expect(lines).toEqual([
      'Indexing the catalogue, once: products 0 %',
      'Indexing the catalogue, once: products 55 %',
      'Indexing the catalogue, once: index 1,200,000 terms',
    ]);
  });
});
