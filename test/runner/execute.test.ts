import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/runner/event.ts';
import { type ExecuteOptions, executePlan } from '../../src/runner/execute.ts';
import { inlineExecutor } from '../../src/runner/inline.ts';
import { keysOf } from '../../src/runner/key.ts';
import { acquireLock } from '../../src/runner/lock.ts';
import type { Plan, StageContext } from '../../src/runner/stage.ts';
import { lockFolder, lookup, resultFolder } from '../../src/runner/store.ts';
import { echo, node, plan } from './echo.ts';

let store: string;
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'spa-store-'));
});
afterEach(() => rm(store, { recursive: true, force: true }));

const diamond = (rate = 1): Plan =>
  plan(
    node('top', { rate }),
    node('left', { side: 1 }, ['top']),
    node('right', { side: 2 }, ['top']),
    node('end', {}, ['left', 'right']),
  );

async function execute(
  work: Plan,
  options: Partial<ExecuteOptions> & { before?: (c: StageContext) => void | Promise<void> } = {},
) {
  const events: RunEvent[] = [];
  const outcomes = await executePlan(work, {
    store,
    executor: inlineExecutor(echo(options.before)),
    cores: 2,
    signal: new AbortController().signal,
    emit: (event) => events.push(event),
    ...options,
  });
  const statuses = Object.fromEntries([...outcomes].map(([id, { status }]) => [id, status]));
  const notes = Object.fromEntries(events.flatMap((e) => (e.type === 'finished' ? [[e.node, e.note]] : [])));
  return { outcomes, events, statuses, notes };
}

const all = (status: string) => ({ top: status, left: status, right: status, end: status });
const topOf = (work: Plan) => ({ stage: 'echo', key: keysOf(work).get('top')! });

