/** What a plan says it will take. */
import { describe, expect, it } from 'vitest';
import { costsOf } from '../../src/stage/cost.ts';
import { manifestOf } from './support.ts';

const costs = async (experiment: Parameters<typeof manifestOf>[0] = {}) =>
  costsOf(await manifestOf(experiment), '/nowhere');

describe('costsOf()', () => {
  it('names the largest step of each kind of work', async () => {
    const found = (await costs({ model: { maxLength: 512 }, sft: { batchTokens: 2048 }, engine: { slots: 16 } }))!;
    expect(found.costs.map(({ stage, work }) => [stage, work])).toEqual([
      ['sft', 'a micro-batch of 4 x 512 tokens'],
      ['estimate', 'a micro-batch of 2 x 512 tokens'], // 4096 tokens in 4 groups
      ['optimise', 'a micro-batch of 2 x 512 tokens'],
      ['play', '16 episodes of 512 tokens at once'],
    ]);
    for (const { bytes, flops } of found.costs) expect(Math.min(bytes, flops)).toBeGreaterThan(0);
  });

  it('counts two models where the critic is one of its own, and adapters instead of weights with LoRA', async () => {
    const optimise = async (ppo: object) => (await costs({ ppo }))!.costs[2]!;
    const shared = await optimise({ critic: 'shared' });
    const separate = await optimise({ critic: 'separate' });
    const adapted = await optimise({ critic: 'shared', lora: { rank: 4 } });
    expect(separate.bytes).toBeGreaterThan(shared.bytes);
    expect(separate.flops).toBeGreaterThan(1.5 * shared.flops);
    expect(adapted.work).toContain('adapters of rank 4');
    expect(adapted.flops).toBeLessThan(shared.flops);
  });

  it('says nothing of a model behind a server', async () => {
    expect(await costs({ server: { url: 'http://127.0.0.1:8000/v1', model: 'tiny' } })).toBeUndefined();
  });
});
