/**
 * The tables a run ends with: every policy on every split, the paired difference of the trained policy from the base policy, and how
 * good the estimator was. All numbers come from the summaries of verified stages.
 */
import type { JsonObject } from '../base/json.ts';
import type { Plan } from '../runner/stage.ts';
import type { EvaluateSummary, Evaluation } from '../stage/evaluate.ts';
import { type BySeed, compare, successOf } from './compare.ts';
import { textTable } from './text-table.ts';

/** A finished stage: where it lies and what it summed up. */
export interface FinishedStage {
  readonly key: string;
  readonly folder: string;
  readonly summary: JsonObject;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const signed = (points: number): string => `${points >= 0 ? '+' : ''}${(100 * points).toFixed(1)}`;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
const playName = (temperature: number): string => (temperature === 0 ? 'greedy' : `T=${temperature}`);

/** Formats the result tables of a run; a policy that was not evaluated is left out. */
export function resultTables(plan: Plan, results: ReadonlyMap<string, FinishedStage>): string {
  const sides: Sides = {
    base: evaluationsOf('evaluate:sft', plan, results),
    trained: evaluationsOf('evaluate', plan, results),
    scheme: schemeOf(plan),
  };
  const sections = [evaluationTable(sides), typeTable(sides), estimatorTable(plan, results)];
  return sections.filter((section) => section !== '').join('\n\n');
}

/** What one split is played at. */
interface Setting {
  readonly split: string;
  readonly temperature: number;
}

/** All evaluations of a policy, by seed. */
type Evaluations = ReadonlyMap<number, readonly Evaluation[]>;

/** The two policies a table sets side by side. */
interface Sides {
  readonly base: Evaluations;
  readonly trained: Evaluations;
  /** Name of the reward scheme the second was trained with, or of the model a server plays. */
  readonly scheme: string;
}

function evaluationsOf(label: string, plan: Plan, results: ReadonlyMap<string, FinishedStage>): Evaluations {
  const found = new Map<number, readonly Evaluation[]>();
  for (const node of plan.nodes) {
    const summary = results.get(node.id)?.summary;
    if (node.id.split('/')[0] !== label || summary === undefined) continue;
    found.set(Number(node.params.seed), (summary as unknown as EvaluateSummary).evaluations); // written by the evaluate stage
  }
  return found;
}

function schemeOf(plan: Plan): string {
  const reward = plan.nodes.find((node) => node.stage === 'attribute')?.params.reward as
    | { scheme?: string }
    | undefined;
  const server = plan.nodes.find((node) => node.stage === 'evaluate')?.params.server as { model?: string } | undefined;
  return reward?.scheme ?? server?.model ?? 'trained';
}

function settingsOf({ base, trained }: Sides): Setting[] {
  const all = [...base.values(), ...trained.values()].flat();
  const distinct = new Map(all.map(({ split, temperature }) => [`${split} ${temperature}`, { split, temperature }]));
  return [...distinct.values()];
}

function at(side: Evaluations, { split, temperature }: Setting): BySeed {
  return new Map(
    [...side].flatMap(([seed, list]) => {
      const found = list.find((one) => one.split === split && one.temperature === temperature);
      return found === undefined ? [] : [[seed, found] as const];
    }),
  );
}

function evaluationTable(sides: Sides): string {
  const canLose = [...sides.base.values(), ...sides.trained.values()].flat().some((one) => one.ended > one.success);
  const rows = settingsOf(sides).flatMap((setting) => {
    const before = at(sides.base, setting);
    const after = at(sides.trained, setting);
    return [
      ...(before.size === 0
        ? []
        : [evaluationRow(setting, { name: 'sft', canLose, evaluations: before, difference: '' })]),
      ...(after.size === 0
        ? []
        : [
            evaluationRow(setting, {
              name: sides.scheme,
              canLose,
              evaluations: after,
              difference: differenceOf(before, after),
            }),
          ]),
    ];
  });
  if (rows.length === 0) return '';
  const header = [
    'split',
    'play',
    'policy',
    'success [95 %]',
    ...(canLose ? ['ended'] : []),
    'grounded',
    'reward',
    'turns',
    'episodes',
    'difference from sft [95 %, paired]',
  ];
  return textTable(header, rows);
}

interface Row {
  /** Name of the policy. */
  readonly name: string;
  /** The world also ends without success (WebShop: any purchase), so the share of ended episodes is worth a column. */
  readonly canLose: boolean;
  readonly evaluations: BySeed;
  readonly difference: string;
}

function evaluationRow(setting: Setting, { name, canLose, evaluations, difference }: Row): string[] {
  const list = [...evaluations.values()];
  return [
    setting.split,
    playName(setting.temperature),
    name,
    `${percent(mean(list.map((one) => one.success)))} ${intervalOf(evaluations)}`,
    ...(canLose ? [percent(mean(list.map((one) => one.ended)))] : []),
    percent(mean(list.map((one) => one.grounded))),
    mean(list.map((one) => one.reward)).toFixed(3),
    mean(list.map((one) => one.turns)).toFixed(1),
    String(list.reduce((sum, one) => sum + one.episodes, 0)),
    difference,
  ];
}

/** One seed of one sample a game: Wilson's interval. Otherwise a bootstrap over games, and over seeds where there are several. */
function intervalOf(evaluations: BySeed): string {
  const [only] = evaluations.values();
  const interval = evaluations.size === 1 && only?.interval ? only.interval : successOf(evaluations);
  return interval === undefined ? '' : `[${(100 * interval.low).toFixed(1)}, ${(100 * interval.high).toFixed(1)}]`;
}

function differenceOf(before: BySeed, after: BySeed): string {
  const difference = compare(before, after);
  if (difference === undefined) return '';
  return `${signed(difference.estimate)} [${signed(difference.low)}, ${signed(difference.high)}] points`;
}

function typeTable(sides: Sides): string {
  const setting = settingsOf(sides).at(-1);
  if (setting === undefined) return '';
  const before = [...at(sides.base, setting).values()];
  const after = [...at(sides.trained, setting).values()];
  const types = [...new Set([...before, ...after].flatMap((one) => Object.keys(one.byType)))].sort();
  const cell = (list: readonly Evaluation[], type: string): string =>
    list.length === 0 ? '' : percent(mean(list.flatMap((one) => one.byType[type]?.success ?? [])));
  const rows = types.map((type) => {
    const played = after.length === 0 ? before : after;
    const episodes = played.reduce((sum, one) => sum + (one.byType[type]?.episodes ?? 0), 0);
    return [type, cell(before, type), cell(after, type), String(episodes)];
  });
  return textTable([`${setting.split}, ${playName(setting.temperature)}`, 'sft', sides.scheme, 'episodes'], rows);
}

function estimatorTable(plan: Plan, results: ReadonlyMap<string, FinishedStage>): string {
  const number = (value: unknown): string => (typeof value === 'number' ? value.toFixed(3) : '–');
  const rows = plan.nodes
    .filter((node) => node.stage === 'estimate')
    .flatMap((node) => {
      const summary = results.get(node.id)?.summary;
      if (summary === undefined) return [];
      const { heldOutMse, heldOutExplainedVariance, heldOutProgressRank, heldOutTurnRank, heldOutEpisodes } = summary;
      return [
        [
          node.id,
          number(heldOutMse),
          number(heldOutExplainedVariance),
          number(heldOutProgressRank),
          number(heldOutTurnRank),
          String(heldOutEpisodes),
        ],
      ];
    });
  if (rows.length === 0) return '';
  const header = [
    'estimator, on held-out games',
    'MSE',
    'explained variance',
    'rank correlation with true progress',
    'of the turn number',
    'episodes',
  ];
  return textTable(header, rows);
}
