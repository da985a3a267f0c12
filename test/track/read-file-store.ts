/** Reads a file store back, for tests; the real MLflow reads it in test/interop. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KeptRun } from '../contract/tracker.ts';

const statusOf: Record<number, KeptRun['status']> = { 1: 'RUNNING', 3: 'FINISHED', 4: 'FAILED', 5: 'KILLED' };

/** Reads the runs of an experiment in order of their names. */
export function readFileStore(root: string, experiment: string): KeptRun[] {
  const meta = (folder: string) => parse(readFileSync(join(folder, 'meta.yaml'), 'utf8')) as Record<string, never>; // ours
  const id = readdirSync(root).find((name) => /^\d+$/.test(name) && meta(join(root, name)).name === experiment);
  if (id === undefined) return [];
  const ids = readdirSync(join(root, id)).filter((name) => existsSync(join(root, id, name, 'meta.yaml')));
  const nameOf = (run: string): string => meta(join(root, id, run)).run_name!;
  const runs = ids.map((run): KeptRun => {
    const folder = join(root, id, run);
    const tags = texts(join(folder, 'tags'));
    const parent = tags['mlflow.parentRunId'];
    return {
      experiment,
      name: nameOf(run),
      status: statusOf[meta(folder).status!]!,
      parent: parent === undefined ? undefined : nameOf(parent),
      params: texts(join(folder, 'params')),
      tags,
      metrics: Object.fromEntries(
        Object.entries(texts(join(folder, 'metrics'))).map(([key, text]) => [key, points(text)]),
      ),
      artifacts: texts(join(folder, 'artifacts')),
    };
  });
  return runs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function texts(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function points(text: string) {
  const number = (word: string): number => Number(word.replace('inf', 'Infinity').replace('nan', 'NaN'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([timestampMs, value, step]) => ({
      value: number(value!),
      step: Number(step),
      timestampMs: Number(timestampMs),
    }));
}
