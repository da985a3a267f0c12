import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConnection } from '../../src/track/mlflow-connection.ts';
import { sanitizeName, truncate } from '../../src/track/name.ts';
import { openTracker } from '../../src/track/open-tracker.ts';
import { readFileStore } from './read-file-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spa-open-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = () => ({ outboxFolder: join(folder, 'outbox'), env: {} });

describe('openTracker()', () => {
  it('takes MLFLOW_TRACKING_URI where no address is given, and none without it', async () => {
    const root = join(folder, 'mlruns');
    const env = { MLFLOW_TRACKING_URI: pathToFileURL(root).href };
    const tracker = await openTracker(undefined, { ...options(), env });
    tracker.run('exp', { name: 'run', identity: 'run' });
    expect(await tracker.close()).toEqual({ waiting: 0 });
    expect(readFileStore(root, 'exp').map((run) => run.name)).toEqual(['run']);
    const nothing = await openTracker(undefined, options());
    expect(nothing.run('exp', { name: 'run', identity: 'run' }).id).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each([
    ['mlruns', 'Cannot open tracker "mlruns": unknown kind, expected none, file:<folder> or http(s)://<server>'],
    [
      'databricks',
      'Cannot open tracker "databricks": unknown kind, expected none, file:<folder> or http(s)://<server>',
    ],
    ['http://', 'Cannot open tracker "http://": Invalid URL, expected an address'],
    ['http://:x', 'Cannot open tracker "http://:x": Invalid URL, expected an address'],
  ])('refuses the address %s', async (uri, message) => {
    await expect(openTracker(uri, options())).rejects.toMatchObject({
      boundary: 'track',
      badInput: true,
      message: expect.stringContaining(message),
    });
  });

  it('refuses a file store and an outbox that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(openTracker(`file:${folder}/file/mlruns`, options())).rejects.toThrow(
      /^Cannot open tracker .*ENOTDIR/,
    );
    const blocked = { outboxFolder: join(folder, 'file', 'outbox'), env: {} };
    await expect(openTracker('http://127.0.0.1:9', blocked)).rejects.toThrow(/^Cannot open outbox .*ENOTDIR/);
  });
});

describe('readConnection()', () => {
  const authorization = (env: Record<string, string>, address = 'http://host') =>
    readConnection(address, { HOME: folder, ...env }).authorization;
  const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

  it('signs in by token, then user and password, then address, then credentials file', () => {
    expect(authorization({})).toBeUndefined();
    mkdirSync(join(folder, '.mlflow'));
    const file =
      '[other]\nmlflow_tracking_username = no\n[mlflow]\nmlflow_tracking_username = ann\nmlflow_tracking_password = a=b\n';
    writeFileSync(join(folder, '.mlflow', 'credentials'), file);
    expect(authorization({})).toBe(basic('ann:a=b'));
    expect(authorization({}, 'http://bob:p%40@host')).toBe(basic('bob:p@'));
    const env = { MLFLOW_TRACKING_USERNAME: 'eve', MLFLOW_TRACKING_PASSWORD: 'x' };
    expect(authorization(env, 'http://bob:p%40@host')).toBe(basic('eve:x'));
    expect(authorization({ ...env, MLFLOW_TRACKING_TOKEN: 't' })).toBe('Bearer t');
  });

  it('leaves the credentials out of the address', () => {
    expect(readConnection('http://bob:p@host:5000/mlflow/', {}).uri).toBe('http://host:5000/mlflow');
  });

  it('reads patience in seconds and refuses what is no number', () => {
    const env = { MLFLOW_HTTP_REQUEST_TIMEOUT: '3', MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' };
    expect(readConnection('http://host', env)).toMatchObject({ timeoutMs: 3000, maxRetries: 0, backoffMs: 2000 });
    expect(() => readConnection('http://host', { MLFLOW_HTTP_REQUEST_TIMEOUT: 'long' })).toThrow(
      'Cannot read variable "MLFLOW_HTTP_REQUEST_TIMEOUT": it is "long", expected a number of at least 0',
    );
  });

  it('says which variable of Node stands for an insecure TLS setting', () => {
    const env = { MLFLOW_TRACKING_INSECURE_TLS: 'true' };
    expect(() => readConnection('https://host', env)).toThrow(
      'Cannot open tracker "host": MLFLOW_TRACKING_INSECURE_TLS is set, expected NODE_TLS_REJECT_UNAUTHORIZED=0 beside it',
    );
    expect(() => readConnection('https://host', { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).not.toThrow();
    expect(() => readConnection('http://host', env)).not.toThrow();
  });
});

describe('the file store', () => {
  it('writes the tree that MLflow expects', async () => {
    const tracker = await openTracker(`file:${folder}/mlruns`, { ...options(), now: () => 1_790_000_000_000 });
    const run = tracker.run("no: 'exp'", { name: '1e5', identity: 'run' });
    run.metrics([
      { key: 'a', value: Number.NEGATIVE_INFINITY, step: 1, timestampMs: 7 },
      { key: 'a/b', value: 1, step: 1, timestampMs: 7 },
      { key: 'a', value: Number.NaN, step: 2, timestampMs: 8.4 },
    ]);
    run.finish('KILLED');
    expect((await tracker.close()).reason).toContain('metric "a/b"');
    const root = join(folder, 'mlruns');
    const experiment = readdirSync(root).find((name) => /^\d{18}$/.test(name));
    const read = (path: string) => readFileSync(join(root, path), 'utf8');
    expect(read('0/meta.yaml')).toContain("name: 'Default'");
    expect(read(`${experiment}/meta.yaml`)).toContain(`experiment_id: '${experiment}'\n`);
    expect(read(`${experiment}/meta.yaml`)).toContain(`name: 'no: ''exp'''\n`);
    const meta = read(`${experiment}/${run.id}/meta.yaml`);
    for (const line of [
      `run_id: '${run.id}'`,
      "run_name: '1e5'",
      'status: 5',
      'source_type: 4',
      'end_time: 1790000000000',
    ]) {
      expect(meta).toContain(`${line}\n`);
    }
    expect(read(`${experiment}/${run.id}/metrics/a`)).toBe('7 -inf 1\n8 nan 2\n');
  });

  it('mends a metric file whose last line was cut off', async () => {
    const play = async (step: number) => {
      const tracker = await openTracker(`file:${folder}/mlruns`, options());
      const run = tracker.run('exp', { name: 'run', identity: 'run' });
      run.metrics([{ key: 'm', value: step, step, timestampMs: step }]);
      await tracker.close();
    };
    await play(1);
    const root = join(folder, 'mlruns');
    const path = readdirSync(root, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('metrics/m'))!;
    appendFileSync(join(root, path), '2 2');
    await play(2);
    expect(readFileSync(join(root, path), 'utf8')).toBe('1 1 1\n2 2 2\n');
  });
});

describe('names', () => {
  it.each([
    ['train/loss', 'train/loss'],
    ['a//b/../c', 'a/b/__/c'],
    ['café 🍎', 'caf_ _'],
    ['/', '_'],
    ['x'.repeat(300), 'x'.repeat(250)],
  ])('become acceptable: %s', (name, expected) => {
    expect(sanitizeName(name)).toBe(expected);
  });

  it('truncate() does not split a character', () => {
    expect(truncate('a🍎b', 2)).toBe('a');
    expect(truncate('a🍎b', 3)).toBe('a🍎');
    expect(truncate('a🍎b', 4)).toBe('a🍎b');
  });
});