/** Changes a result's record. */
async function rewrite(folder: string, change: (record: Record<string, unknown>) => object): Promise<void> {
  const path = join(folder, 'stage.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>; // written by publish
  await writeFile(path, JSON.stringify(change(record), null, 2));
}

describe('executePlan()', () => {
  it('runs every stage once, and a second time none', async () => {
    const first = await execute(diamond());
    expect(first.statuses).toEqual(all('run'));
    const second = await execute(diamond());
    expect(second.statuses).toEqual(all('cached'));
    expect(second.outcomes.get('end')!.summary).toEqual(first.outcomes.get('end')!.summary);
  });

  it('publishes every file but those that begin with a dot', async () => {
    await execute(diamond());
    expect((await readdir(resultFolder(store, topOf(diamond())))).sort()).toEqual(['said.json', 'stage.json']);
    expect(await readdir(join(store, '.partial'))).toEqual([]);
    expect(await readdir(join(store, '.lock'))).toEqual([]);
  });

  it('says why a stage runs', async () => {
    expect((await execute(diamond())).notes).toEqual({
      ...all('new'),
      end: expect.anything(),
      left: expect.anything(),
      right: expect.anything(),
    });
    const { notes, statuses } = await execute(diamond(2));
    expect(statuses).toEqual(all('run'));
    expect(notes).toEqual({
      top: 'rate 1 -> 2',
      left: 'input top changed',
      right: 'input top changed',
      end: 'input left changed; input right changed',
    });
  });

  it('finds a flipped byte, quarantines the result and computes it again', async () => {
    await execute(diamond());
    const file = join(resultFolder(store, topOf(diamond())), 'said.json');
    const right = await readFile(file);
    const wrong = Buffer.from(right);
    wrong[3] = wrong[3]! ^ 1;
    await writeFile(file, wrong);
    const { statuses, events, notes } = await execute(diamond());
    expect(statuses).toEqual({ ...all('cached'), top: 'run' });
    expect(notes.top).toMatch(/^damaged: said\.json has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}$/);
    expect(events.filter(({ type }) => type === 'quarantined')).toHaveLength(1);
    expect(await readFile(file)).toEqual(right);
    const [kept] = await readdir(join(store, '.quarantine'));
    expect(await readFile(join(store, '.quarantine', kept!, 'said.json'))).toEqual(wrong);
    expect(
      JSON.parse(await readFile(join(store, '.quarantine', kept!, 'quarantine.json'), 'utf8')).problems,
    ).toHaveLength(1);
  });

  it.each([
    ['a missing file', (folder: string) => rm(join(folder, 'said.json')), 'damaged: said.json is missing'],
    [
      'a cut file',
      (folder: string) => writeFile(join(folder, 'said.json'), '{'),
      'damaged: said.json has 1 bytes, expected 33',
    ],
    ['a missing record', (folder: string) => rm(join(folder, 'stage.json')), 'damaged: stage.json is missing'],
    [
      'a broken record',
      (folder: string) => writeFile(join(folder, 'stage.json'), '{'),
      'damaged: stage.json is damaged',
    ],
    [
      'a changed number in its summary',
      (folder: string) => rewrite(folder, (record) => ({ ...record, summary: { length: 34 } })),
      expect.stringMatching(/^damaged: stage\.json has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}$/),
    ],
    [
      'a number too large for JSON in its record',
      (folder: string) => writeFile(join(folder, 'stage.json'), '{"format":1,"files":[],"seconds":1e999}'),
      'damaged: stage.json is damaged',
    ],
    [
      'a file struck off its record',
      (folder: string) => rewrite(folder, (record) => ({ ...record, files: [] })),
      expect.stringMatching(/^damaged: stage\.json has SHA-256 /),
    ],
    [
      'a record without its SHA-256',
      (folder: string) => rewrite(folder, ({ sha256: _, ...record }) => record),
      expect.stringMatching(/^damaged: stage\.json has SHA-256 [0-9a-f]{64}, expected one in it$/),
    ],
    [
      'a file that its record does not name',
      async (folder: string) => {
        await mkdir(join(folder, 'more'));
        await writeFile(join(folder, 'more', 'a.json'), '{}');
      },
      'damaged: more/a.json is not in stage.json',
    ],
  ])('does not believe a result with %s', async (_, damage, note) => {
    await execute(diamond());
    await damage(resultFolder(store, topOf(diamond())));
    expect((await execute(diamond())).notes.top).toEqual(note);
    expect((await lookup(store, topOf(diamond()))).status).toBe('hit');
  });

  it('believes a result to which a system has added files that begin with a dot', async () => {
    await execute(diamond());
    await writeFile(join(resultFolder(store, topOf(diamond())), '.DS_Store'), 'x');
    expect((await execute(diamond())).statuses).toEqual(all('cached'));
  });

  it('lets independent lanes end when one stage fails, and skips what needs it', async () => {
    const two = plan(...diamond().nodes, node('other', { lane: 2 }), node('after', {}, ['other']));
    const before = ({ node: { id } }: StageContext): void => {
      if (id === 'left') throw new Error('no disk');
    };
    const { statuses, notes } = await execute(two, { before });
    expect(statuses).toEqual({ top: 'run', left: 'failed', right: 'run', end: 'skipped', other: 'run', after: 'run' });
    expect([notes.left, notes.end]).toEqual(['no disk', 'needs left']);
    expect((await execute(two)).statuses).toEqual({
      top: 'cached',
      left: 'run',
      right: 'cached',
      end: 'run',
      other: 'cached',
      after: 'cached',
    });
  });

  it('stops at the signal, keeps what is done, and goes on in the same folder', async () => {
    const controller = new AbortController();
    const interrupted = await execute(diamond(), {
      cores: 1,
      signal: controller.signal,
      before: async ({ node: { id }, folder, signal }) => {
        if (id !== 'left') return;
        await writeFile(join(folder, '.begun'), 'half');
        controller.abort(new Error('interrupted'));
        throw signal.reason;
      },
    });
    expect(interrupted.statuses).toEqual({ top: 'run', left: 'interrupted', right: 'skipped', end: 'skipped' });
    let found = '';
    const resumed = await execute(diamond(), {
      before: async ({ node: { id }, folder }) => {
        if (id === 'left') found = await readFile(join(folder, '.begun'), 'utf8');
      },
    });
    expect(resumed.statuses).toEqual({ ...all('run'), top: 'cached' });
    expect(found).toBe('half');
  });

  it('computes a forced stage anew', async () => {
    await execute(diamond());
    const { statuses, notes } = await execute(diamond(), { force: new Set(['left']) });
    expect(statuses).toEqual({ ...all('cached'), left: 'run' });
    expect(notes.left).toBe('forced');
  });

  it('never gives out more cores than there are, and all of them to a stage that is alone', async () => {
    const wide = plan(...[1, 2, 3].map((n) => node(`w${n}`, { n })), node('last', {}, ['w1', 'w2', 'w3']));
    const auto = plan(...wide.nodes.map((one) => ({ ...one, resources: { threads: 0 } })));
    const granted: Record<string, number> = {};
    let used = 0;
    let most = 0;
    await execute(auto, {
      cores: 4,
      before: async ({ node: { id, resources } }) => {
        granted[id] = resources.threads as number;
        used += granted[id];
        most = Math.max(most, used);
        await new Promise(setImmediate);
        used -= granted[id];
      },
    });
    // Three are ready for four cores: 4/3 = 1, then 3/2 = 1, then 2/1 = 2.
    expect(granted).toEqual({ w1: 1, w2: 1, w3: 2, last: 4 });
    expect(most).toBe(4);
  });

  it('computes one key once when two runs ask for it at the same time', async () => {
    let runs = 0;
    const before = async (): Promise<void> => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const [a, b] = await Promise.all([execute(plan(node('one')), { before }), execute(plan(node('one')), { before })]);
    expect(runs).toBe(1);
    expect([a.statuses.one, b.statuses.one].sort()).toEqual(['cached', 'run']);
  });
});

