import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { experimentSchema } from '../../src/schema/manifest.ts';
import { emittedSchemas } from '../../src/schema/schemas.ts';
import { fieldsOfRole, flatten, pathsOf } from '../../src/schema/semantic.ts';
import { semanticParams, validateConfig, validateExperiment } from '../../src/schema/validate.ts';

async function complaintOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SpaError);
  expect((error as SpaError).badInput).toBe(true);
  return (error as SpaError).message;
}

describe('validateExperiment()', () => {
  it('fills in every default and leaves what it was given alone', async () => {
    const written = { name: 'x', ppo: { epochs: 2 } };
    const manifest = await validateExperiment(written, { name: 'x.yaml' });
    expect(manifest.ppo.epochs).toBe(2);
    expect(manifest.ppo.kl.coefficient).toBe(0.3);
    expect(manifest.seeds).toEqual([1]);
    expect(written).toEqual({ name: 'x', ppo: { epochs: 2 } });
  });

  it('reports every problem at once, with line, field, what is, what must be and the nearest spelling', async () => {
    const text =
      'name: bad name\nseeds: []\nsft:\n  epochs: three\n  learningRat: 2\nevaluate:\n  splits: [valid_sen]\n';
    const value = {
      name: 'bad name',
      seeds: [],
      sft: { epochs: 'three', learningRat: 2 },
      evaluate: { splits: ['valid_sen'] },
    };
    const source = { name: 'x.yaml', text: { text, format: 'yaml' as const } };
    expect((await complaintOf(validateExperiment(value, source))).split('\n')).toEqual([
      'Cannot read experiment "x.yaml": 5 problems',
      '  x.yaml:1  name: "bad name", expected text that matches ^[A-Za-z0-9][A-Za-z0-9._-]*$',
      '  x.yaml:2  seeds: [], expected at least 1 entry',
      '  x.yaml:5  sft.learningRat: unknown field, expected one of epochs, batchTokens, learningRate, schedule, floor, warmup, weightDecay, beta1, beta2, clipNorm, observationWeight; did you mean "learningRate"?',
      '  x.yaml:4  sft.epochs: "three", expected a number',
      '  x.yaml:7  evaluate.splits.0: "valid_sen", expected one of "valid_seen", "valid_unseen", "valid", "test", "seen", "unseen"; did you mean "valid_seen"?',
    ]);
  });

  it('names the option when the command line is at fault', async () => {
    const overrides = new Map([['ppo.epochs', '--set ppo.epochs=x']]);
    expect(
      await complaintOf(validateExperiment({ name: 'x', ppo: { epochs: 'x' } }, { name: 'x.ts', overrides })),
    ).toBe('Cannot read experiment "x.ts": 1 problem\n  --set ppo.epochs=x  ppo.epochs: "x", expected a number');
  });

  it('finds the full path of a field written in the wrong group', async () => {
    expect(await complaintOf(validateExperiment({ name: 'x', lambda: 1 }, { name: 'x.ts' }))).toContain(
      'lambda: unknown field, expected one of the 16 fields of its group; did you mean "ppo.lambda"?',
    );
  });

  it('merges the branches of a field that may be null', async () => {
    expect(await complaintOf(validateExperiment({ name: 'x', model: { base: 3 } }, { name: 'x.ts' }))).toBe(
      'Cannot read experiment "x.ts": 1 problem\n  x.ts  model.base: 3, expected a string or null',
    );
  });

  it('checks fields against each other', async () => {
    expect(
      await complaintOf(validateExperiment({ name: 'x', model: { heads: 3, hiddenSize: 128 } }, { name: 'x.ts' })),
    ).toBe(
      [
        'Cannot read experiment "x.ts": 2 problems',
        '  x.ts  model.heads: 3, expected a multiple of model.kvHeads, 2',
        '  x.ts  model.hiddenSize: 128, expected a multiple of model.heads, 3',
      ].join('\n'),
    );
  });

  it.each([
    ['text', '"text"'],
    [[1], '[1]'],
    [null, 'null'],
  ])('refuses %j as a whole', async (value, shown) => {
    expect(await complaintOf(validateExperiment(value, { name: 'x.json' }))).toBe(
      `Cannot read experiment "x.json": 1 problem\n  x.json  ${shown}, expected an object of fields`,
    );
  });

  it('finds lines in TypeScript through calls, nesting, strings and comments', async () => {
    const text = `import { defineExperiment } from 'spa';
// ppo: { clip: 1 }
const other = { clip: 'a: {' };
export default defineExperiment({
  name: 'x', /* model: { */
  ppo: {
    ...other,
    kl: { placement: 'x' },
    clip: 0,
  },
});`;
    const value = { name: 'x', ppo: { kl: { placement: 'x' }, clip: 0, gamma: 7 } };
    const message = await complaintOf(validateExperiment(value, { name: 'x.ts', text: { text, format: 'script' } }));
    expect(message).toContain('  x.ts:8  ppo.kl.placement: "x"');
    expect(message).toContain('  x.ts:9  ppo.clip: 0, expected above 0');
    expect(message).toContain('  x.ts:6  ppo.gamma: 7, expected at most 1'); // comes from elsewhere: its group is named
  });
});

describe('validateConfig()', () => {
  it('fills in defaults', async () => {
    const { runs, tracking } = await validateConfig({}, { name: 'spa.config.ts' });
    expect({ runs, tracking }).toEqual({ runs: './runs', tracking: { uri: 'file:./runs/mlruns', experiment: null } });
  });
});

describe('roles', () => {
  it('are declared on every field of the manifest', async () => {
    const manifest = await validateExperiment({ name: 'x' }, { name: 'x.ts' });
    const found = (['semantic', 'resource', 'cosmetic'] as const).flatMap((role) =>
      Object.keys(flatten(fieldsOfRole(manifest, experimentSchema, role))),
    );
    const leaves = pathsOf(experimentSchema).filter(
      (path, _, all) => !all.some((other) => other.startsWith(`${path}.`)),
    );
    expect(found.sort()).toEqual(leaves.sort());
  });

  it('keep names and engines out of the semantic fields', async () => {
    const params = semanticParams(await validateExperiment({ name: 'x' }, { name: 'x.ts' }));
    expect(params['ppo.clip']).toBe(0.2);
    expect(Object.keys(params).filter((path) => path === 'name' || path.startsWith('engine'))).toEqual([]);
  });
});

describe('schemas/', () => {
  it('hold what src/schema emits', () => {
    for (const [name, text] of Object.entries(emittedSchemas())) {
      expect(readFileSync(new URL(`../../schemas/${name}`, import.meta.url), 'utf8')).toBe(text);
    }
  });

  it('require the name of an experiment and nothing else', () => {
    const required = Object.values(emittedSchemas()).flatMap((text) => JSON.parse(text).required ?? []);
    expect(required).toEqual(['name']);
  });
});
