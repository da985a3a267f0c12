import { describe, expect, it } from 'vitest';
import { hashJson, sha256 } from '../../src/base/hash.ts';
import { canonicalJson } from '../../src/base/json.ts';

describe('canonicalJson()', () => {
  it('sorts keys at every depth and leaves undefined members out', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: undefined, A: 'x' })).toBe('{"A":"x","b":[{"c":null,"d":1}]}');
  });

  it('refuses what JSON would silently turn into null', () => {
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(
      new TypeError('Cannot write canonical JSON: NaN is not a finite number'),
    );
    expect(() => canonicalJson({ a: 1n })).toThrow(TypeError);
  });

  it('tells values apart that differ only in type', () => {
    expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
  });
});

describe('hashJson()', () => {
  it('hashes the canonical text, whatever the order of the keys', () => {
    expect(hashJson({ a: 1, b: 2 })).toBe(sha256('{"a":1,"b":2}'));
    expect(hashJson({ b: 2, a: 1 })).toBe(hashJson({ a: 1, b: 2 }));
  });

  it('equals the published SHA-256 of "abc"', () => {
    // FIPS 180-2, appendix B.1
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
