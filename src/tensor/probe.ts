/**
 * Entry of a process that tries one engine and dies: native code that crashes or prints takes nothing else with it. It is told the
 * engine's name over IPC and answers with the verdict.
 */
import { fileURLToPath } from 'node:url';
import { messageOf, SpaError } from '../base/error.ts';
import type { EngineName } from './program.ts';
import { type SelfTest, selfTest } from './self-test.ts';

/** What the process answers. */
export type ProbeAnswer =
  | { readonly selfTest: SelfTest }
  | { readonly reason: string; readonly hint: string | undefined };

/** Tests an engine in this process; never throws. */
export async function answer(engine: EngineName): Promise<ProbeAnswer> {
  try {
    return { selfTest: await selfTest({ engine }) };
  } catch (error) {
    return { reason: messageOf(error), hint: error instanceof SpaError ? error.hint : undefined };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (engine: EngineName) => {
    void answer(engine).then((result) => process.send?.(result, () => process.exit(0)));
  });
  process.once('disconnect', () => process.exit(1));
}
