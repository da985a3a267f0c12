/** The shipped stages from end to end, on an experiment of seconds. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../src/data/reader.ts';
import type { EvaluateSummary } from '../../src/stage/evaluate.ts';
import { command, contentOf, episodesIn, newFolder, publishedIn, type Run, runTiny, stages } from './pipeline.ts';
import { startNode } from './process.ts';

const all = (status: string): Record<string, string> => Object.fromEntries(stages.map((stage) => [stage, status]));

let folder: string;
let first: Run;
let content: Awaited<ReturnType<typeof contentOf>>;

beforeAll(async () => {
  folder = await newFolder();
  first = await runTiny(folder);
  content = await contentOf(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Numbers a stage has logged under a name, in order. */
const logged = (name: string): number[] =>
  first.events.flatMap(({ type, values }) =>
    type === 'metrics' && values?.[name] !== undefined ? [values[name]] : [],
  );

describe('the pipeline', () => {
  it('runs every stage and prints the table of both policies', () => {
    expect(first).toMatchObject({ code: 0, statuses: all('run') });
    for (const words of [/^valid_seen +greedy +sft /m, /^valid_unseen +T=1 +spa /m, /^estimate\/seed=1 /m]) {
      expect(first.tables).toMatch(words);
    }
  });

  it('leaves trajectory files that can be read, with as many rows as turns', async () => {
    const published = await publishedIn(folder);
    let files = 0;
    for (const { folder: at, record } of Object.values(published)) {
      for (const { path } of record.files.filter((file) => file.path.endsWith('.arrow'))) {
        const episodes = await episodesIn(join(at, path));
        const turns = episodes.reduce((sum, episode) => sum + episode.turns.length, 0);
        expect(turns).toBeGreaterThan(0);
        expect(await countRows(join(at, path)), `${record.node} ${path}`).toBe(turns);
        files += 1;
      }
    }
    expect(files).toBe(1 + 1 + 1 + 1 + 4 + 4); // demonstrate, explore, attribute, optimise; two splits at two temperatures, twice
  });

  it('hands every explored episode on, first with progress and rewards, then with advantages', async () => {
    const published = await publishedIn(folder);
    const [explored, attributed, optimised] = await Promise.all(
      ['explore', 'attribute', 'optimise'].map((stage) => episodesIn(join(published[stage]!.folder, 'episodes.arrow'))),
    );
    expect(explored).toHaveLength(12 * 2);
    const played = (episodes: typeof explored) =>
      episodes!.map(({ taskId, rollout, turns }) => [taskId, rollout, turns.map(({ tokenIds }) => tokenIds)]);
    expect(played(attributed)).toEqual(played(explored));
    expect(played(optimised)).toEqual(played(explored));
    for (const turn of attributed!.flatMap((episode) => episode.turns)) {
      // the paper: r = 1 c + 0.5 g, rounded to float32
      expect(turn.shapedReward).toBeCloseTo(turn.progress! + (turn.grounded ? 0.5 : 0), 5);
    }
    expect(optimised!.flatMap((episode) => episode.turns).every((turn) => Number.isFinite(turn.advantage))).toBe(true);
    const grounded = attributed!.flatMap((episode) => episode.turns.map((turn) => turn.grounded));
    expect(new Set(grounded).size).toBe(2); // the policy has learnt something, and not everything
  });

  it('evaluates both policies on the same held-out games', async () => {
    const published = await publishedIn(folder);
    const [before, after] = ['evaluate:sft', 'evaluate'].map(
      (stage) => (published[stage]!.record.summary as unknown as EvaluateSummary).evaluations, // written by the stage
    );
    expect(before!.map(({ split, temperature, episodes }) => [split, temperature, episodes])).toEqual([
      ['valid_seen', 0, 6],
      ['valid_seen', 1, 6],
      ['valid_unseen', 0, 6],
      ['valid_unseen', 1, 6],
    ]);
    expect(after!.map(({ games }) => Object.keys(games))).toEqual(before!.map(({ games }) => Object.keys(games)));
  });

  it('learns: the cross-entropy of sft falls, and every stage of learning moves its weights', () => {
    const entropies = logged('sft/crossEntropy');
    expect(entropies[0]).toBeGreaterThan(4); // about log(vocabulary), nothing known
    expect(entropies.at(-1)).toBeLessThan(1);
    for (const stage of ['sft', 'estimator', 'critic', 'ppo']) {
      expect(Math.max(...logged(`${stage}/gradientNorm`)), stage).toBeGreaterThan(0);
    }
    expect(content.optimise!['policy/model.safetensors']).not.toBe(content.sft!['policy/model.safetensors']);
    expect(logged('ppo/meanRatio')[0]).toBeCloseTo(1, 4); // the engine that trains scores the old policy
  });

  it('finds everything cached the second time', async () => {
    const second = await runTiny(folder);
    expect(second).toMatchObject({ code: 0, statuses: all('cached'), tables: first.tables });
  });

  it('runs only optimise and evaluate for another rate of PPO', async () => {
    const changed = await runTiny(folder, ['--set', 'ppo.learningRate=0.0005']);
    expect(changed).toMatchObject({ code: 0, statuses: { ...all('cached'), optimise: 'run', evaluate: 'run' } });
  });

  it('finds one flipped bit, puts the result aside and computes the same again', async () => {
    const { explore } = await publishedIn(folder);
    const path = join(explore!.folder, 'episodes.arrow');
    const bytes = await readFile(path);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(path, bytes);
    const healed = await runTiny(folder);
    expect(healed.code).toBe(0);
    expect(healed.statuses).toEqual({ ...all('cached'), explore: 'run' });
    expect(healed.events.find(({ type }) => type === 'quarantined')).toMatchObject({
      node: 'explore/seed=1',
      problems: [expect.stringMatching(/^episodes\.arrow has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}$/)],
    });
    expect(healed.tables).toBe(first.tables);
    expect((await contentOf(folder)).explore).toEqual(content.explore);
  });

  it('starts from a checkpoint folder instead of random weights, and keeps to the length the manifest allows', async () => {
    const { sft } = await publishedIn(folder);
    const elsewhere = await newFolder();
    const words = ['--only', 'sft', '--set', `model.base=${join(sft!.folder, 'policy')}`, '--set', 'sft.epochs=1'];
    const run = await runTiny(elsewhere, [...words, '--set', 'model.maxLength=200']);
    const { sft: again } = await publishedIn(elsewhere);
    const config = JSON.parse(await readFile(join(again!.folder, 'policy/config.json'), 'utf8'));
    await rm(elsewhere, { recursive: true });
    expect(run).toMatchObject({ code: 0, statuses: { demonstrate: 'run', sft: 'run' } });
    expect(config).toMatchObject({ max_position_embeddings: 200, vocab_size: expect.any(Number) });
    const entropies = run.events.flatMap(({ values }) => values?.['sft/crossEntropy'] ?? []);
    expect(entropies[0]).toBeLessThan(1); // it knows what the checkpoint knew; random weights begin above 4
  });

  it('gives the same numbers when the world is behind HTTP and the demonstrations are a file', async () => {
    const { demonstrate } = await publishedIn(folder);
    const served = startNode([command, 'serve', 'alfworld', '--port', '0', '--games', '12,6,6'], { cwd: folder });
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await served.said('Ctrl-C ends'))![0];
    const settings = [
      'environment.name=http',
      `environment.http.url=${url}`,
      'environment.http.dialect=alfworld',
      `demonstrations.file=${join(demonstrate!.folder, 'demonstrations.arrow')}`,
    ];
    const elsewhere = await newFolder();
    const words = settings.flatMap((setting) => ['--set', setting]);
    const remote = await runTiny(elsewhere, words);
    const again = await runTiny(elsewhere, words);
    served.child.kill('SIGINT');
    expect((await served.ended).code).toBe(0);
    await rm(elsewhere, { recursive: true });
    expect(remote).toMatchObject({ code: 0, statuses: all('run') });
    const evaluations = (run: Run): string[] => run.tables.split('\n').filter((line) => line.startsWith('valid_'));
    expect(evaluations(first)).toHaveLength(9); // two policies on two splits at two temperatures, and the table by type
    expect(evaluations(remote)).toEqual(evaluations(first));
    expect(again).toMatchObject({ code: 0, statuses: all('cached') });
  });
});
