/** What the stages of a manifest will take, before anything starts: memory and arithmetic at the longest sequence. */
import { resolve } from 'node:path';
import { checkModel } from '../nn/checkpoint.ts';
import { footprintOf, type Workload } from '../nn/footprint.ts';
import type { ModelConfig } from '../nn/model-config.ts';
import type { Manifest } from '../schema/manifest.ts';
import { shapeOf } from './shape.ts';

/** The largest step of one kind of work. */
export interface StageCost {
  /** Stage, or `play` for every stage that plays. */
  readonly stage: 'sft' | 'estimate' | 'optimise' | 'play';
  /** What happens at once, in words. */
  readonly work: string;
  /** Memory at its peak, bytes. */
  readonly bytes: number;
  /** Floating point operations of that step; of one token of one episode for `play`. */
  readonly flops: number;
}

/** A model and what its stages take. */
export interface Costs {
  readonly parameters: number;
  readonly costs: readonly StageCost[];
}

/**
 * Computes the costs of an experiment's learning and playing; upper bounds, since sequences may be shorter.
 * @returns Undefined if a server plays.
 * @throws {SpaError} If the base checkpoint is not there (bad input).
 */
export async function costsOf(manifest: Manifest, manifestFolder: string): Promise<Costs | undefined> {
  if (manifest.server.url !== null) return undefined;
  const { sft, estimator, ppo, engine } = manifest;
  const config = await configOf(manifest, manifestFolder);
  const T = config.maxLength;
  const batchOf = (batchTokens: number, groups = 1) => ({ B: Math.max(1, Math.floor(batchTokens / groups / T)), T });
  const play = { slots: engine.slots, length: T };
  const lora = ppo.lora.rank === 0 ? {} : { lora: ppo.lora };
  const works: readonly (Pick<StageCost, 'stage'> & {
    readonly batch: Workload['batch'];
    readonly more: Partial<Workload>;
  })[] = [
    { stage: 'sft', batch: batchOf(sft.batchTokens), more: {} },
    { stage: 'estimate', batch: batchOf(estimator.batchTokens, estimator.lengthGroups), more: { heads: ['progress'] } },
    {
      stage: 'optimise',
      batch: batchOf(ppo.batchTokens, ppo.lengthGroups),
      more: ppo.critic === 'separate' ? { separateCritic: true, ...lora } : { heads: ['value'], ...lora },
    },
  ];
  const steps = works.map(({ stage, batch, more }): StageCost => {
    const { training, stepFlops } = footprintOf(config, { ...play, batch, ...more });
    const trained = stage === 'optimise' && ppo.lora.rank > 0 ? `, adapters of rank ${ppo.lora.rank}` : '';
    return {
      stage,
      work: `a micro-batch of ${batch.B} x ${batch.T} tokens${trained}`,
      bytes: training,
      flops: stepFlops,
    };
  });
  const { playing, tokenFlops, parameters } = footprintOf(config, { ...play, batch: { B: 1, T } });
  const what = `${play.slots} episodes of ${play.length} tokens at once`;
  return {
    parameters,
    costs: [...steps, { stage: 'play', work: what, bytes: playing, flops: tokenFlops }],
  };
}

async function configOf({ model, tokenizer }: Manifest, manifestFolder: string): Promise<ModelConfig> {
  if (model.base === null) return shapeOf(model, tokenizer.vocabSize);
  const { config } = await checkModel(resolve(manifestFolder, model.base));
  return { ...config, maxLength: model.maxLength };
}