describe('acquireLock()', () => {
  const signal = new AbortController().signal;
  const take = (folder: string) => acquireLock(folder, { signal, pollMs: 5 });
  const plant = async (owner: object | undefined): Promise<string> => {
    const folder = lockFolder(store, { stage: 'echo', key: '0'.repeat(64) });
    await mkdir(folder, { recursive: true });
    if (owner !== undefined) await writeFile(join(folder, 'owner.json'), JSON.stringify(owner));
    return folder;
  };

  it('takes over from an owner that has died', async () => {
    const folder = await plant({ token: 'old', host: hostname(), pids: [2 ** 22 + 1] }); // above the largest process id of Linux
    await using _ = await take(folder);
    expect(JSON.parse(await readFile(join(folder, 'owner.json'), 'utf8')).pids).toEqual([process.pid]);
  });

  it('waits while any process that works under it lives, and says so', async () => {
    const folder = await plant({ token: 'old', host: hostname(), pids: [2 ** 22 + 1, process.pid] });
    const waited: (number | undefined)[] = [];
    const lock = acquireLock(folder, { signal, pollMs: 5, onWait: (pid) => waited.push(pid) });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(waited).toEqual([2 ** 22 + 1]);
    await rm(folder, { recursive: true });
    await (await lock)[Symbol.asyncDispose]();
  });

  it('leaves an owner on another host alone while its heart beats', async () => {
    const folder = await plant({ token: 'old', host: 'elsewhere', pids: [1] });
    const controller = new AbortController();
    const lock = acquireLock(folder, { signal: controller.signal, pollMs: 5 });
    setTimeout(() => controller.abort(new Error('enough')), 30);
    await expect(lock).rejects.toThrow('enough');
  });

  it('lets only one of many through at a time, stale lock included', async () => {
    const folder = await plant({ token: 'old', host: hostname(), pids: [2 ** 22 + 1] });
    let inside = 0;
    let most = 0;
    const visit = async (): Promise<void> => {
      await using _ = await take(folder);
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, visit));
    expect(most).toBe(1);
  });
});
