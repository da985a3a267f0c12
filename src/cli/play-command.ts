/** The words a player can type that are not actions: they begin with `/` or `:`. */
import { nearest } from '../base/suggest.ts';

/** What each word does; the order is that of the help. */
export const playCommands = {
  help: 'this list',
  actions: '[words]  what the world would execute now, numbered; type a number to play it',
  more: 'the rest of that list',
  hint: 'what the expert would do now',
  expert: '[turns]  let the expert play on',
  compare: 'your turns beside those of the expert from the start',
  show: 'the last observation again',
  raw: 'switch between readable text and exactly what an agent sees',
  undo: '[turns]  take back',
  restart: 'begin this task again',
  next: 'the next task of the split',
  task: '<number or id>  another task',
  save: '[file]  write the game as text',
  quit: 'end (also Ctrl-D)',
} as const;

/** A command's name. */
export type PlayCommand = keyof typeof playCommands;

/** What a line means. */
export type Line =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'action'; readonly text: string }
  | { readonly kind: 'command'; readonly name: PlayCommand; readonly rest: string }
  | { readonly kind: 'unknown'; readonly word: string; readonly near: string | undefined };

const names = Object.keys(playCommands) as PlayCommand[]; // the keys of a constant

/** Reads a line. A unique beginning of a command is enough. */
export function parseLine(line: string): Line {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  if (!/^[/:]/.test(text)) return { kind: 'action', text };
  const [word = '', rest = ''] = /^[/:]\s*(\S*)\s*(.*)$/s.exec(text)?.slice(1) ?? [];
  const exact = names.find((name) => name === word);
  const begun = names.filter((name) => word !== '' && name.startsWith(word));
  const name = exact ?? (begun.length === 1 ? begun[0] : undefined);
  if (name !== undefined) return { kind: 'command', name, rest };
  if (word === '' || word === '?') return { kind: 'command', name: 'help', rest: '' };
  return { kind: 'unknown', word, near: nearest(word, names) ?? begun[0] };
}

/** Completes a line: commands after `/` or `:`, else actions. Returns candidates and the part they replace, as readline wants them. */
export function completeLine(line: string, actions: readonly string[]): [string[], string] {
  const mark = /^[/:]/.exec(line)?.[0];
  if (mark !== undefined) return [names.map((name) => `${mark}${name}`).filter((name) => name.startsWith(line)), line];
  const lower = line.toLowerCase();
  return [actions.filter((action) => action.toLowerCase().startsWith(lower)), line];
}

/** Returns the lines of the help. */
export function helpLines(): string[] {
  const rows = Object.entries(playCommands).map(([name, text]) => {
    const [, words = '', does = text] = /^([[<].*?[\]>])\s+(.*)$/.exec(text) ?? [];
    return `  ${`/${name} ${words}`.padEnd(24)}${does}`;
  });
  return [
    'Type an action, the number of one, or:',
    ...rows,
    '',
    'Tab completes, the arrow keys bring back earlier lines.',
  ];
}
