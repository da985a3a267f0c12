import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outboxFolderOf, plainAddress } from '../../src/track/address.ts';

describe('plainAddress()', () => {
  it.each([
    ['http://Host:5000/', 'http://host:5000'],
    ['https://ann:secret@host/mlflow//', 'https://host/mlflow'],
    ['file:///a/b%20c', 'file:/a/b c'],
    ['file:runs', `file:${resolve('runs')}`],
    ['databricks', 'databricks'],
  ])('of %s is %s', (address, plain) => {
    expect(plainAddress(address)).toBe(plain);
  });
});

describe('outboxFolderOf()', () => {
  it('is the same for spellings of one address, without its secrets, and another for another address', () => {
    const one = outboxFolderOf('.outbox', 'http://127.0.0.1:5000');
    expect(one).toMatch(/^\.outbox\/http-127\.0\.0\.1-5000-[0-9a-f]{8}$/);
    expect(outboxFolderOf('.outbox', 'http://ann:secret@127.0.0.1:5000/')).toBe(one);
    expect(outboxFolderOf('.outbox', 'https://127.0.0.1:5000')).not.toBe(one);
    const long = (end: string) => outboxFolderOf('.outbox', `file:/${'a'.repeat(300)}${end}`);
    expect(long('b')).not.toBe(long('c'));
    expect(long('b').length).toBeLessThan(70);
  });
});
