/** From manifests to plans: which stages there are, what they read, and which field changes which key. */
import { describe, expect, it } from 'vitest';
import { keysOf } from '../../src/runner/key.ts';
import type { Plan } from '../../src/runner/stage.ts';
import type { Experiment } from '../../src/schema/manifest.ts';
import { planOf } from './support.ts';

/** Node id without its seed -> role -> id without its seed. */
const graphOf = (plan: Plan): Record<string, Record<string, string>> => {
  const bare = (id: string): string => id.split('/')[0]!;
  return Object.fromEntries(
    plan.nodes.map(({ id, inputs }) => [
      bare(id),
      Object.fromEntries(Object.entries(inputs).map(([role, input]) => [role, bare(input)])),
    ]),
  );
};

describe('planExperiment()', () => {
  it('plans the paper: one round, the estimator between explore and attribute', async () => {
    expect(graphOf(await planOf())).toEqual({
      demonstrate: {},
      sft: { demonstrations: 'demonstrate' },
      'evaluate:sft': { policy: 'sft' },
      explore: { policy: 'sft' },
      estimate: { episodes1: 'explore', start: 'sft' },
      attribute: { episodes: 'explore', estimator: 'estimate' },
      optimise: { episodes: 'attribute', policy: 'sft', reference: 'sft' },
      evaluate: { policy: 'optimise' },
    });
  });

  it('lets a second round explore with the new policy and go on with the old estimator', async () => {
    expect(graphOf(await planOf({ ppo: { rounds: 2 } }))).toMatchObject({
      optimise: { episodes: 'attribute', policy: 'sft', reference: 'sft' },
      'explore@2': { policy: 'optimise' },
      'estimate@2': { episodes1: 'explore', episodes2: 'explore@2', start: 'estimate' },
      'attribute@2': { episodes: 'explore@2', estimator: 'estimate@2' },
      'optimise@2': { episodes: 'attribute@2', policy: 'optimise', reference: 'sft' },
      evaluate: { policy: 'optimise@2' },
    });
  });

  it.each(['released', 'outcome', 'grounding-only'] as const)('estimates nothing for scheme "%s"', async (scheme) => {
    const graph = graphOf(await planOf({ reward: { scheme }, ppo: { rounds: 2 } }));
    expect(Object.keys(graph).filter((id) => id.startsWith('estimate'))).toEqual([]);
    expect(graph.attribute).toEqual({ episodes: 'explore' });
    expect(graph.optimise).toEqual({ episodes: 'attribute', policy: 'sft', reference: 'sft' });
  });

  it('estimates once for a critic that starts from the estimator, and hands it to that critic alone', async () => {
    const ppo = { rounds: 2, critic: 'separate', criticInit: 'estimator' } as const;
    const graph = graphOf(await planOf({ reward: { scheme: 'outcome' }, ppo }));
    expect(Object.keys(graph).filter((id) => id.startsWith('estimate'))).toEqual(['estimate']);
    expect(graph.attribute).toEqual({ episodes: 'explore' });
    expect(graph.optimise).toMatchObject({ estimator: 'estimate' });
    expect(graph['optimise@2']).toEqual({ episodes: 'attribute@2', policy: 'optimise', reference: 'sft' });
  });

  it('lets a server play and trains nothing', async () => {
    const server = { url: 'http://127.0.0.1:8000/v1', model: 'tiny' };
    expect(graphOf(await planOf({ server }))).toEqual({ evaluate: {} });
    expect(graphOf(await planOf({ server: { ...server, plays: ['explore', 'evaluate'] } }))).toEqual({
      explore: {},
      evaluate: {},
    });
  });

  it('gives each seed a lane of its own, over the same games', async () => {
    const plan = await planOf({ seeds: [1, 2] });
    expect(plan.nodes).toHaveLength(16);
    for (const node of plan.nodes) {
      const lane = node.id.split('/')[1];
      for (const input of Object.values(node.inputs)) expect(input.split('/')[1]).toBe(lane);
      expect(`seed=${node.params.seed}`).toBe(lane);
    }
    const keys = keysOf(plan);
    expect(new Set(keys.values()).size).toBe(16);
    const worldOf = (id: string) => plan.nodes.find((node) => node.id === id)!.params.world;
    expect(worldOf('demonstrate/seed=2')).toEqual(worldOf('demonstrate/seed=1'));
  });
});

