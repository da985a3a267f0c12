/**
 * The two data scripts of the released pipeline as functions: what it keeps of an explored episode, and the rows it trains PPO on.
 * They exist to reproduce it; `turnRewards` is what experiments use.
 * Source: WangHanLinHenry/SPA-RL-Agent prm/data_org.py and prm/rl_data_org.py.
 */
import { createPythonRandom } from '../base/python-random.ts';
import { turnRewards } from './reward.ts';

/** An explored episode as the released exploration scripts write it. */
export interface ExplorationRecord {
  readonly id: number | string;
  readonly iteration: number;
  readonly agent_conversations: readonly { readonly role: string; readonly content: string }[];
  readonly agent_final_reward: number | boolean | null;
  readonly success?: boolean;
}

/** A message in the released training files. */
export interface TaggedMessage {
  readonly from: 'human' | 'gpt';
  readonly value: string;
}

/** An episode as the released estimator reads it. */
export interface OrganisedRecord {
  readonly conversations: readonly TaggedMessage[];
  readonly agent_final_reward: number | boolean | null;
  readonly id: number | string;
  readonly iteration: number;
  /** Absent where the world's script did not write it; the released code fails there. */
  readonly success?: boolean;
}

/**
 * Keeps the instruction and its answer, drops the worked example, trims, and drops a human message at the end.
 * @param prefixMessages Messages before the task: 10 in WebShop, 12 in ALFWorld and VirtualHome. The released code uses 10 for all.
 */
export function reorganise(records: readonly ExplorationRecord[], prefixMessages: number): OrganisedRecord[] {
  return records.map((record) => {
    const kept = record.agent_conversations.filter((_, index) => index < 2 || index >= prefixMessages);
    const conversations = kept.map(
      ({ role, content }): TaggedMessage => ({ from: role === 'user' ? 'human' : 'gpt', value: content.trim() }),
    );
    if (conversations.at(-1)?.from === 'human') conversations.pop();
    const { agent_final_reward, id, iteration, success } = record;
    return { conversations, agent_final_reward, id, iteration, ...(success === undefined ? {} : { success }) };
  });
}

/** An episode with the estimator's value of each turn. */
export interface AnnotatedRecord extends OrganisedRecord {
  readonly turn_values: readonly number[];
}

/** The columns PPO is trained on: one row per episode, one entry per turn. */
export interface PpoRows {
  readonly prompt: string[][];
  readonly response: string[][];
  readonly reward: number[][];
  /** Episodes left out because their values do not match their turns (they were truncated). */
  readonly dropped: number;
}

/** The released script's numbers; its comments give others. */
export const releasedLimits = { sampleAbove: 8000, sampleSize: 4200, seed: 42, maxTurns: 35, rows: 1596 } as const;

const header = (role: string): string => `<|start_header_id|>${role}<|end_header_id|>\n\n`;

/**
 * Makes the rows: prompt and response of each turn in Llama 3's format, and the `released` reward with its text test of grounding.
 * Then, above `sampleAbove` rows, `sampleSize` of them; of those with fewer than `maxTurns` turns the first `rows`.
 * @throws {RangeError} If a conversation does not alternate to an even length.
 */
export function ppoRows(
  records: readonly AnnotatedRecord[],
  limits: { readonly [K in keyof typeof releasedLimits]: number } = releasedLimits,
): PpoRows {
  const rows = records.flatMap((record) => rowOf(record, othersOf(record, records)) ?? []);
  const sampled =
    rows.length > limits.sampleAbove ? createPythonRandom(limits.seed).sample(rows, limits.sampleSize) : rows;
  const kept = sampled.filter((row) => row.reward.length < limits.maxTurns).slice(0, limits.rows);
  return {
    prompt: kept.map((row) => row.prompt),
    response: kept.map((row) => row.response),
    reward: kept.map((row) => row.reward),
    dropped: records.length - rows.length,
  };
}

function othersOf(record: AnnotatedRecord, records: readonly AnnotatedRecord[]): number[] {
  return records.filter((other) => other !== record && other.id === record.id).map(returnOf);
}

function returnOf(record: AnnotatedRecord): number {
  return Number(record.agent_final_reward ?? 0); // null: the first generation failed
}

function rowOf(record: AnnotatedRecord, otherReturns: readonly number[]) {
  const { conversations } = record;
  if (conversations.length % 2 === 1) {
    throw new RangeError(
      `Cannot pair episode "${record.id}": it has ${conversations.length} messages, expected an even number`,
    );
  }
  if (conversations.length !== 2 * record.turn_values.length) return undefined;
  const humans = conversations.filter((_, index) => index % 2 === 0);
  const agents = conversations.filter((_, index) => index % 2 === 1);
  const turns = agents.map((_, k) => ({ grounded: true, answer: humans[k + 1]?.value ?? '' }));
  const rewards = turnRewards(
    { turns, return: returnOf(record), otherReturns },
    { scheme: 'released', alpha: 1, beta: 0.5, grounding: 'bonus', groundingTest: 'text' },
  );
  return {
    prompt: humans.map(({ value }) => `${header('user')}${value}<|eot_id|>${header('assistant')}`),
    response: agents.map(({ value }) => `${value}<|eot_id|>`),
    reward: [...rewards],
  };
}
