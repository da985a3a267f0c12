/**
 * What a game's own grammar text decides: the task sentence and the wording of the version that made it.
 * ALFWorld up to 0.3.5 says `put O in/on R` and `You arrive at loc N.`; from 0.4.0 `move O to R`, `You arrive at R.` and `help`.
 */

/** The wording of one game. */
export interface Dialect {
  /** `Your task is to: …` */
  readonly task: string;
  /** How an object is put down. */
  readonly put: 'put' | 'move';
  /** What an arrival names. */
  readonly arrival: 'location' | 'receptacle';
  /** The answer to `help`; undefined if the game has no such command. */
  readonly help: string | undefined;
}

/**
 * Reads the dialect of a grammar text.
 * @throws {SyntaxError} If it has no task sentence.
 */
export function readDialect(grammar: string): Dialect {
  const task = ruleOf(grammar, 'task');
  if (task === undefined) throw new SyntaxError('Cannot read game grammar: it has no "task" rule, expected one');
  return {
    task,
    put: /action\s+PutObject\s*\{\s*template\s*::\s*"move /.test(grammar) ? 'move' : 'put',
    arrival: ruleOf(grammar, 'GotoLocation.feedback')?.includes('{r.name}') ? 'receptacle' : 'location',
    help: ruleOf(grammar, 'help.feedback'),
  };
}

/** Returns the first right-hand side of a rule. */
function ruleOf(grammar: string, name: string): string | undefined {
  const start = grammar.indexOf(`"${name}":`);
  if (start < 0) return undefined;
  const match = /"rhs"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(grammar.slice(start, start + 4000));
  return match === null ? undefined : (JSON.parse(match[1]!) as string); // the pattern admits only a JSON string
}
