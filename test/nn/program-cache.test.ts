/** The bounded cache of compiled programs. */
import { describe, expect, it } from 'vitest';
import { createProgramCache } from '../../src/nn/program-cache.ts';
import type { Program } from '../../src/tensor/compile.ts';

function fakePrograms() {
  const log: string[] = [];
  const make = (name: string) => async (): Promise<Program> => {
    log.push(`make ${name}`);
    return { outputs: {}, run: async () => ({}), [Symbol.asyncDispose]: async () => void log.push(`release ${name}`) };
  };
  return { log, make };
}

describe('createProgramCache()', () => {
  it('compiles once, gives up the least recently used and releases the rest at the end', async () => {
    const { log, make } = fakePrograms();
    const cache = createProgramCache(2);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.get(key, make(key));
    expect(log).toEqual(['make a', 'make b', 'make c', 'release b', 'make b', 'release c']);
    await cache[Symbol.asyncDispose]();
    expect(log.slice(6)).toEqual(['release a', 'release b']);
  });

  it('forgets a failure, so that it can be tried again', async () => {
    const { log, make } = fakePrograms();
    await using cache = createProgramCache(2);
    await expect(cache.get('a', () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
    await cache.get('a', make('a'));
    expect(log).toEqual(['make a']);
  });
});
