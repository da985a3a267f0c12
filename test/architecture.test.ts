/** Guards the direction of imports: a room imports only from lower levels, never from a sibling on its own level. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** Rooms by level, lowest first. */
const levels = [
  ['base'],
  ['schema'],
  ['text', 'env', 'tensor', 'rl', 'data', 'track', 'runner'],
  ['nn'],
  ['rollout'],
  ['stage'],
  ['report'],
  ['cli'],
];
const levelOf = new Map(levels.flatMap((rooms, level) => rooms.map((room) => [room, level] as const)));

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(ts|mjs)$/.test(file));

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1]!);
  return specifiers.map((specifier) => relative(source, normalize(join(source, dirname(file), specifier))));
}

describe('rooms', () => {
  it('import only from lower levels or from themselves', () => {
    const wrong: string[] = [];
    for (const file of files) {
      const room = file.split('/')[0]!;
      if (!file.includes('/')) continue; // src/index.ts is the door
      for (const imported of importsOf(file)) {
        const other = imported.split('/')[0]!;
        if (other === room) continue;
        if ((levelOf.get(other) ?? 99) >= (levelOf.get(room) ?? -1)) wrong.push(`${file} -> ${imported}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('have no import cycles between files', () => {
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const next of importsOf(file)) if (files.includes(next)) visit(next, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });
});
