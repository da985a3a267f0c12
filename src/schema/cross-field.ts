/** Rules that join two fields of a manifest; JSON Schema cannot say them. One row, one rule. */
import type { Manifest } from './manifest.ts';
import type { Problem } from './problem.ts';

/** A rule over a resolved manifest: returns what is wrong, or undefined. */
interface CrossFieldRule {
  /** The field the problem is reported at. */
  readonly path: string;
  readonly check: (manifest: Manifest) => Pick<Problem, 'is' | 'expected'> | undefined;
}

const multiple = (value: number, of: number, name: string) =>
  value % of === 0 ? undefined : { is: String(value), expected: `a multiple of ${name}, ${of}` };

const rules: readonly CrossFieldRule[] = [
  { path: 'model.heads', check: ({ model }) => multiple(model.heads, model.kvHeads, 'model.kvHeads') },
  { path: 'model.hiddenSize', check: ({ model }) => multiple(model.hiddenSize, model.heads, 'model.heads') },
  {
    // Rotary embeddings turn pairs of numbers.
    path: 'model.hiddenSize',
    check: ({ model }) =>
      model.hiddenSize % model.heads === 0 && (model.hiddenSize / model.heads) % 2 === 1
        ? {
            is: `${model.hiddenSize} over ${model.heads} heads of ${model.hiddenSize / model.heads}`,
            expected: 'heads of an even width',
          }
        : undefined,
  },
  {
    path: 'server.model',
    check: ({ server }) =>
      server.url !== null && server.model === null
        ? { is: 'null', expected: 'the name of a model of server.url' }
        : undefined,
  },
  {
    path: 'server.template',
    check: ({ server, model }) =>
      server.url !== null && server.template === 'checkpoint' && model.base === null
        ? { is: '"checkpoint"', expected: 'model.base to name the checkpoint whose tokenizer writes, or "server"' }
        : undefined,
  },
  {
    path: 'ppo.criticInit',
    check: ({ ppo }) =>
      ppo.critic === 'shared' && ppo.criticInit === 'estimator'
        ? { is: '"estimator"', expected: '"policy" while ppo.critic is "shared"' }
        : undefined,
  },
];

/** Returns every broken rule of a manifest whose single fields are right. */
export function crossFieldProblems(manifest: Manifest): Problem[] {
  return rules.flatMap(({ path, check }) => {
    const found = check(manifest);
    return found === undefined ? [] : [{ path: path.split('.'), ...found }];
  });
}
