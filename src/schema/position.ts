/**
 * Finds the line of a field in the source of a manifest. YAML and JSON are parsed, so the line is exact. TypeScript and JavaScript
 * are searched: keys of object literals are followed through braces and calls; a field that comes from a variable, a spread or
 * another file is placed at its nearest enclosing key that can be seen, which is a good guess and no more.
 */
import type { Document, LineCounter } from 'yaml';

/** The text a value was read from. */
export interface SourceText {
  readonly text: string;
  readonly format: 'yaml' | 'script';
}

/** Finds lines of field paths, e.g. `['ppo', 'learningRate']`; undefined if not even a part of the path can be found. */
export type LineFinder = (path: readonly string[]) => number | undefined;

/** Prepares the search of one source; lines count from 1. */
export async function lineFinder(source: SourceText): Promise<LineFinder> {
  return source.format === 'yaml' ? yamlFinder(source.text) : scriptFinder(source.text);
}

async function yamlFinder(text: string): Promise<LineFinder> {
  const { LineCounter, isMap, parseDocument } = await import('yaml');
  const lineCounter: LineCounter = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter, keepSourceTokens: true });
  const lineOf = (offset: number | undefined): number | undefined =>
    offset === undefined ? undefined : lineCounter.linePos(offset).line;
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
      if (isMap(parent)) {
        const pair = parent.items.find((item) => keyText(item.key) === path[length - 1]);
        if (pair !== undefined) return lineOf(offsetOf(pair.key));
      } else {
        const item = document.getIn(path.slice(0, length), true);
        if (offsetOf(item) !== undefined) return lineOf(offsetOf(item));
      }
    }
    return undefined;
  };
}

const keyText = (key: unknown): string => String((key as { value?: unknown } | null)?.value ?? key); // a Scalar or a plain key

const offsetOf = (node: unknown): number | undefined =>
  (node as { range?: readonly number[] } | null | undefined)?.range?.[0]; // yaml nodes carry [start, value end, node end]

function scriptFinder(text: string): LineFinder {
  const lines = scriptKeys(text);
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(path.slice(0, length).join('.'));
      if (line !== undefined) return line;
    }
    return undefined;
  };
}

/** Words, strings, comments and punctuation; everything else is skipped. */
const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|[\w$]+|[^\s\w$]/g;

/** Returns dotted path of object keys -> line. The last object that has a path wins: `export default` comes last. */
function scriptKeys(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const frames: { readonly open: string; readonly key: string | undefined }[] = [];
  let pending: string | undefined;
  let word: { readonly text: string; readonly line: number } | undefined;
  let beforeWord = '';
  let previous = '';
  let line = 1;
  let end = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    for (; end < index; end++) if (text[end] === '\n') line += 1;
    if (token.startsWith('//') || token.startsWith('/*')) continue;
    const keyPlace = frames.at(-1)?.open === '{' && (beforeWord === '{' || beforeWord === ',');
    if (word !== undefined && keyPlace && (token === ':' || token === ',' || token === '}')) {
      const path = [...frames.map((frame) => frame.key), word.text].filter((key) => key !== undefined).join('.');
      lines.set(path, word.line);
      if (token === ':') pending = word.text;
    }
    word = undefined;
    if (/^[\w$'"]/.test(token)) {
      word = { text: token.replace(/^['"]|['"]$/g, ''), line };
      beforeWord = previous;
    } else if ('{[('.includes(token)) {
      frames.push({ open: token, key: pending });
      pending = undefined;
    } else if ('}])'.includes(token)) frames.pop();
    else if (token === ',' || token === ';') pending = undefined;
    previous = token;
  }
  return lines;
}
