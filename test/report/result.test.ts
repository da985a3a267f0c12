/** The tables of a run, from summaries made by hand. */
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { compare, successOf } from '../../src/report/compare.ts';
import { type FinishedStage, resultTables } from '../../src/report/result.ts';
import { textTable } from '../../src/report/text-table.ts';
import type { Evaluation } from '../../src/stage/evaluate.ts';
import { planOf } from '../stage/support.ts';

type Games = Readonly<Record<string, readonly (0 | 1 | null)[]>>;

const evaluation = (games: Games, more: Partial<Evaluation> = {}): Evaluation => {
  const all = Object.values(games)
    .flat()
    .filter((game) => game !== null);
  const success = all.reduce<number>((sum, game) => sum + game, 0) / all.length;
  const outcomes = {
    episodes: all.length,
    broken: 0,
    success,
    ended: success,
    reward: success,
    grounded: 0.5,
    turns: 4,
  };
  const byType = { look: outcomes };
  return {
    split: 'valid_seen',
    temperature: 0,
    ...outcomes,
    interval: { low: 0.1, high: 0.9 },
    byType,
    games,
    ...more,
  };
};

describe('textTable()', () => {
  it('aligns words to the left and numbers to the right', () => {
    expect(
      textTable(
        ['name', 'share', 'note'],
        [
          ['a', '5.0 %', 'x'],
          ['long name', '100.0 %', ''],
        ],
      ).split('\n'),
    ).toEqual([
      'name         share  note', //
      '─────────  ───────  ────',
      'a            5.0 %  x',
      'long name  100.0 %',
    ]);
  });
});

/** Evaluations of seeds 0, 1, … */
const seeds = (...list: Evaluation[]): Map<number, Evaluation> => new Map(list.map((one, seed) => [seed, one]));

describe('compare()', () => {
  it('pairs by game and leaves out what broke on either side', () => {
    const before = evaluation({ a: [0], b: [1], c: [0], d: [null], e: [1] });
    const after = evaluation({ a: [1], b: [1], c: [null], d: [1] });
    // a: +1, b: 0; c and d broke on one side, e was not played again
    expect(compare(seeds(before), seeds(after))).toMatchObject({ estimate: 0.5, low: 0, high: 1 });
  });

  it('takes the mean of the samples of a game', () => {
    const before = evaluation({ a: [0, 0], b: [1, 1] });
    const after = evaluation({ a: [1, 0], b: [1, null] });
    expect(compare(seeds(before), seeds(after))?.estimate).toBe(0.25); // (0.5 - 0 + 1 - 1) / 2
  });

  it('gives a zero interval where every game goes as before, however good', () => {
    const same = evaluation({ a: [0], b: [1], c: [1] });
    expect(compare(seeds(same), seeds(same))).toMatchObject({ estimate: 0, low: 0, high: 0 });
  });

  it('compares each seed with itself', () => {
    const lost = evaluation({ a: [0], b: [0] });
    const won = evaluation({ a: [1], b: [1] });
    // seed 0 gains 1, seed 1 loses 1: a difference of means would hide nothing, pairing must not mix them up
    expect(compare(seeds(lost, won), seeds(won, lost))).toMatchObject({ estimate: 0, low: -1, high: 1 });
  });

  it('successOf() gives the mean itself', () => {
    expect(successOf(seeds(evaluation({ a: [1], b: [0], c: [1], d: [1] })))?.estimate).toBe(0.75);
  });

  it('gives the same interval each time', () => {
    const before = evaluation({ a: [0], b: [1], c: [0], d: [1] });
    const after = evaluation({ a: [1], b: [1], c: [0], d: [0] });
    expect(compare(seeds(before), seeds(after))).toEqual(compare(seeds(before), seeds(after)));
  });

  it('pairs seeds by their number and says nothing where the sides share none', () => {
    const [sft, trained] = [evaluation({ a: [0] }), evaluation({ a: [1] })];
    expect(compare(new Map([[1, sft]]), new Map([[2, trained]]))).toBeUndefined();
    expect(
      compare(
        new Map([
          [2, sft],
          [1, trained],
        ]),
        new Map([[1, trained]]),
      ),
    ).toMatchObject({ estimate: 0 });
    expect(compare(seeds(sft), seeds(evaluation({ other: [1] })))).toBeUndefined();
  });
});

