/** `spa export`: which policy of which run is taken, and what is refused. What is written: test/stage/export-policy.test.ts. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeJson } from '../../src/base/file.ts';
import { exportCommand } from '../../src/cli/export.ts';
import { saveAdapters } from '../../src/nn/adapter-file.ts';
import { loadModel } from '../../src/nn/checkpoint.ts';
import { createAdapters, loraLayout } from '../../src/nn/lora.ts';
import { createModel } from '../../src/nn/model.ts';
import { resultFolder } from '../../src/runner/store.ts';
import { writePolicy } from '../../src/stage/policy.ts';
import { embeddedSpecials } from '../../src/text/chat-template.ts';
import { trainTokenizer } from '../../src/text/train-tokenizer.ts';
import { largestDifference, tinyConfig } from '../nn/support.ts';

const config = { ...tinyConfig, vocabSize: 300 };
const nodes = [
  { id: 'sft/seed=1', stage: 'sft', key: 'a'.repeat(64), inputs: {}, params: {} },
  { id: 'optimise/seed=1', stage: 'optimise', key: 'b'.repeat(64), inputs: { policy: 'sft/seed=1' }, params: {} },
  { id: 'evaluate/seed=1', stage: 'evaluate', key: 'c'.repeat(64), inputs: { policy: 'optimise/seed=1' }, params: {} },
] as const;
const folderOf = (node: (typeof nodes)[number]): string => resultFolder(join(folder, 'runs', 'store'), node);

let folder: string;
let home: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-export-'));
  home = process.cwd();
  process.chdir(folder);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const specials = [...embeddedSpecials];
  const tokenizer = trainTokenizer(['go to desk 1'], { kind: 'word', vocabSize: 300, phrases: 0, specials });
  for (const [seed, node] of nodes.slice(0, 2).entries())
    await writePolicy(join(folderOf(node), 'policy'), { model: createModel(config, [], seed), tokenizer });
  const lora = { rank: 2, alpha: 4, targets: ['q_proj'] };
  const adapters = createAdapters(loraLayout(config, lora), 1);
  await saveAdapters(join(folderOf(nodes[1]), 'adapter'), { lora, adapters, config });
  const record = { format: 1, id: '20260101-000000-abcd', experiment: 'tiny', nodes, status: 'finished' };
  await writeJson(join(folder, 'runs', 'tiny', record.id, 'run.json'), { ...record, startedAt: '2026-01-01' });
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.chdir(home);
  await rm(folder, { recursive: true });
});

/** Tells which seed the model in a folder was made from. */
async function seedOf(path: string): Promise<number> {
  const { parameters } = await loadModel(path);
  return [0, 1].findIndex((seed) => largestDifference(parameters, createModel(config, [], seed).parameters) === 0);
}

describe('spa export', () => {
  it('takes the last policy of a run, or that of a stage, or a folder', async () => {
    const options = { dtype: 'float32' } as const;
    expect(await exportCommand('tiny', { ...options, to: 'last' })).toBe(0);
    await exportCommand('last', { ...options, to: 'first', stage: 'sft' });
    expect(existsSync('last/config.json')).toBe(true); // which does not hide the run called last, asked for above
    await exportCommand(folderOf(nodes[0]), { ...options, to: 'folder' });
    expect([await seedOf('last'), await seedOf('first'), await seedOf('folder')]).toEqual([1, 0, 0]);
  });

  it('takes adapters and names the policy they were trained from', async () => {
    expect(await exportCommand('tiny', { to: 'out', dtype: 'float32', adapter: true })).toBe(0);
    const json = JSON.parse(await readFile('out/adapter_config.json', 'utf8'));
    expect(json.base_model_name_or_path).toBe(join(folderOf(nodes[0]), 'policy'));
  });

  it('refuses what is not there and writes nothing', async () => {
    const refused = (name: string, options: { stage?: string; adapter?: boolean }) =>
      expect(exportCommand(name, { to: 'out', dtype: 'float32', ...options })).rejects;
    await refused('tiny', { stage: 'nope' }).toThrow(
      'Cannot export run "20260101-000000-abcd": "nope" has kept no policy, expected one of sft/seed=1, optimise/seed=1',
    );
    await refused('tiny', { stage: 'sft', adapter: true }).toThrow(
      'Cannot export run "20260101-000000-abcd": "sft" has kept no adapter, expected one of optimise/seed=1',
    );
    await refused(folderOf(nodes[1]), { adapter: true }).toThrow('what they belong to is unknown, expected a run');
    await refused('other', {}).toThrow('Cannot find run "other"');
    expect(existsSync('out')).toBe(false);
  });
});