type World = NonNullable<Experiment['environment']>;

describe('keys', () => {
  const lane = async (experiment: Partial<Experiment>, env: NodeJS.ProcessEnv = {}): Promise<Map<string, string>> => {
    const keys = keysOf(await planOf(experiment, env));
    return new Map([...keys].map(([id, key]) => [id.split('/')[0]!, key]));
  };
  /** Names of the stages that have another key. */
  const changed = async (before: Partial<Experiment>, after: Partial<Experiment>): Promise<string[]> => {
    const [a, b] = await Promise.all([lane(before), lane(after)]);
    return [...b.keys()].filter((id) => a.get(id) !== b.get(id));
  };
  const everything = ['demonstrate', 'sft', 'evaluate:sft', 'explore', 'estimate', 'attribute', 'optimise', 'evaluate'];
  const from = (stage: string): string[] => everything.slice(everything.indexOf(stage));

  it('are the same for the same manifest, whatever it is called and whatever computes it', async () => {
    const cosmetic: Partial<Experiment> = {
      name: 'other',
      note: 'why',
      engine: { name: 'cpu', threads: 7, slots: 3 },
      environment: { data: '/somewhere' },
    };
    expect(await changed({}, cosmetic)).toEqual([]);
    expect(await lane({}, { ALFWORLD_DATA: '/somewhere' })).toEqual(await lane({}));
  });

  it.each<[string, Partial<Experiment>, string[]]>([
    ['ppo.learningRate', { ppo: { learningRate: 0.5 } }, ['optimise', 'evaluate']],
    ['ppo.kl.coefficient', { ppo: { kl: { coefficient: 0.5 } } }, ['optimise', 'evaluate']],
    ['reward.beta', { reward: { beta: 0.25 } }, ['attribute', 'optimise', 'evaluate']],
    ['estimator.epochs', { estimator: { epochs: 2 } }, from('estimate')],
    ['explore.rollouts', { explore: { rollouts: 3 } }, from('explore')],
    ['sft.epochs', { sft: { epochs: 4 } }, from('sft')],
    ['model.layers', { model: { layers: 2 } }, from('sft')],
    ['tokenizer.phrases', { tokenizer: { phrases: 9 } }, from('sft')],
    ['demonstrations.episodes', { demonstrations: { episodes: 9 } }, everything],
    ['seeds', { seeds: [2] }, everything],
    ['evaluate.samples', { evaluate: { samples: 2 } }, ['evaluate:sft', 'evaluate']],
    ['evaluate.splits', { evaluate: { splits: ['valid_seen'] } }, ['evaluate:sft', 'evaluate']],
    [
      'environment.games.valid_seen',
      { environment: { games: { train: 6, valid_seen: 3, valid_unseen: 2 } } },
      ['evaluate:sft', 'evaluate'],
    ],
    ['environment.maxTurns', { environment: { maxTurns: 9 } }, everything],
    ['environment.worldSeed', { environment: { worldSeed: 9 } }, everything],
  ])('of exactly the stages that read %s change with it', async (_, experiment, stages) => {
    expect((await changed({}, experiment)).sort()).toEqual([...stages].sort());
  });

  it('tell one model of a server from another, and not where the server is', async () => {
    const server = { url: 'http://127.0.0.1:8000/v1', model: 'tiny' };
    expect(await changed({ server }, { server: { ...server, url: 'http://elsewhere/v1', retries: 9 } })).toEqual([]);
    expect(await changed({ server }, { server: { ...server, model: 'other' } })).toEqual(['evaluate']);
    expect(await changed({ server }, { server: { ...server, revision: '2026-11' } })).toEqual(['evaluate']);
  });

  it.each<[string, World, World]>([
    ['webshop.pageReward', { name: 'webshop' }, { name: 'webshop', webshop: { pageReward: 'released' } }],
    ['virtualhome.strictHead', { name: 'virtualhome' }, { name: 'virtualhome', virtualhome: { strictHead: true } }],
    ['virtualhome.leakIds', { name: 'virtualhome' }, { name: 'virtualhome', virtualhome: { leakIds: false } }],
    [
      'virtualhome.refusalFixesNames',
      { name: 'virtualhome' },
      { name: 'virtualhome', virtualhome: { refusalFixesNames: false } },
    ],
    ['name', { name: 'webshop' }, { name: 'virtualhome' }],
  ])('of every stage change with environment.%s', async (_, before, after) => {
    expect(await changed({ environment: before }, { environment: after })).toEqual(everything);
    expect(
      await changed({ environment: before }, { environment: { ...before, webshop: { index: '/elsewhere' } } }),
    ).toEqual([]);
  });

  it('tell which of two fields has which value', async () => {
    const straight = { ppo: { clip: 0.3, valueCoefficient: 0.7 } };
    const swapped = { ppo: { clip: 0.7, valueCoefficient: 0.3 } };
    expect(await changed(straight, swapped)).toEqual(['optimise', 'evaluate']);
    const ends = { reward: { alpha: 0.3, beta: 0.7 } };
    expect(await changed(ends, { reward: { alpha: 0.7, beta: 0.3 } })).toEqual(['attribute', 'optimise', 'evaluate']);
  });

  it('do not change for the first round when a second is added', async () => {
    const more = await lane({ ppo: { rounds: 2 } });
    const one = await lane({});
    for (const id of ['explore', 'estimate', 'attribute', 'optimise', 'evaluate:sft'])
      expect(more.get(id)).toBe(one.get(id));
    expect(more.get('evaluate')).not.toBe(one.get('evaluate'));
  });
});

