/** The released prm/rl_data_org.py against a run of the script itself, and its sampling against CPython (python_random.json). */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPythonRandom } from '../../src/base/python-random.ts';
import { type AnnotatedRecord, ppoRows, releasedLimits } from '../../src/rl/released-data.ts';

const path = new URL('../../../shared/spec/golden/rl_data_org.json', import.meta.url);
const randomPath = new URL('../../../shared/spec/golden/python_random.json', import.meta.url);

interface Rows {
  prompt: string[][];
  response: string[][];
  reward: number[][];
}

describe.skipIf(!existsSync(path))('ppoRows() (../shared/spec/golden; skipped when absent)', () => {
  it('gives what the script gives, and counts what it drops silently', () => {
    const golden = JSON.parse(readFileSync(path, 'utf8')) as { in: AnnotatedRecord[]; out: Rows };
    const { dropped, ...rows } = ppoRows(golden.in);
    expect(rows).toEqual(golden.out);
    expect(dropped).toBe(1);
  });
});

describe('ppoRows()', () => {
  const record = (id: number, turns: number): AnnotatedRecord => ({
    id,
    iteration: 0,
    agent_final_reward: 1,
    conversations: Array.from({ length: 2 * turns }, (_, i) =>
      i % 2 === 0 ? { from: 'human', value: `${id}` } : { from: 'gpt', value: 'b' },
    ),
    turn_values: Array.from({ length: turns }, () => 0),
  });

  it('samples, then drops long episodes, then takes the first rows', () => {
    const records = Array.from({ length: 50 }, (_, id) => record(id, id === 7 ? 3 : 2));
    const limits = { ...releasedLimits, sampleAbove: 49, sampleSize: 5, maxTurns: 3, rows: 3 };
    // CPython: random.seed(42); random.sample(range(50), 5) = [40, 7, 1, 47, 17]; 7 is too long
    const ids = ppoRows(records, limits).prompt.map((prompt) => /\n\n(\d+)</.exec(prompt[0]!)![1]);
    expect(ids).toEqual(['40', '1', '47']);
  });

  it('refuses a conversation that does not end with the agent', () => {
    const odd = record(1, 2);
    expect(() => ppoRows([{ ...odd, conversations: odd.conversations.slice(0, 3) }])).toThrow(
      new RangeError('Cannot pair episode "1": it has 3 messages, expected an even number'),
    );
  });
});

describe.skipIf(!existsSync(randomPath))('createPythonRandom() (../shared/spec/golden; skipped when absent)', () => {
  interface Golden {
    shuffle: { seed: number; n: number; sha256OfJson: string }[];
    sample: { seed: number; n: number; k: number; sha256OfJson: string }[];
    random5: number[];
    getrandbits14x10: number[];
  }
  const golden = (): Golden => JSON.parse(readFileSync(randomPath, 'utf8')) as Golden;
  const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

  it('shuffles and samples as CPython', () => {
    for (const { seed, n, sha256OfJson } of golden().shuffle) {
      expect(digest(createPythonRandom(seed).shuffle(range(n)))).toBe(sha256OfJson);
    }
    for (const { seed, n, k, sha256OfJson } of golden().sample) {
      expect(digest(createPythonRandom(seed).sample(range(n), k))).toBe(sha256OfJson);
    }
  });

  it('draws the numbers of CPython', () => {
    const numbers = createPythonRandom(233);
    expect(golden().random5.map(() => numbers.random())).toEqual(golden().random5);
    const bits = createPythonRandom(233);
    expect(golden().getrandbits14x10.map(() => bits.getrandbits(14))).toEqual(golden().getrandbits14x10);
  });
});
