/**
 * The tables a run ends with: every policy on every split, the paired difference of the trained policy from the base policy, and how
 * good the estimator was. All numbers come from the summaries of verified stages.
 */
import type { JsonObject } from '../base/json.ts';
import { type PairedDifference, pairedBootstrap } from '../rl/bootstrap.ts';
import type { Plan } from '../runner/stage.ts';
import type { EvaluateSummary, Evaluation } from './evaluate.ts';
import { textTable } from './text-table.ts';

/** A finished stage: where it lies and what it summed up. */
export interface FinishedStage {
  readonly key: string;
  readonly folder: string;
  readonly summary: JsonObject;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const signed = (points: number): string => `${points >= 0 ? '+' : ''}${(100 * points).toFixed(1)}`;

/** Formats the result tables of a run. */
export function resultTables(plan: Plan, results: ReadonlyMap<string, FinishedStage>): string {
  const seeds = [...new Set(plan.nodes.map((node) => Number(node.params.seed)))];
  const base = seeds.map((seed) => evaluationsOf(results.get(`evaluate:sft/seed=${seed}`)));
  const trained = seeds.map((seed) => evaluationsOf(results.get(`evaluate/seed=${seed}`)));
  const scheme = schemeOf(plan);
  const sections = [
    evaluationTable({ base, trained, scheme }),
    typeTable({ base, trained, scheme }),
    estimatorTable(plan, results),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function evaluationsOf(stage: FinishedStage | undefined): readonly Evaluation[] {
  return stage === undefined ? [] : (stage.summary as unknown as EvaluateSummary).evaluations; // written by the evaluate stage
}

function schemeOf(plan: Plan): string {
  const reward = plan.nodes.find((node) => node.stage === 'attribute')?.params.reward as
    | { scheme?: string }
    | undefined;
  return reward?.scheme ?? 'trained';
}

/** Evaluations per seed of both policies. */
interface Compared {
  readonly base: readonly (readonly Evaluation[])[];
  readonly trained: readonly (readonly Evaluation[])[];
  readonly scheme: string;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
const playName = (temperature: number): string => (temperature === 0 ? 'greedy' : `T=${temperature}`);

function evaluationTable({ base, trained, scheme }: Compared): string {
  const settings = (base[0] ?? trained[0] ?? []).map(({ split, temperature }) => ({ split, temperature }));
  const rows = settings.flatMap((setting) => {
    const of = (side: Compared['base']): Evaluation[] =>
      side.flatMap((evaluations) =>
        evaluations.filter((e) => e.split === setting.split && e.temperature === setting.temperature),
      );
    const row = (name: string, list: readonly Evaluation[], difference: string): string[] => [
      setting.split,
      playName(setting.temperature),
      name,
      `${percent(mean(list.map((e) => e.success)))} ${intervalOf(list)}`,
      percent(mean(list.map((e) => e.grounded))),
      mean(list.map((e) => e.reward)).toFixed(3),
      mean(list.map((e) => e.turns)).toFixed(1),
      String(list.reduce((sum, e) => sum + e.episodes, 0)),
      difference,
    ];
    const before = of(base);
    const after = of(trained);
    return [
      ...(before.length === 0 ? [] : [row('sft', before, '')]),
      ...(after.length === 0 ? [] : [row(scheme, after, differenceOf(before, after))]),
    ];
  });
  if (rows.length === 0) return '';
  const header = [
    'split',
    'play',
    'policy',
    'success [95 %]',
    'grounded',
    'reward',
    'turns',
    'episodes',
    'difference from sft [95 %, paired]',
  ];
  return textTable(header, rows);
}

/** One run of one sample a game: Wilson's interval. Otherwise a bootstrap over games, and over seeds where there are several. */
function intervalOf(list: readonly Evaluation[]): string {
  const [only] = list;
  if (list.length === 1 && only?.interval) {
    return `[${(100 * only.interval.low).toFixed(1)}, ${(100 * only.interval.high).toFixed(1)}]`;
  }
  const { low, high } = compare(
    list.map(() => undefined),
    list,
  );
  return `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

function differenceOf(before: readonly Evaluation[], after: readonly Evaluation[]): string {
  if (before.length === 0 || before.length !== after.length) return '';
  const { estimate, low, high } = compare(before, after);
  return `${signed(estimate)} [${signed(low)}, ${signed(high)}] points`;
}

/** Compares per seed and game; without a `before` the difference is from nothing, which is the mean itself. Broken samples are left out. */
export function compare(before: readonly (Evaluation | undefined)[], after: readonly Evaluation[]): PairedDifference {
  const rows = after.flatMap((evaluation, seed) =>
    Object.entries(evaluation.games).flatMap(([task, samples]) => {
      const other = before[seed] === undefined ? 0 : meanOfSound(before[seed].games[task] ?? []);
      const own = meanOfSound(samples);
      return own === undefined || other === undefined ? [] : [{ task, seed, before: other, after: own }];
    }),
  );
  return pairedBootstrap(rows, { seed: 'result table', over: after.length > 1 ? 'seeds-and-tasks' : 'tasks' });
}

function meanOfSound(samples: readonly (0 | 1 | null)[]): number | undefined {
  const sound = samples.filter((sample) => sample !== null);
  return sound.length === 0 ? undefined : mean(sound);
}

function typeTable({ base, trained, scheme }: Compared): string {
  const setting = (trained[0] ?? base[0])?.at(-1);
  if (setting === undefined) return '';
  const { split, temperature } = setting;
  const pick = (side: Compared['base']): Evaluation[] =>
    side.flatMap((list) => list.filter((e) => e.split === split && e.temperature === temperature));
  const types = [...new Set([...pick(base), ...pick(trained)].flatMap((e) => Object.keys(e.byType)))].sort();
  const cell = (list: readonly Evaluation[], type: string): string =>
    list.length === 0 ? '' : percent(mean(list.flatMap((e) => e.byType[type]?.success ?? [])));
  const rows = types.map((type) => {
    const episodes = pick(trained).reduce((sum, e) => sum + (e.byType[type]?.episodes ?? 0), 0);
    return [type, cell(pick(base), type), cell(pick(trained), type), String(episodes)];
  });
  return textTable([`${split}, ${playName(temperature)}`, 'sft', scheme, 'episodes'], rows);
}

function estimatorTable(plan: Plan, results: ReadonlyMap<string, FinishedStage>): string {
  const number = (value: unknown): string => (typeof value === 'number' ? value.toFixed(3) : '–');
  const rows = plan.nodes
    .filter((node) => node.stage === 'estimate')
    .flatMap((node) => {
      const summary = results.get(node.id)?.summary;
      if (summary === undefined) return [];
      return [
        [
          node.id,
          number(summary.heldOutMse),
          number(summary.heldOutExplainedVariance),
          number(summary.heldOutProgressRank),
          String(summary.heldOutEpisodes),
        ],
      ];
    });
  if (rows.length === 0) return '';
  return textTable(
    ['estimator, on held-out games', 'MSE', 'explained variance', 'rank correlation with true progress', 'episodes'],
    rows,
  );
}
