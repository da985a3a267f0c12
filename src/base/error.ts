/**
 * Named errors: every failure that crosses a boundary is a SpaError that says where, what is, what must be and what to do.
 * Argument errors stay TypeError / RangeError / SyntaxError; see the house rules on errors in README.md.
 */

/** The boundary an error crossed; decides how the CLI reports it. */
export type Boundary = 'manifest' | 'config' | 'stage' | 'store' | 'environment' | 'model' | 'track' | 'data';

/** Details of a {@link SpaError} beyond its message. */
export interface SpaErrorOptions {
  /** What the user can do about it; printed on its own line. */
  readonly hint?: string;
  /** The error underneath. */
  readonly cause?: unknown;
  /** True if the user's input is at fault (exit code 2), false if the work failed (exit code 1). Default false. */
  readonly badInput?: boolean;
}

/** An error named after the boundary it crossed. Message form: `Cannot <verb> <object> "<name>": <is>, expected <must be>`. */
export class SpaError extends Error {
  readonly boundary: Boundary;
  readonly hint: string | undefined;
  readonly badInput: boolean;

  constructor(boundary: Boundary, message: string, options: SpaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = `${boundary[0]!.toUpperCase()}${boundary.slice(1)}Error`;
    this.boundary = boundary;
    this.hint = options.hint;
    this.badInput = options.badInput ?? false;
  }
}

/** Makes the error for input the user must change (exit code 2). */
export function badInput(
  boundary: Boundary,
  message: string,
  options: Omit<SpaErrorOptions, 'badInput'> = {},
): SpaError {
  return new SpaError(boundary, message, { ...options, badInput: true });
}

/**
 * Runs `body`; an error that has no boundary yet becomes a SpaError of this one, an error already named passes unchanged.
 * @param context How the message begins, e.g. `Cannot read game "pick_…/game.tw-pddl"`.
 */
export async function boundary<T>(name: Boundary, context: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof SpaError) throw error;
    throw new SpaError(name, `${context}: ${messageOf(error)}`, { cause: error });
  }
}

/** Returns the message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
