/**
 * Killed anywhere, the same command ends with the same bits as a run that nothing disturbed. A resumed run gives its stages other
 * numbers of threads, because fewer of them run side by side: the bits must not depend on that either.
 */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { contentOf, newFolder, readRun, runTiny, stages, startTiny } from './pipeline.ts';
import { killGroup } from './process.ts';

let folder: string;
beforeEach(async () => {
  folder = await newFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a run of which every process is killed', () => {
  let undisturbed: string;
  let reference: Awaited<ReturnType<typeof contentOf>>;
  let tables: string;
  beforeAll(async () => {
    undisturbed = await newFolder();
    const run = await runTiny(undisturbed);
    expect(run.code).toBe(0);
    reference = await contentOf(undisturbed);
    tables = run.tables;
  });
  afterAll(() => rm(undisturbed, { recursive: true, force: true }));

  const started = (stage: string): string => `"type":"started","node":"${stage}/seed=1"`;
  const metrics = (stage: string, step = 0): string => `"type":"metrics","node":"${stage}/seed=1","step":${step}`;
  const progress = (stage: string): string => `"type":"progress","node":"${stage}/seed=1"`;

  /** What each stage says when it has done a part of its work. */
  const moments: Record<(typeof stages)[number], string> = {
    demonstrate: started('demonstrate'),
    sft: metrics('sft', 100),
    'evaluate:sft': metrics('evaluate:sft'), // the first of four files is played
    explore: progress('explore'),
    estimate: metrics('estimate'),
    attribute: progress('attribute'),
    optimise: metrics('optimise'),
    evaluate: metrics('evaluate'),
  };

  it.each(stages)('in the middle of %s ends with the same tables, weights and episodes', async (stage) => {
    const run = startTiny(folder);
    await run.said(moments[stage]);
    await killGroup(run);
    const resumed = await runTiny(folder);
    expect(resumed.code).toBe(0);
    expect(resumed.statuses[stage]).toBe('run');
    expect(resumed.tables).toBe(tables);
    expect(await contentOf(folder)).toEqual(reference);
  });

  it.each(['sft', 'explore', 'optimise'] as const)('or that Ctrl-C stops in the middle of %s, too', async (stage) => {
    const run = startTiny(folder);
    await run.said(moments[stage]);
    process.kill(-run.child.pid!, 'SIGINT');
    const stopped = readRun(await run.ended);
    expect(stopped).toMatchObject({ code: 130, statuses: { [stage]: 'interrupted', evaluate: 'skipped' } });
    const resumed = await runTiny(folder);
    expect(resumed).toMatchObject({ code: 0, tables });
    expect(await contentOf(folder)).toEqual(reference);
  });
});

describe('a training of which every process is killed after a checkpoint', () => {
  const words = ['--only', 'sft', '--set', 'sft.epochs=400']; // about a minute: a loop saves itself every 20 s

  it('goes on from the checkpoint and ends with the same weights', async () => {
    const run = startTiny(folder, words);
    const partial = join(folder, 'runs/store/.partial');
    const isSaved = async (): Promise<boolean> => {
      const names = await readdir(partial).catch(() => []);
      return names.some((name) => existsSync(join(partial, name, '.checkpoint-sft/trainer.safetensors')));
    };
    await Promise.race([
      expect.poll(isSaved, { timeout: 300_000, interval: 50 }).toBe(true),
      run.ended.then(() => expect.fail('it ended before its first checkpoint')),
    ]);
    await killGroup(run);
    const resumed = await runTiny(folder, words);
    expect(resumed.statuses).toEqual({ demonstrate: 'cached', sft: 'run' });
    const steps = resumed.events.filter(({ type }) => type === 'metrics').map(({ step }) => step!);
    expect(steps[0]).toBeGreaterThan(0);
    const resumedContent = await contentOf(folder);
    await rm(join(folder, 'runs'), { recursive: true });
    const whole = await runTiny(folder, words);
    expect(whole.events.find(({ type }) => type === 'metrics')?.step).toBe(0);
    expect(await contentOf(folder)).toEqual(resumedContent);
  });
});
