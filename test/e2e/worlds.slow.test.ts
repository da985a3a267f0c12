/** The shipped stages in the other worlds, from end to end, on experiments of seconds. */
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newFolder, runTiny, stages } from './pipeline.ts';

let folder: string;
beforeEach(async () => {
  folder = await newFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const all = (status: string): Record<string, string> => Object.fromEntries(stages.map((stage) => [stage, status]));

describe.each(['webshop', 'virtualhome'])('the world %s', (world) => {
  it('runs every stage, and finds everything cached the second time', async () => {
    const words = ['--set', `environment.name=${world}`, '--set', 'model.maxLength=640'];
    const first = await runTiny(folder, words);
    expect(first).toMatchObject({ code: 0, statuses: all('run') });
    expect(first.tables).toMatch(/^valid_unseen +greedy +spa /m);
    expect(await runTiny(folder, words)).toMatchObject({ code: 0, statuses: all('cached'), tables: first.tables });
  });
});
