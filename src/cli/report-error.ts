/** How an error reaches the user: its message, then what to do; the stack only with SPA_DEBUG set. */
import { messageOf, SpaError } from '../base/error.ts';

/** Returns the lines of an error. */
export function errorLines(error: unknown): string[] {
  const lines = messageOf(error).split('\n');
  if (error instanceof SpaError && error.hint !== undefined) lines.push(`Hint: ${error.hint}`);
  if (process.env.SPA_DEBUG) lines.push(...stackLines(error));
  else if (!(error instanceof SpaError)) lines.push('Hint: set SPA_DEBUG=1 to see where it comes from');
  return lines;
}

/** Returns the exit code of an error: 2 if the user's input is at fault, else 1. */
export function exitCodeOf(error: unknown): number {
  return error instanceof SpaError && error.badInput ? 2 : 1;
}

function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const below = error.cause === undefined ? [] : ['Caused by:', ...stackLines(error.cause)];
  return [...(error.stack ?? '').split('\n'), ...below];
}
