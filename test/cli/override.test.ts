import { describe, expect, it } from 'vitest';
import { applyOverrides, parseOverride, parseSeeds } from '../../src/cli/override.ts';

describe('parseOverride()', () => {
  it.each([
    ['ppo.epochs=2', 2],
    ['sft.schedule=linear', 'linear'],
    ['seeds=[1,2]', [1, 2]],
    ['note=a=b', 'a=b'],
    ['note="7"', '7'],
    ['note=null', null],
    ['note=', ''],
  ])('reads %s', (text, value) => {
    expect(parseOverride(text)).toEqual({ path: text.slice(0, text.indexOf('=')), value, origin: `--set ${text}` });
  });

  it('refuses what has no "="', () => {
    expect(() => parseOverride('ppo.epochs')).toThrow(
      'Cannot read option "--set ppo.epochs": it has no "=", expected path=value',
    );
  });
});

describe('parseSeeds()', () => {
  it('reads a number and a list', () => {
    expect(parseSeeds('3').value).toEqual([1, 2, 3]);
    expect(parseSeeds('4, 7').value).toEqual([4, 7]);
  });

  it.each(['', '0', '-1', 'a', '1,,2'])('refuses "%s"', (text) => {
    expect(() => parseSeeds(text)).toThrow(
      `Cannot read option "--seeds ${text}": it is no number of seeds and no list, expected 5 or 1,2,3`,
    );
  });
});

describe('applyOverrides()', () => {
  it('sets fields in a copy, making groups on the way; the last word wins', () => {
    const manifest = { name: 'x', ppo: { clip: 1 } };
    const overrides = ['ppo.clip=2', 'ppo.kl.placement=loss', 'ppo.clip=3'].map(parseOverride);
    expect(applyOverrides(manifest, overrides)).toEqual({ name: 'x', ppo: { clip: 3, kl: { placement: 'loss' } } });
    expect(manifest).toEqual({ name: 'x', ppo: { clip: 1 } });
  });
});
