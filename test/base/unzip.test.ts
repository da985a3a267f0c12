import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unzip } from '../../src/base/unzip.ts';
import { type ZipMember, zipOf } from './zip.ts';

let base: string;
let archive: string;
let folder: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'spa-unzip-'));
  archive = join(base, 'a.zip');
  folder = join(base, 'out');
});
afterEach(() => rm(base, { recursive: true }));

const limits = { maxFiles: 10, maxBytes: 1e6 };
const unpack = async (members: readonly ZipMember[], more: Partial<Parameters<typeof unzip>[0]> = {}) => {
  await writeFile(archive, zipOf(members));
  return unzip({ archive, folder, ...limits, ...more });
};
const two: readonly ZipMember[] = [
  { name: 'tree/', data: '' },
  { name: 'tree/a.json', data: '{"a":1}' },
  { name: 'tree/deep/b é.txt', data: 'b'.repeat(5000) },
];

describe('unzip()', () => {
  it('unpacks files into their folders and says what they are', async () => {
    const files = await unpack(two);
    expect(files).toEqual([
      { path: 'tree/a.json', sizeBytes: 7, crc32: crc32('{"a":1}').toString(16).padStart(8, '0') },
      { path: 'tree/deep/b é.txt', sizeBytes: 5000, crc32: crc32('b'.repeat(5000)).toString(16).padStart(8, '0') },
    ]);
    expect(await readFile(join(folder, 'tree/a.json'), 'utf8')).toBe('{"a":1}');
    expect(await readdir(join(folder, 'tree/deep'))).toEqual(['b é.txt']);
  });

  it('leaves out, moves and compresses as told', async () => {
    const place = (name: string) => (name.endsWith('.json') ? name.replace('tree/', '') : undefined);
    const files = await unpack(two, { place, gzip: () => true });
    expect(files.map(({ path }) => path)).toEqual(['a.json.gz']);
    expect(gunzipSync(await readFile(join(folder, 'a.json.gz'))).toString()).toBe('{"a":1}');
  });

  it('leaves equal files alone and writes others anew', async () => {
    await unpack(two);
    const before = await stat(join(folder, 'tree/a.json'));
    await writeFile(join(folder, 'tree/deep/b é.txt'), 'c'.repeat(5000));
    await unpack(two);
    expect((await stat(join(folder, 'tree/a.json'))).ino).toBe(before.ino);
    expect(await readFile(join(folder, 'tree/deep/b é.txt'), 'utf8')).toBe('b'.repeat(5000));
  });

  it.each([
    ['a name that climbs out', { name: '../evil', data: 'x' }, /invalid relative path/],
    ['an absolute name', { name: '/etc/evil', data: 'x' }, /absolute path/],
    ['a link', { name: 'link', data: '/etc/passwd', mode: 0o120777 }, /holds "link", expected only ordinary files$/],
    [
      'bytes that are not what it says',
      { name: 'a', data: 'x', crc: 1 },
      /"a" is damaged \(its CRC-32 differs\), expected a whole zip archive$/,
    ],
  ] as const)('refuses %s', async (_, member, message) => {
    await expect(unpack([{ name: 'fine', data: 'fine' }, member])).rejects.toThrow(message);
    expect(existsSync(join(base, 'evil'))).toBe(false);
    expect(existsSync(join(folder, member.name))).toBe(false);
  });

  it('refuses what is placed outside, twice the same name, and more than the limits, before it writes', async () => {
    await expect(unpack(two, { place: () => '../x' })).rejects.toThrow(
      /holds "tree\/a.json", expected only files inside .*out$/,
    );
    await expect(unpack(two, { place: () => 'x' })).rejects.toThrow(/twice, expected each file once$/);
    await expect(unpack(two, { maxBytes: 5000 })).rejects.toThrow(
      /unpacks to more than is believed, expected at most 5000 bytes$/,
    );
    await expect(unpack(two, { maxFiles: 1 })).rejects.toThrow(
      /holds more files than are believed, expected at most 1$/,
    );
    await expect(unpack(two, { place: () => undefined })).rejects.toThrow(/holds no wanted file, expected some$/);
    expect(existsSync(folder)).toBe(false);
  });

  it('names an archive that is torn or no zip, and what to do', async () => {
    await writeFile(archive, zipOf(two).subarray(0, 40));
    await expect(unzip({ archive, folder, ...limits })).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot unpack ".*a\.zip": /),
      hint: 'Remove the archive and run the same command again to fetch it anew.',
    });
  });
});
