/**
 * From a manifest to its plan: which stages, with which parameters, reading which outputs. Each seed is a lane of its own:
 *   demonstrate -> sft -> (explore -> estimate -> attribute -> optimise) x rounds -> evaluate, with an evaluate of the sft policy beside.
 * A stage's parameters hold exactly what it reads, so that an unrelated change leaves its key alone.
 */
import { resolve } from 'node:path';
import { badInput, messageOf, type SpaError } from '../base/error.ts';
import { hashFile } from '../base/hash.ts';
import type { JsonObject } from '../base/json.ts';
import type { Plan, StageNode } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { digestCheckpoint } from './checkpoint.ts';
import { type StageName, stageVersions } from './version.ts';
import { type OpenOptions, openWorld, worldParams } from './world.ts';

/** What a plan is made from beside the manifest. */
export interface PlanOptions {
  /** Folder that relative paths of the manifest start from. */
  readonly manifestFolder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Told how far the index of a large catalogue is, see world.ts. */
  readonly onIndex?: OpenOptions['onIndex'];
}

/** What every lane shares. */
interface Shared {
  readonly manifest: Manifest;
  readonly resources: JsonObject;
  readonly baseDigest: string | null;
  /** SHA-256 of the recorded demonstrations, null if the scripted expert is asked. */
  readonly recordedDigest: string | null;
  /** The part of the world that decides results, with the digests of the given splits. */
  readonly worldWith: (splits: readonly string[]) => JsonObject;
}

/**
 * Plans an experiment.
 * @throws {SpaError} If the data or the base checkpoint it names is not there (bad input).
 */
export async function planExperiment(manifest: Manifest, options: PlanOptions): Promise<Plan> {
  const world = worldParams(manifest, options);
  const environment = await openWorld(world, options.onIndex === undefined ? {} : { onIndex: options.onIndex });
  const base = manifest.model.base === null ? null : resolve(options.manifestFolder, manifest.model.base);
  const { file } = manifest.demonstrations;
  if (file === null && manifest.server.url === null && !('expert' in environment)) throw noExpert(environment.name);
  const recorded = file === null ? null : resolve(options.manifestFolder, file);
  const shared: Shared = {
    manifest,
    resources: {
      ...manifest.engine,
      world: { ...world, games: { ...world.games } },
      base,
      recorded,
      server: { ...manifest.server },
    },
    baseDigest: base === null ? null : await digestCheckpoint(base, { maxLength: manifest.model.maxLength }),
    recordedDigest: recorded === null ? null : await digestRecorded(recorded),
    worldWith: (splits) => ({
      name: environment.name, // also of a world behind HTTP: it chooses the prompt
      maxTurns: world.maxTurns,
      digests: Object.fromEntries(splits.map((split) => [split, environment.digest(split)])),
    }),
  };
  return {
    experiment: manifest.name,
    nodes: manifest.seeds.flatMap((seed) => (manifest.server.url === null ? lane : serverLane)(shared, seed)),
    manifest,
  };
}

function noExpert(world: string): SpaError {
  return badInput(
    'manifest',
    `Cannot plan demonstrations in the world "${world}": it has no scripted expert, expected one or recorded episodes`,
    {
      hint: 'A world behind HTTP has none, nor has VirtualHome without leakIds: name a trajectory file in demonstrations.file, e.g. one the same world left when it ran here.',
    },
  );
}

async function digestRecorded(path: string): Promise<string> {
  try {
    return await hashFile(path);
  } catch (error) {
    throw badInput(
      'manifest',
      `Cannot read demonstrations.file "${path}": ${messageOf(error)}, expected a trajectory file`,
      {
        cause: error,
        hint: 'Name a file relative to the manifest, or leave the field out to ask the scripted expert.',
      },
    );
  }
}

/** Reward schemes that need a progress estimator. */
const schemesWithProgress: ReadonlySet<string> = new Set(['spa', 'progress-only']);

