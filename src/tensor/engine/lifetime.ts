/** The life of a program, the same for every engine: one run at a time, none after disposal, disposal once and after the last run. */
import { SpaError } from '../../base/error.ts';
import type { Program } from '../program.ts';

/** A program without the rules of its life. */
export interface BareProgram {
  readonly outputs: Program['outputs'];
  readonly run: Program['run'];
  release(): Promise<void>;
}

/** Adds the rules of its life to a program. */
export function withLifetime({ outputs, run, release }: BareProgram): Program {
  let last: Promise<unknown> = Promise.resolve();
  let released: Promise<void> | undefined;
  const after = <T>(body: () => Promise<T>): Promise<T> => {
    const next = last.then(body);
    last = next.catch(() => undefined); // the caller of that run has the error; the next run does not depend on it
    return next;
  };
  return {
    outputs,
    async run(feeds) {
      if (released !== undefined)
        throw new SpaError('model', 'Cannot run program: it has been disposed, expected a live program');
      return after(() => run(feeds));
    },
    [Symbol.asyncDispose]() {
      released ??= after(release);
      return released;
    },
  };
}
