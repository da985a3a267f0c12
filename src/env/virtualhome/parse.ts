/**
 * What an agent writes → an action and class names, exactly as the reference reads it: templates first, words apart otherwise. Everything is found
 * by looking for fixed words, so time grows with the length of the text only.
 * Source: SPA-RL `eval_agent/envs/virtualhome_env.py` `str2program_list` and the `parse` library it calls (non-greedy, anchored, case-blind).
 */
import { type ActionName, actionNames, templates } from './action.ts';

/** A program line: an action's name, known or not, and the classes it names. */
export interface Line {
  /** Upper case, e.g. `WALK`; of an unknown action the word as written. */
  readonly name: string;
  /** Class names, e.g. `dining_room`; 0 to 2. */
  readonly args: readonly string[];
}

/** Sentences split at their slots. `release {}` is left out: the reference's template has no slot and never matches. */
const patterns = actionNames
  .filter((name) => name !== 'RELEASE')
  .map((name) => ({ name, parts: templates[name].split('{}') }));

/** Reads an action. */
export function parseAction(text: string): Line {
  const line = afterColon(text.toLowerCase().trim());
  const found: { readonly name: ActionName; readonly args: readonly string[] }[] = [];
  for (const { name, parts } of patterns) {
    const args = matchParts(line, parts);
    if (args !== undefined) found.push({ name, args });
  }
  const [only, another] = found;
  if (only !== undefined && another === undefined)
    return { name: only.name, args: only.args.map((arg) => arg.replaceAll(' ', '_')) };
  return wordsApart(afterColon(text));
}

/** Writes a line as the reference does before it looks up instances, e.g. `[PUTBACK] <cup> (1) <table> (1)`. */
export function writeLine({ name, args }: Line): string {
  return [`[${name}]`, ...args.map((arg) => `<${arg}> (1)`)].join(' ');
}

function afterColon(line: string): string {
  const colon = line.indexOf(':');
  return colon === -1 ? line : line.slice(colon + 1).trim();
}

/** Matches text around the slots; each slot takes as little as it can but at least one character, the last one the rest. */
function matchParts(line: string, parts: readonly string[]): readonly string[] | undefined {
  const [start, ...rest] = parts;
  if (start === undefined || !line.startsWith(start)) return undefined;
  const [between, end] = rest;
  if (between === undefined) return line === start ? [] : undefined;
  if (end === undefined) return line.length > start.length ? [line.slice(start.length)] : undefined;
  const at = line.indexOf(between, start.length + 1);
  const second = at + between.length;
  return at === -1 || second >= line.length ? undefined : [line.slice(start.length, at), line.slice(second)];
}

function wordsApart(line: string): Line {
  if (line === '') return { name: 'EMPTY', args: [] };
  const words = line.split(' ');
  const name = words[0]!.toUpperCase(); // split gives at least one word
  return { name, args: words.length <= 3 ? words.slice(1) : [words.slice(1).join('_')] };
}
