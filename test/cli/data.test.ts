import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { sha256 } from '../../src/base/hash.ts';
import { type DataContext, listData, pullData, withProxyHint } from '../../src/cli/data.ts';
import { type Artefact, type DataSource, dataSources } from '../../src/cli/data-source.ts';
import { driveForm } from '../../src/cli/google-drive.ts';
import { showTransfer, timeText, transferLine } from '../../src/cli/transfer.ts';
import { zipOf } from '../base/zip.ts';

const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

const goals = '{"a":1,"b":2}';
const archive = zipOf([
  { name: 'json_2.1.1/train/t/r/game.tw-pddl', data: '{}' },
  { name: 'json_2.1.1/valid_seen/t/r/game.tw-pddl', data: '{}' },
]);

let folder: string;
let server: Server;
let files: Record<string, Buffer | string>;
let asked: string[];
let printed: string;
let context: DataContext;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-data-'));
  asked = [];
  printed = '';
  files = { '/games.zip': archive, '/goals.json': goals };
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const body = files[request.url ?? ''];
    if (body === undefined) response.writeHead(404).end();
    else response.setHeader('etag', `"${sha256(body)}"`).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
  const artefact = (part: string, file: string, more: Partial<Artefact>): Artefact => ({
    part,
    file,
    addresses: [`${base}/${file}`],
    holds: part,
    licence: 'MIT',
    sizeBytes: null,
    diskBytes: 100,
    sha256: null,
    ...more,
  });
  const alfworld: DataSource = {
    variable: 'ALFWORLD_DATA',
    usual: ['games'],
    artefacts: [
      artefact('games', 'games.zip', { sha256: sha256(archive), archive: { maxFiles: 9, maxBytes: 999 } }),
      artefact('goals', 'goals.json', {}),
    ],
  };
  context = {
    sources: { alfworld },
    fetch,
    env: {},
    screen: {
      isTTY: false,
      columns: 80,
      write: (text) => {
        printed += text;
      },
    },
    signal: new AbortController().signal,
  };
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const lockOf = (): Record<string, Record<string, unknown>> =>
  JSON.parse(readFileSync(join(folder, 'data.lock.json'), 'utf8')).files;

