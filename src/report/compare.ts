/** Paired comparison of evaluations: the same games under the same seeds, played by two policies. */
import { type PairedDifference, pairedBootstrap } from '../rl/bootstrap.ts';
import type { Evaluation } from '../stage/evaluate.ts';

/** One evaluation per seed, all of the same split and temperature. */
export type BySeed = ReadonlyMap<number, Evaluation>;

/**
 * Computes after - before over the seeds and games that both sides have. Samples that broke are left out.
 * @returns The mean difference of success with its 95 % interval (over games; over seeds and games where there are several seeds),
 *   or undefined if the sides share no game.
 */
export function compare(before: BySeed, after: BySeed): PairedDifference | undefined {
  return bootstrapOf(
    [...after].flatMap(([seed, evaluation]) => {
      const other = before.get(seed);
      if (other === undefined) return [];
      return gamesOf(evaluation).flatMap(({ task, success }) => {
        const was = meanOfSound(other.games[task] ?? []);
        return was === undefined ? [] : [{ task, seed, before: was, after: success }];
      });
    }),
  );
}

/** Computes the mean success with its 95 % interval, resampling as {@link compare} does. */
export function successOf(evaluations: BySeed): PairedDifference | undefined {
  return bootstrapOf(
    [...evaluations].flatMap(([seed, evaluation]) =>
      gamesOf(evaluation).map(({ task, success }) => ({ task, seed, before: 0, after: success })),
    ),
  );
}

interface Row {
  readonly task: string;
  readonly seed: number;
  readonly before: number;
  readonly after: number;
}

function bootstrapOf(rows: readonly Row[]): PairedDifference | undefined {
  if (rows.length === 0) return undefined;
  const seeds = new Set(rows.map(({ seed }) => seed)).size;
  return pairedBootstrap(rows, { seed: 'result table', over: seeds > 1 ? 'seeds-and-tasks' : 'tasks' });
}

/** Mean success of each game's sound samples. */
function gamesOf(evaluation: Evaluation): { readonly task: string; readonly success: number }[] {
  return Object.entries(evaluation.games).flatMap(([task, samples]) => {
    const success = meanOfSound(samples);
    return success === undefined ? [] : [{ task, success }];
  });
}

function meanOfSound(samples: readonly (0 | 1 | null)[]): number | undefined {
  const sound = samples.filter((sample) => sample !== null);
  return sound.length === 0 ? undefined : sound.reduce<number>((sum, sample) => sum + sample, 0) / sound.length;
}