describe('planExperiment() refuses', () => {
  it('a base checkpoint that is not there', async () => {
    await expect(planOf({ model: { base: 'llama' } })).rejects.toMatchObject({
      name: 'ModelError',
      badInput: true,
      message: expect.stringMatching(/^Cannot open checkpoint ".*": .*expected a .*folder$/),
      hint: expect.stringContaining('model.base'),
    });
  });

  it('real games without a folder', async () => {
    await expect(planOf({ environment: { source: 'files' } })).rejects.toMatchObject({
      name: 'EnvironmentError',
      badInput: true,
      message: 'Cannot open the world "alfworld": no data folder is named, expected one that holds json_2.1.1',
      hint: 'Set ALFWORLD_DATA or environment.data, or use environment.source "generated". spa data pull alfworld fetches the published data.',
    });
  });

  it('recorded demonstrations that are not there', async () => {
    await expect(planOf({ demonstrations: { file: 'won.arrow' } })).rejects.toMatchObject({
      badInput: true,
      message: expect.stringMatching(
        /^Cannot read demonstrations\.file ".*won\.arrow": .*, expected a trajectory file$/,
      ),
    });
  });

  it('real games in a folder that is not there', async () => {
    const refused = { name: 'EnvironmentError', badInput: true, message: expect.stringContaining('/nowhere/games') };
    const experiment: Partial<Experiment> = { environment: { source: 'files' } };
    await expect(planOf(experiment, { ALFWORLD_DATA: '/nowhere/games' })).rejects.toMatchObject(refused);
    const written: Partial<Experiment> = { environment: { source: 'files', data: 'games' } }; // relative to the manifest
    await expect(planOf(written)).rejects.toMatchObject(refused);
  });
});
