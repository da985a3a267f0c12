/**
 * Reads the action in what an agent wrote. Tolerant where nothing is lost: code fences, quotes, a full stop, what follows the first
 * line. The released parser takes everything after the first `Action:`; its second line, if any, then makes the action fail.
 */
import type { PromptOptions } from './prompt.ts';

/** What an agent meant. */
export interface ParsedAction {
  /** The reasoning before the action; empty if there is none. */
  readonly thought: string;
  /** One line; empty if no action was found. */
  readonly action: string;
  /** True if the text has the form asked for: exactly one `Action:` with something after it, or one bare line. */
  readonly wellFormed: boolean;
}

const label = /action\s*:/gi;

/**
 * Reads one reply. Never throws.
 * `react`: the first line after the first `Action:` (any case) that is not empty; without the label there is no action.
 * `action-only`: the first line that is not empty.
 */
export function parseAction(prompt: Pick<PromptOptions, 'format'>, text: string): ParsedAction {
  if (prompt.format === 'action-only') {
    const action = cleanAction(text);
    return { thought: '', action, wellFormed: action !== '' && action === text.trim() };
  }
  const labels = [...text.matchAll(label)];
  const [first] = labels;
  if (first === undefined) return { thought: cleanThought(text), action: '', wellFormed: false };
  const action = cleanAction(text.slice(first.index + first[0].length));
  return {
    thought: cleanThought(text.slice(0, first.index)),
    action,
    wellFormed: labels.length === 1 && action !== '',
  };
}

/** How a game wants an object put down. */
export type PutWording = 'put' | 'move';

/**
 * Rewrites the ways of putting something down to the one an ALFWorld game understands: `put X in Y`, `put X on Y`, `put X in/on Y` and
 * `move X to Y` become `put X in/on Y` or `move X to Y`. Other actions are returned as they are.
 * @param wording What the game's grammar says: `put` up to ALFWorld 0.3.5, `move` from 0.4.0.
 */
export function rewritePut(action: string, wording: PutWording): string {
  const name = '(\\p{L}+ \\d+)';
  const pattern = `^(?:put ${name} (?:in/on|into|onto|in|on) ${name}|move ${name} to ${name})$`;
  const match = new RegExp(pattern, 'iu').exec(action.trim());
  if (match === null) return action;
  const thing = match[1] ?? match[3];
  const place = match[2] ?? match[4];
  return wording === 'put' ? `put ${thing} in/on ${place}` : `move ${thing} to ${place}`;
}

/** Takes the first line with content and removes what wraps it, until nothing more comes off. */
function cleanAction(text: string): string {
  const lines = text.split(/[\r\n]+/).map(unwrap);
  return lines.find((line) => line !== '') ?? '';
}

function unwrap(line: string): string {
  let before: string;
  let inner = line.trim();
  do {
    before = inner;
    inner = inner
      .replace(/^```\w*$|^```|```$/g, '')
      .replace(/^(["'`*])(.*)\1$/, '$2')
      .replace(/[.]+$/, '')
      .trim();
  } while (inner !== before);
  return inner;
}

function cleanThought(text: string): string {
  return text
    .replace(/^\s*thought\s*:/i, '')
    .replace(/\s*```\w*\s*$/, '')
    .trim();
}
