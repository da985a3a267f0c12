/**
 * Compiled programs by shape, the least recently used given up first: each holds a session with working memory of its own
 * (about 280 MB for a training step of 4096 tokens at D = 128), so an unbounded number would not do.
 */
import type { Program } from '../tensor/compile.ts';

/** Programs that are compiled when first asked for. */
export interface ProgramCache {
  /** Returns the program of a key, compiling it with `make` if it is not there. Failures are not kept. */
  get(key: string, make: () => Promise<Program>): Promise<Program>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Creates a cache of at most `limit` programs. */
export function createProgramCache(limit: number): ProgramCache {
  const programs = new Map<string, Promise<Program>>(); // in order of last use
  const release = async (program: Promise<Program>): Promise<void> => {
    const [result] = await Promise.allSettled([program]); // whoever asked for a failed program has seen its error
    if (result.status === 'fulfilled') await result.value[Symbol.asyncDispose]();
  };
  return {
    async get(key, make) {
      const known = programs.get(key);
      programs.delete(key);
      const program = known ?? make();
      programs.set(key, program);
      const [oldest] = programs;
      if (programs.size > limit && oldest !== undefined) {
        programs.delete(oldest[0]);
        await release(oldest[1]);
      }
      try {
        return await program;
      } catch (error) {
        if (programs.get(key) === program) programs.delete(key);
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      const all = [...programs.values()];
      programs.clear();
      await Promise.all(all.map(release));
    },
  };
}
