import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { badInput, boundary, messageOf, SpaError } from '../../src/base/error.ts';
import { assertWritable, readTextIfPresent, writeFileAtomic, writeJson } from '../../src/base/file.ts';
import { mapLimit } from '../../src/base/limit.ts';
import { editDistance, nearest } from '../../src/base/suggest.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-base-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeFileAtomic()', () => {
  it('makes the folder, replaces the content and leaves nothing else behind', async () => {
    const path = join(folder, 'a/b.txt');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(join(folder, 'a'))).toEqual(['b.txt']);
  });

  it('keeps the old content when the new one cannot be put in place', async () => {
    await writeFile(join(folder, 'file'), 'old');
    await expect(writeFileAtomic(join(folder, 'file/inside'), 'new')).rejects.toThrow();
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('old');
  });
});

describe('writeJson()', () => {
  it('refuses NaN instead of writing null', async () => {
    await expect(writeJson(join(folder, 'x.json'), { a: Number.NaN })).rejects.toThrow(TypeError);
    expect(await readTextIfPresent(join(folder, 'x.json'))).toBeUndefined();
  });
});

describe('assertWritable()', () => {
  it('makes the folder and leaves it empty', async () => {
    await assertWritable(join(folder, 'x/y'));
    expect(await readdir(join(folder, 'x/y'))).toEqual([]);
  });

  it('rejects where a file is in the way', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(assertWritable(join(folder, 'file/x'))).rejects.toThrow();
  });
});

describe('boundary()', () => {
  it('names an error once and keeps its cause', async () => {
    const cause = new Error('disk full');
    const named = await boundary('store', 'Cannot publish', () => Promise.reject(cause)).catch((error) => error);
    expect(named).toBeInstanceOf(SpaError);
    expect(messageOf(named)).toBe('Cannot publish: disk full');
    expect(named.cause).toBe(cause);
    const again = await boundary('data', 'Cannot read', () => Promise.reject(named)).catch((error) => error);
    expect(again).toBe(named);
  });

  it('lets bad input keep its mark', () => {
    expect(badInput('manifest', 'm', { hint: 'h' })).toMatchObject({
      badInput: true,
      hint: 'h',
      name: 'ManifestError',
    });
  });
});

describe('mapLimit()', () => {
  it('keeps the order and never runs more than the limit', async () => {
    let running = 0;
    let most = 0;
    const results = await mapLimit([30, 10, 20, 5], 2, async (value) => {
      running += 1;
      most = Math.max(most, running);
      for (let i = 0; i < value; i++) await Promise.resolve();
      running -= 1;
      return value * 2;
    });
    expect(results).toEqual([60, 20, 40, 10]);
    expect(most).toBe(2);
  });

  it('rejects with the first failure', async () => {
    await expect(mapLimit([1, 2], 1, (n) => Promise.reject(new Error(`no ${n}`)))).rejects.toThrow('no 1');
  });
});

describe('nearest()', () => {
  it('counts insertions, deletions and substitutions', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3); // k→s, e→i, +g
  });

  it('suggests a near word and stays silent about a far one', () => {
    expect(nearest('explor', ['explore', 'sft'])).toBe('explore');
    expect(nearest('banana', ['explore', 'sft'])).toBeUndefined();
  });
});