describe('pullData()', () => {
  it('fetches, verifies, unpacks, removes the archive, and says which variable to set', async () => {
    const [games] = await pullData('alfworld', { to: folder }, context);
    expect(games).toMatchObject({ did: 'fetched', checked: 'recorded', files: 2, sha256: sha256(archive) });
    expect(await readFile(join(folder, 'json_2.1.1/train/t/r/game.tw-pddl'), 'utf8')).toBe('{}');
    expect((await readdir(folder)).sort()).toEqual(['data.lock.json', 'games.zip.files', 'json_2.1.1']);
    expect(printed).toContain(`fetched  games.zip  ${archive.length} B, 2 files  verified, SHA-256 ${sha256(archive)}`);
    expect(printed).toContain('Not pulled, ask with --only: goals (see spa data ls)');
    expect(printed).toContain(`To use it:  export ALFWORLD_DATA=${folder}`);
  });

  it('asks for nothing that is complete', async () => {
    await pullData('alfworld', { to: folder, only: ['games', 'goals'] }, context);
    asked = [];
    const again = await pullData('alfworld', { to: folder, only: ['games', 'goals'] }, context);
    expect(asked).toEqual([]);
    expect(again.map(({ did, checked }) => [did, checked])).toEqual([
      ['there', 'recorded'],
      ['there', 'first use'],
    ]);
  });

  it('fetches an archive again when a file of it is gone', async () => {
    await pullData('alfworld', { to: folder }, context);
    await rm(join(folder, 'json_2.1.1/train'), { recursive: true });
    await pullData('alfworld', { to: folder }, context);
    expect(asked).toEqual(['/games.zip', '/games.zip']);
    expect(existsSync(join(folder, 'json_2.1.1/train/t/r/game.tw-pddl'))).toBe(true);
  });

  it('trusts what has no recorded checksum once, says so, and checks against it from then on', async () => {
    await pullData('alfworld', { to: folder, only: ['goals'] }, context);
    expect(lockOf()['goals.json']).toMatchObject({ sha256: sha256(goals), checked: 'first use', sizeBytes: 13 });
    expect(printed).toContain('Nobody has written down what "first use" files must be');
    await rm(join(folder, 'goals.json'));
    files['/goals.json'] = '{"a":9,"b":2}';
    await expect(pullData('alfworld', { to: folder, only: ['goals'] }, context)).rejects.toThrow(
      `Cannot download "goals.json": its SHA-256 is ${sha256('{"a":9,"b":2}')}, expected ${sha256(goals)}`,
    );
    await pullData('alfworld', { to: folder, only: ['goals'], trust: true }, context);
    expect(lockOf()['goals.json']!.sha256).toBe(sha256('{"a":9,"b":2}'));
  });

  it('refuses a file that has changed on disk', async () => {
    await pullData('alfworld', { to: folder, only: ['goals'] }, context);
    await writeFile(join(folder, 'goals.json'), '{}');
    await expect(pullData('alfworld', { to: folder, only: ['goals'] }, context)).rejects.toMatchObject({
      message: `Cannot use "${join(folder, 'goals.json')}": its SHA-256 is ${sha256('{}')}, expected ${sha256(goals)}`,
      hint: 'Remove it and run the same command again to fetch it, or add --trust to use it as it is.',
    });
  });

  it('takes an archive that was put there by hand, and leaves it', async () => {
    await writeFile(join(folder, 'games.zip'), archive);
    const [games] = await pullData('alfworld', { to: folder }, context);
    expect(asked).toEqual([]);
    expect(games).toMatchObject({ did: 'there', checked: 'recorded', files: 2 });
    expect(lockOf()['games.zip']!.address).toBe('by hand');
    expect(existsSync(join(folder, 'games.zip'))).toBe(true);
  });

  it('goes on with an archive whose unpacking was interrupted, and then removes it', async () => {
    for (const _ of ['the first time', 'when a file of it is gone']) {
      const by = new AbortController();
      const write = (text: string): void => {
        if (text.includes('unpacking')) by.abort(new Error('interrupted'));
      };
      const interrupted = { ...context, screen: { ...context.screen, isTTY: true, write }, signal: by.signal };
      await expect(pullData('alfworld', { to: folder }, interrupted)).rejects.toThrow('interrupted');
      expect((await readdir(folder)).filter((name) => name.startsWith('games'))).toEqual(['games.zip']);
      expect(lockOf()['games.zip']!.address).toMatch(/\/games\.zip$/);
      asked = [];
      const [games] = await pullData('alfworld', { to: folder }, context);
      expect(asked).toEqual([]);
      expect(games).toMatchObject({ did: 'there', checked: 'recorded', files: 2 });
      expect((await readdir(folder)).sort()).toEqual(['data.lock.json', 'games.zip.files', 'json_2.1.1']);
      await rm(join(folder, 'json_2.1.1/train'), { recursive: true });
    }
  });

  it('writes nothing down when it cannot fetch, and says where to put the file', async () => {
    files = {};
    await expect(pullData('alfworld', { to: folder }, context)).rejects.toMatchObject({
      message: 'Cannot download "games.zip": the server answers 404 Not Found, expected the file',
      hint: expect.stringContaining(`as ${join(folder, 'games.zip')} (SHA-256 ${sha256(archive)})`),
      badInput: false,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('stops before a download that would not fit', async () => {
    const source = context.sources.alfworld!;
    const huge = { ...source, artefacts: source.artefacts.map((artefact) => ({ ...artefact, diskBytes: 1e18 })) };
    await expect(pullData('alfworld', { to: folder }, { ...context, sources: { alfworld: huge } })).rejects.toThrow(
      /^Cannot download "games\.zip": .* are free in .*, expected about 1000000\.0 TB$/,
    );
    expect(asked).toEqual([]);
  });

  it('refuses names it does not know, with the nearest', async () => {
    await expect(pullData('alfwrld', {}, context)).rejects.toMatchObject({ hint: 'Did you mean "alfworld"?' });
    await expect(pullData('alfworld', { only: ['gams'] }, context)).rejects.toMatchObject({
      message: 'Cannot pull part "gams" of alfworld: it has none such, expected one of games, goals',
      hint: 'Did you mean "games"?',
      badInput: true,
    });
  });

  it('says what is wrong with a torn lock', async () => {
    await writeFile(join(folder, 'data.lock.json'), '{');
    await expect(pullData('alfworld', { to: folder }, context)).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot read ".*data\.lock\.json": /),
      hint: 'Remove it to trust the next pull anew.',
    });
  });
});

describe('withProxyHint()', () => {
  const error = new SpaError('data', 'Cannot download "a": getaddrinfo ENOTFOUND b', { hint: 'By hand.' });

  it('tells who has a proxy how Node uses it', () => {
    expect(withProxyHint(error, { HTTPS_PROXY: 'http://p' })).toMatchObject({
      message: error.message,
      hint: 'By hand. HTTPS_PROXY is used only with NODE_USE_ENV_PROXY=1, which Node 24 and newer know.',
    });
    expect(withProxyHint(error, {})).toBe(error);
    expect(withProxyHint(error, { HTTPS_PROXY: 'http://p', NODE_USE_ENV_PROXY: '1' })).toBe(error);
  });
});

describe('listData()', () => {
  it('says what is here, how much, and whether it was checked', async () => {
    context = { ...context, env: { ALFWORLD_DATA: folder } };
    await listData(context);
    expect(printed).toContain(`alfworld  ${folder} (by ALFWORLD_DATA): nothing`);
    await pullData('alfworld', { to: folder, only: ['games', 'goals'] }, context);
    printed = '';
    await listData(context);
    expect(printed).toContain('1 train, 1 valid_seen game files');
    expect(printed).toMatch(/games {2}games\.zip {3}unknown {2}verified {3}games/);
    expect(printed).toMatch(/goals {2}goals\.json {2}unknown {2}first use {2}goals/);
    await rm(join(folder, 'json_2.1.1/train'), { recursive: true });
    await writeFile(join(folder, 'goals.json'), 'x');
    printed = '';
    await listData(context);
    expect(printed).toContain('1 of 2 files missing or changed');
    expect(printed).toMatch(/goals\.json {2}unknown {2}changed/);
  });
});

describe('dataSources', () => {
  const all = Object.values(dataSources).flatMap(({ artefacts }) => artefacts);

  it('are well formed, and mirrors have a checksum to vouch for them', () => {
    for (const { addresses, sha256: digest, file } of all) {
      for (const address of addresses) expect(new URL(address).protocol).toMatch(/^https?:$/);
      expect(digest === null || /^[0-9a-f]{64}$/.test(digest), file).toBe(true);
      if (addresses.length > 1) expect(digest, file).not.toBeNull();
    }
    for (const { usual, artefacts } of Object.values(dataSources)) {
      for (const part of usual) expect(artefacts.map(({ part: known }) => known)).toContain(part);
    }
  });

  it('puts programs and graphs where the loader looks, and leaves out the rest', () => {
    const { place, gzip } = dataSources.virtualhome.artefacts.find(({ part }) => part === 'programs')!.archive!;
    const folderName = 'programs_processed_precond_nograb_morepreconds';
    const graph = `${folderName}/init_and_final_graphs/TrimmedTestScene1_graph/results/file1_1.json`;
    expect(place!(graph)).toBe(graph);
    expect(place!('init_and_final_graphs/a.json')).toBe(`${folderName}/init_and_final_graphs/a.json`);
    expect(place!(`${folderName}/withoutconds/a.txt`)).toBeUndefined();
    expect(place!(`__MACOSX/${graph}`)).toBeUndefined();
    expect([gzip!(graph), gzip!(`${folderName}/executable_programs/a.txt`)]).toEqual([true, false]);
  });

  const known = [
    ['tasks/STeCa/vh_seen_test.jsonl', 'virtualhome/tasks/STeCa/vh_seen_test.jsonl.gz'],
    ['tasks/STeCa/vh_unseen_test.jsonl', 'virtualhome/tasks/STeCa/vh_unseen_test.jsonl.gz'],
    ['items_ins_v2_1000.json', 'webshop/products_1k/data/items_ins_v2_1000.json.gz'],
  ] as const;
  it.skipIf(!existsSync(shared)).each(known)('names the size and SHA-256 of %s (needs ../shared/data)', (file, at) => {
    const bytes = gunzipSync(readFileSync(join(shared, at)));
    const artefact = all.find((candidate) => candidate.file === file)!;
    expect({ sizeBytes: bytes.length, sha256: sha256(bytes) }).toEqual({
      sizeBytes: artefact.sizeBytes,
      sha256: artefact.sha256,
    });
  });
});

describe('driveForm()', () => {
  const address = 'https://drive.usercontent.google.com/download?id=ID&export=download&confirm=t';
  const page = `<html><title>Google Drive - Virus scan warning</title><form id="download-form"
    action="https://drive.usercontent.google.com/download" method="get"><input type="submit" value="Download anyway"/>
    <input type="hidden" name="id" value="ID"><input type="hidden" name="confirm" value="t"><input type="hidden"
    name="uuid" value="1-2"></form></html>`;

  it('presses the button of the page that warns of unscanned files', () => {
    expect(driveForm(page, address)).toBe('https://drive.usercontent.google.com/download?id=ID&confirm=t&uuid=1-2');
  });

  it('follows no other page and to no other place', () => {
    expect(driveForm('<title>Quota exceeded</title>', address)).toBeUndefined();
    expect(driveForm(page, 'https://example.org/x')).toBeUndefined();
    expect(driveForm(page.replace('drive.usercontent.google.com', 'example.org'), address)).toBeUndefined();
  });
});

describe('a transfer', () => {
  it('writes share, amount, rate and time left', () => {
    const line = transferLine({ name: 'a.zip', unit: 'bytes', done: 45e6, total: 90e6, rate: 3e6 });
    expect(line).toBe('a.zip  ████████████░░░░░░░░░░░░  50 %  45.0 MB of 90.0 MB  3.0 MB/s  15 s left');
    expect(transferLine({ name: 'a', unit: 'files', done: 1200, total: null, rate: 0 })).toBe('a  1,200 files');
    expect([0.2, 61, 7200].map(timeText)).toEqual(['1 s', '1 min', '2 h 0 min']);
  });

  it('moves one line on a terminal and writes few lines elsewhere', () => {
    const run = (isTTY: boolean): string => {
      let now = 0;
      let text = '';
      const write = (more: string): void => {
        text += more;
      };
      const screen = { isTTY, columns: 60, write };
      const transfer = showTransfer('a', 'bytes', screen, () => now);
      for (let done = 0; done <= 1000; done++) {
        now += 5;
        transfer.progress(done, 1000);
      }
      transfer.end();
      return text;
    };
    expect(run(false).split('\n').length).toBeLessThan(10);
    expect(run(false)).toContain('100 %');
    expect(run(true)).not.toContain('\n');
    expect(run(true).endsWith('\r\u001b[K')).toBe(true);
  });
});
