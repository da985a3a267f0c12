/** Ctrl-C: once asks every stage to stop at its next safe point, twice ends everything now. SIGTERM counts as one Ctrl-C. */
import { killStages } from '../runner/local.ts';

/** Exit code of an interrupted command, as shells have it: 128 + SIGINT. */
export const INTERRUPTED = 130;

/** Listens for signals until disposed. */
export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

/** Starts to listen. @param say Tells the user what the first Ctrl-C does. */
export function listenForInterrupt(say: (line: string) => void): Interrupt {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) {
      killStages();
      process.exit(INTERRUPTED);
    }
    say('Interrupted: stages stop at their next safe point and keep what they have; press Ctrl-C again to end now');
    controller.abort(new Error('interrupted'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, stop);
    },
  };
}