type Add = (stage: StageName, label: string, params: JsonObject, inputs: Readonly<Record<string, string>>) => string;

/** Makes the function that adds a node to `nodes` and returns its id. */
function adder(nodes: StageNode[], { resources }: Shared, seed: number): Add {
  return (stage, label, params, inputs) => {
    const id = `${label}/seed=${seed}`;
    nodes.push({ id, stage, version: stageVersions[stage], params: { ...params, seed }, resources, inputs });
    return id;
  };
}

/** What a server plays: nothing is trained, so nothing depends on anything. */
function serverLane(shared: Shared, seed: number): StageNode[] {
  const { prompt, explore, evaluate, server, model } = shared.manifest;
  const nodes: StageNode[] = [];
  const add = adder(nodes, shared, seed);
  const base = server.template === 'checkpoint' && model.base !== null ? { base: shared.baseDigest } : {};
  const played = { model: server.model, revision: server.revision, template: server.template, ...base };
  if (server.plays.includes('explore'))
    add('explore', 'explore', { world: shared.worldWith(['train']), prompt, explore, round: 1, server: played }, {});
  if (server.plays.includes('evaluate'))
    add('evaluate', 'evaluate', { world: shared.worldWith(evaluate.splits), prompt, evaluate, server: played }, {});
  return nodes;
}

function lane(shared: Shared, seed: number): StageNode[] {
  const { manifest } = shared;
  const nodes: StageNode[] = [];
  const add = adder(nodes, shared, seed);

  const { demonstrations, prompt, tokenizer, model, estimator, reward, evaluate } = manifest;
  const train = shared.worldWith(['train']);
  const heldOut = shared.worldWith(evaluate.splits);
  const { file: _place, ...recipe } = demonstrations; // its content is in the key, its place is not
  const demos = add(
    'demonstrate',
    'demonstrate',
    shared.recordedDigest === null
      ? { world: train, demonstrations: recipe }
      : { world: train, recorded: shared.recordedDigest },
    {},
  );
  const sft = add(
    'sft',
    'sft',
    // A base checkpoint brings its own tokenizer and shape.
    shared.baseDigest === null
      ? { prompt, tokenizer, model, sft: manifest.sft }
      : { prompt, base: shared.baseDigest, maxLength: model.maxLength, sft: manifest.sft },
    { demonstrations: demos },
  );
  add('evaluate', 'evaluate:sft', { world: heldOut, prompt, evaluate }, { policy: sft });

  const { rounds, ...ppo } = manifest.ppo;
  const needsProgress = schemesWithProgress.has(reward.scheme);
  const startsCritic = ppo.critic === 'separate' && ppo.criticInit === 'estimator'; // later rounds go on with their own critic
  const explored: Record<string, string> = {};
  let policy = sft;
  let previousEstimator: string | undefined;
  for (let round = 1; round <= rounds; round++) {
    const at = round === 1 ? '' : `@${round}`;
    const explore = add(
      'explore',
      `explore${at}`,
      { world: train, prompt, explore: manifest.explore, round },
      { policy },
    );
    explored[`episodes${round}`] = explore;
    if (needsProgress || (startsCritic && round === 1)) {
      previousEstimator = add(
        'estimate',
        `estimate${at}`,
        { prompt, estimator, round },
        { ...explored, start: previousEstimator ?? sft },
      );
    }
    const estimates = previousEstimator === undefined ? {} : { estimator: previousEstimator };
    const attribute = add(
      'attribute',
      `attribute${at}`,
      { prompt, reward },
      { episodes: explore, ...(needsProgress ? estimates : {}) },
    );
    policy = add(
      'optimise',
      `optimise${at}`,
      { prompt, ppo, round },
      { episodes: attribute, policy, reference: sft, ...(startsCritic && round === 1 ? estimates : {}) },
    );
  }
  add('evaluate', 'evaluate', { world: heldOut, prompt, evaluate }, { policy });
  return nodes;
}