describe('resultTables()', () => {
  const finished = (summary: object): FinishedStage => ({
    key: 'k',
    folder: '/nowhere',
    summary: summary as JsonObject, // plain numbers and texts
  });
  const cellsOf = (line: string): string[] => line.split(/ {2,}/).map((cell) => cell.trim());
  const before = evaluation({ a: [0], b: [1], c: [0], d: [0] });
  const after = evaluation({ a: [1], b: [1], c: [1], d: [0] });

  it('puts both policies on each split with the paired difference', async () => {
    const plan = await planOf({ reward: { scheme: 'outcome' } });
    const results = new Map([
      ['evaluate:sft/seed=1', finished({ evaluations: [before] })],
      ['evaluate/seed=1', finished({ evaluations: [after] })],
    ]);
    const [header, , sft, trained] = resultTables(plan, results).split('\n');
    expect(cellsOf(header!).slice(0, 3)).toEqual(['split', 'play', 'policy']);
    expect(cellsOf(sft!).slice(0, 4)).toEqual(['valid_seen', 'greedy', 'sft', '25.0 % [10.0, 90.0]']);
    expect(cellsOf(trained!).slice(0, 4)).toEqual(['valid_seen', 'greedy', 'outcome', '75.0 % [10.0, 90.0]']);
    expect(trained).toContain('+50.0 [');
    expect(sft).not.toContain('+');
  });

  it('shows the share of ended episodes where a world also ends without success', async () => {
    const results = new Map([
      ['evaluate:sft/seed=1', finished({ evaluations: [{ ...before, ended: 0.75, reward: 0.6 }] })],
      ['evaluate/seed=1', finished({ evaluations: [{ ...after, ended: 1, reward: 0.9 }] })],
    ]);
    const [header, , sft, trained] = resultTables(await planOf(), results).split('\n');
    expect(cellsOf(header!).slice(3, 7)).toEqual(['success [95 %]', 'ended', 'grounded', 'reward']);
    expect(cellsOf(sft!).slice(3, 7)).toEqual(['25.0 % [10.0, 90.0]', '75.0 %', '50.0 %', '0.600']);
    expect(cellsOf(trained!).slice(3, 7)).toEqual(['75.0 % [10.0, 90.0]', '100.0 %', '50.0 %', '0.900']);
  });

  it('names temperatures', async () => {
    const sampled = { temperature: 0.7 };
    const results = new Map([
      ['evaluate:sft/seed=1', finished({ evaluations: [evaluation({ a: [1] }, sampled)] })],
      ['evaluate/seed=1', finished({ evaluations: [evaluation({ a: [1] }, sampled)] })],
    ]);
    expect(resultTables(await planOf(), results)).toContain('T=0.7');
  });

  it('means over seeds', async () => {
    const results = new Map([
      ['evaluate:sft/seed=1', finished({ evaluations: [before] })],
      ['evaluate:sft/seed=2', finished({ evaluations: [after] })],
    ]);
    const [, , sft, next] = resultTables(await planOf({ seeds: [1, 2] }), results).split('\n');
    expect(cellsOf(sft!)[3]).toMatch(/^50\.0 % \[/); // (25 % + 75 %) / 2
    expect(cellsOf(sft!)[7]).toBe('8'); // episodes of both
    expect(next ?? '').toBe(''); // no trained policy yet
  });

  it('shows what is known of the estimator, and a dash for what is not', async () => {
    const results = new Map([
      [
        'estimate/seed=1',
        finished({
          heldOutMse: 0.125,
          heldOutExplainedVariance: null,
          heldOutProgressRank: 0.5,
          heldOutTurnRank: 0.25,
          heldOutEpisodes: 7,
        }),
      ],
    ]);
    const row = resultTables(await planOf(), results)
      .split('\n')
      .find((line) => line.startsWith('estimate/seed=1'));
    expect(cellsOf(row!)).toEqual(['estimate/seed=1', '0.125', '–', '0.500', '0.250', '7']);
  });

  it('is empty where nothing was evaluated', async () => {
    expect(resultTables(await planOf(), new Map())).toBe('');
  });
});
