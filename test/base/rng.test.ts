import { describe, expect, it } from 'vitest';
import { createRng, seedOf } from '../../src/base/rng.ts';

describe('createRng()', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number): number[] => {
      const rng = createRng(['test', seed]);
      return Array.from({ length: 5 }, () => rng.uniform());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('goes on from its state as if it had not stopped', () => {
    const rng = createRng(['test']);
    rng.uniform();
    const again = createRng(rng.state(), { resume: true });
    expect(again.uniform()).toBe(rng.uniform());
    expect(again.int(1000)).toBe(rng.int(1000));
  });

  it('is uniform: each tenth of [0, 1) gets a tenth of 20,000 draws', () => {
    const rng = createRng(['uniform']);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) counts[Math.floor(rng.uniform() * 10)]! += 1;
    // chi-square with 9 degrees of freedom: 27.9 is exceeded with probability 0.001
    const chiSquare = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chiSquare).toBeLessThan(27.9);
  });

  it('shuffles a copy that holds every element once', () => {
    const items = [1, 2, 3, 4, 5];
    const shuffled = createRng(['shuffle']).shuffle(items);
    expect([...shuffled].sort()).toEqual(items);
    expect(items).toEqual([1, 2, 3, 4, 5]);
  });

  it('draws normal numbers of mean 0 and variance 1', () => {
    const rng = createRng(['normal']);
    const draws = Array.from({ length: 20_000 }, () => rng.normal());
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.03); // 4 standard errors of 1 / sqrt(20000)
    expect(Math.abs(variance - 1)).toBeLessThan(0.04); // 4 standard errors of sqrt(2 / 20000)
  });

  it('refuses to pick from nothing', () => {
    expect(() => createRng([]).pick([])).toThrow(new RangeError('Cannot pick from an empty list'));
  });
});

describe('seedOf()', () => {
  it('separates parts that would read the same when joined', () => {
    expect(seedOf(['a', 'bc'])).not.toEqual(seedOf(['ab', 'c']));
  });
});
