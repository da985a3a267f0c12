/** The command itself, in real processes, on stages whose right answer is known. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, type Started, startNode } from './process.ts';

const command = fileURLToPath(new URL('./fixtures/echo-spa.mjs', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-e2e-'));
  await writeFile(join(folder, 'echo.json'), JSON.stringify({ name: 'echo' }));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (words: readonly string[], env: Record<string, string> = {}): Started =>
  startNode([command, ...words], { cwd: folder, env: { ECHO_BUILT: '1', ...env } });

const spa = (words: readonly string[], env: Record<string, string> = {}): Promise<Ended> => start(words, env).ended;

/** The status of each stage in plain output. */
const statusesOf = ({ out }: Ended): Record<string, string> =>
  Object.fromEntries([...out.matchAll(/^(\w+) +(\w+)\/seed=1 /gm)].map((match) => [match[2], match[1]]));

/** Every published file with its content. */
async function results(): Promise<Record<string, string>> {
  const store = join(folder, 'runs/store');
  const names = (await readdir(store)).filter((name) => !name.startsWith('.')).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(store, name, 'echo.json'), 'utf8')])),
  );
}

const everything = (status: string) => ({ first: status, left: status, right: status, last: status });

// The first command compiles a stale checkout; later ones find it done.
beforeAll(async () => {
  const child = spawn(process.execPath, [command, 'help'], { stdio: 'ignore' });
  await new Promise((resolve) => child.on('close', resolve));
});

describe('spa run', () => {
  it('runs all stages, and a second time finds all of them cached', async () => {
    const first = await spa(['run', 'echo.json']);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(statusesOf(first)).toEqual(everything('run'));
    const second = await spa(['run', 'echo.json']);
    expect(statusesOf(second)).toEqual(everything('cached'));
    // size of {"params":{"seed":1,"sft":{"epochs":3,"learningRate":0.00002}},"inputs":{}} with 2e-5 written as 0.00002
    expect(second.out).toContain('\nfirst/seed=1 75\n');
  });

  it('writes one aligned line per stage into a pipe', async () => {
    const { out } = await spa(['run', 'echo.json']);
    const lines = out.split('\n').slice(0, 4);
    for (const line of lines) expect(line).toMatch(/^run {9}\w+\/seed=1 +[0-9a-f]{8} {1,5}\d+\.\d\d s {2}new$/);
    expect(new Set(lines.map((line) => line.indexOf(' s  new')))).toHaveProperty('size', 1);
    expect(out).toMatch(/\ndone: run \d{8}-\d{6}-[0-9a-f]{4} in runs\/echo\/\d{8}-\d{6}-[0-9a-f]{4}\n$/);
  });

  it('writes one event per line for programs, the same as it keeps', async () => {
    const { out } = await spa(['run', 'echo.json', '--json']);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const ended = events.pop();
    expect(ended).toMatchObject({ type: 'ended', status: 'finished' });
    const kept = (await readFile(join(folder, ended.folder, 'events.jsonl'), 'utf8')).trim().split('\n');
    expect(kept.map((line) => JSON.parse(line)).map(({ time: _, ...event }) => event)).toEqual(events);
    const metrics = events.filter((event) => event.type === 'metrics' && event.node === 'last/seed=1');
    expect(metrics.map(({ step, values }) => [step, values.value])).toEqual(
      Array.from({ length: 10 }, (_, i) => [i, i / 10]),
    );
    const record = JSON.parse(await readFile(join(folder, ended.folder, 'run.json'), 'utf8'));
    expect(record.nodes.map((node: { status: string }) => node.status)).toEqual(['run', 'run', 'run', 'run']);
  });

  it('goes on to its end when the reader of its output leaves', async () => {
    const run = start(['run', 'echo.json', '--json']);
    await run.said('"started"');
    run.child.stdout?.destroy();
    expect((await run.ended).code).toBe(0);
    expect(statusesOf(await spa(['run', 'echo.json']))).toEqual(everything('cached'));
  });

  it('ends with the same results when a stage process was killed halfway', async () => {
    const killed = await spa(['run', 'echo.json'], { ECHO_TROUBLE: 'left/seed=1:kill' });
    expect(killed.code).toBe(1);
    expect(statusesOf(killed)).toEqual({ ...everything('run'), left: 'failed', last: 'skipped' });
    expect(killed.err).toBe(
      '\nCannot run stage "left/seed=1": its process ended with SIGKILL, expected a result\n' +
        'Hint: The system kills processes like this when memory runs out; the same command goes on from what is kept\n',
    );
    const resumed = await spa(['run', 'echo.json']);
    expect(statusesOf(resumed)).toEqual({ ...everything('cached'), left: 'run', last: 'run' });
    const after = await results();
    await rm(join(folder, 'runs'), { recursive: true });
    await spa(['run', 'echo.json']);
    expect(await results()).toEqual(after);
  });

  it('goes on where it was after the whole command was killed', async () => {
    const run = start(['run', 'echo.json', '--json'], { ECHO_STEP_MS: '40' });
    await run.said('"node":"left/seed=1","step":3');
    process.kill(run.child.pid!, 'SIGKILL'); // the command alone: its stage processes must notice
    await run.ended;
    const resumed = await spa(['run', 'echo.json']);
    expect(resumed.code).toBe(0);
    expect(statusesOf(resumed)).toMatchObject({ first: 'cached', left: 'run', last: 'run' });
    const record = JSON.parse((await spa(['ls', '--json'])).out.split('\n')[1]!);
    const left = record.nodes.find((node: { id: string }) => node.id === 'left/seed=1');
    expect(left.summary.begun).toBeGreaterThanOrEqual(3);
    expect((await spa(['ls'])).out).toMatch(/ killed /);
  });

  it('stops at a safe point at the first Ctrl-C', async () => {
    const run = start(['run', 'echo.json', '--json'], { ECHO_STEP_MS: '100' });
    await run.said('"step":2');
    process.kill(-run.child.pid!, 'SIGINT'); // the whole group, as a terminal does
    const { code, out, err } = await run.ended;
    expect(code).toBe(130);
    expect(err).toBe(
      'Interrupted: stages stop at their next safe point and keep what they have; press Ctrl-C again to end now\n',
    );
    const finished = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === 'finished');
    expect(finished.map(({ status }) => status).sort()).toEqual(['interrupted', 'skipped', 'skipped', 'skipped']);
    expect(statusesOf(await spa(['run', 'echo.json']))).toEqual(everything('run'));
  });

  it('ends at once at the second Ctrl-C', async () => {
    const run = start(['run', 'echo.json', '--json'], { ECHO_STEP_MS: '60000' });
    await run.said('"started"');
    process.kill(-run.child.pid!, 'SIGINT');
    await run.said('Interrupted');
    process.kill(-run.child.pid!, 'SIGINT');
    expect((await run.ended).code).toBe(130);
    const groupLives = (): boolean => {
      try {
        return process.kill(-run.child.pid!, 0);
      } catch {
        return false;
      }
    };
    await expect.poll(groupLives, { timeout: 10_000, interval: 20 }).toBe(false); // the system takes a moment to bury the killed
  });

  it('computes a stage once when two commands race for it', async () => {
    const both = await Promise.all([
      spa(['run', 'echo.json'], { ECHO_STEP_MS: '20' }),
      spa(['run', 'echo.json'], { ECHO_STEP_MS: '20' }),
    ]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const statuses = both.map(statusesOf);
    for (const stage of ['first', 'left', 'right', 'last']) {
      expect(statuses.map((one) => one[stage]).sort()).toEqual(['cached', 'run']);
    }
    expect(both[0].out.split('\n\n')[1]!.split('\n').sort()).toEqual(both[1].out.split('\n\n')[1]!.split('\n').sort());
  });

  it('runs the same stages for a changed name, note or engine, and others for a changed parameter', async () => {
    await spa(['run', 'echo.json']);
    const plan = async (...words: string[]) => statusesOf(await spa(['plan', 'echo.json', ...words]));
    expect(await plan('--set', 'name=other', '--set', 'note=why', '--set', 'engine.threads=1')).toEqual(
      everything('cached'),
    );
    expect(await plan('--set', 'ppo.epochs=2')).toEqual({ first: 'cached', left: 'run', right: 'cached', last: 'run' });
    expect((await spa(['why', 'echo.json', 'left', '--set', 'ppo.epochs=2'])).out).toMatch(
      /\n {2}ppo\.epochs 4 -> 2\n$/,
    );
  });
});

describe('tracking', () => {
  const close = (server: Server): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  const listen = (answer: RequestListener): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer(answer).listen(0, '127.0.0.1', () => resolve(server));
    });
  const uriOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // TCP

  it('tells what a server refuses for good', async () => {
    const server = await listen((request, response) => {
      request.resume().on('end', () => {
        const isBatch = request.url?.endsWith('/log-batch') === true;
        const info = { run_id: 'a', status: 'RUNNING', artifact_uri: 'mlflow-artifacts:/0/a' };
        const answer = { experiment: { experiment_id: '0', lifecycle_stage: 'active' }, runs: [{ info, data: {} }] };
        response.writeHead(isBatch ? 400 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(isBatch ? { error_code: 'INVALID_PARAMETER_VALUE', message: 'no luck' } : answer));
      });
    });
    const { code, err } = await spa(['run', 'echo.json'], { MLFLOW_TRACKING_URI: uriOf(server) });
    await close(server);
    expect(code).toBe(0);
    expect(err).toMatch(/^Tracking: http:\S+ did not take everything \(.*400 no luck.*\)\n$/);
  });

  it('never delivers to one place what waits for another', async () => {
    const gone = { MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' }; // the discard port: nobody listens
    expect((await spa(['run', 'echo.json'], gone)).err).toMatch(
      /^Tracking: \d+ records wait for http:\/\/127\.0\.0\.1:9 /,
    );
    const here = await spa(['run', 'echo.json'], { MLFLOW_TRACKING_URI: 'file:mlruns' });
    expect(here).toMatchObject({ code: 0, err: '' });
    const tracked = (await readdir(join(folder, 'mlruns'), { recursive: true })).filter((path) =>
      path.endsWith('tags/spa.run'),
    );
    const runs = await Promise.all(tracked.map((path) => readFile(join(folder, 'mlruns', path), 'utf8')));
    expect(new Set(runs)).toEqual(new Set([/run (\S+) in/.exec(here.out)![1]]));
    const waiting = (await readdir(join(folder, 'runs/.outbox'), { recursive: true })).filter((path) =>
      path.endsWith('.jsonl'),
    );
    expect(waiting).toEqual([expect.stringMatching(/^http-127\.0\.0\.1-9-[0-9a-f]{8}\//)]);
  });
});

describe('a run that cannot go on', () => {
  it('leaves no record if its tracker has no usable address', async () => {
    expect(await spa(['run', 'echo.json'], { MLFLOW_TRACKING_URI: 'databricks' })).toEqual({
      code: 2,
      out: '',
      err: 'Cannot open tracker "databricks": unknown kind, expected none, file:<folder> or http(s)://<server>\n',
    });
    expect((await spa(['ls', '--json'])).out).toBe('');
  });

  it('is recorded as failed, with the reason, if the store cannot be used', async () => {
    await mkdir(join(folder, 'runs'));
    await writeFile(join(folder, 'runs/store'), '');
    const { code, err } = await spa(['run', 'echo.json'], { MLFLOW_TRACKING_URI: 'file:mlruns' });
    expect(code).toBe(1);
    expect(err).toMatch(/^Cannot open store ".*\/runs\/store": EEXIST/);
    const record = JSON.parse((await spa(['ls', '--json'])).out);
    expect(record).toMatchObject({ status: 'failed', error: expect.stringContaining('EEXIST') });
    const metas = (await readdir(join(folder, 'mlruns'), { recursive: true })).filter((path) =>
      /^[1-9]\d+\/\w{32}\/meta\.yaml$/.test(path),
    );
    expect(await readFile(join(folder, 'mlruns', metas[0]!), 'utf8')).toContain('status: 4\n'); // FAILED
  });
});

describe('bad input', () => {
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  const refused = (err: string) => ({ code: 2, out: '', err });

  it('is a manifest that does not exist', async () => {
    expect(await spa(['run', 'echo.jsn'])).toEqual(
      refused(
        'Cannot read experiment "echo.jsn": its name ends in ".jsn", expected one of .ts, .mts, .js, .mjs, .yaml, .yml, .json\n',
      ),
    );
    expect(await spa(['run', 'eco.json'])).toEqual(
      refused(
        'Cannot read experiment "eco.json": there is no such file, expected a manifest\nHint: Did you mean "echo.json"?\n',
      ),
    );
  });

  it('is a manifest that throws, with its line', async () => {
    await write(
      'bad.ts',
      "import { defineExperiment } from 'spa';\n\nif (defineExperiment) throw new Error('no luck');\n",
    );
    expect(await spa(['run', 'bad.ts'])).toEqual(
      refused('Cannot read experiment "bad.ts": it throws at bad.ts:3: no luck\n'),
    );
  });

  it('is a manifest without a default export', async () => {
    await write('bad.ts', 'export const name = 1;\n');
    expect(await spa(['run', 'bad.ts'])).toEqual(
      refused(
        'Cannot read experiment "bad.ts": it has no default export, expected an experiment\n' +
          "Hint: End it with `export default defineExperiment({ name: '…' })`\n",
      ),
    );
  });

  it('is an unknown field and a wrong type, both named with their lines', async () => {
    await write(
      'bad.ts',
      "import { defineExperiment } from 'spa';\nexport default defineExperiment({\n  name: 'x',\n  seds: [1],\n  prompt: {\n    instruction: 'no',\n  },\n});\n",
    );
    expect(await spa(['run', 'bad.ts'])).toEqual(
      refused(
        'Cannot read experiment "bad.ts": 2 problems\n' +
          '  bad.ts:4  seds: unknown field, expected one of the 16 fields of its group; did you mean "seeds"?\n' +
          '  bad.ts:6  prompt.instruction: "no", expected a boolean\n',
      ),
    );
  });

  it('is an override of a field that does not exist', async () => {
    expect(await spa(['run', 'echo.json', '--set', 'ppo.clp=1'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(
        /^Cannot read experiment "echo\.json": 1 problem\n {2}--set ppo\.clp=1 {2}ppo\.clp: unknown field, .*; did you mean "clip"\?\n$/,
      ),
    });
  });

  it('is a run folder that cannot be written to', async () => {
    await write('spa.config.yaml', 'runs: echo.json/runs\n'); // below a file: refused to every user, root included
    expect(await spa(['run', 'echo.json'])).toEqual(
      refused(
        `Cannot write to run folder "echo.json/runs": ENOTDIR: not a directory, mkdir '${folder}/echo.json/runs', expected a folder you may write to\n` +
          'Hint: Set `runs` in spa.config.ts to a folder of yours\n',
      ),
    );
  });

  it('is a config with a field that does not exist', async () => {
    await write('spa.config.yaml', '# where\nrns: x\n');
    expect(await spa(['ls'])).toEqual(
      refused(
        'Cannot read config "spa.config.yaml": 1 problem\n  spa.config.yaml:2  rns: unknown field, expected one of runs, cores, tracking; did you mean "runs"?\n',
      ),
    );
  });

  it('is an unknown command', async () => {
    expect(await spa(['rnu'])).toEqual(refused("error: unknown command 'rnu'\n(Did you mean run?)\n"));
  });
});

describe('config', () => {
  it('is found above the working folder, and its paths start there', async () => {
    await writeFile(join(folder, 'package.json'), '{}');
    await writeFile(
      join(folder, 'spa.config.ts'),
      "import { defineConfig } from 'spa';\nexport default defineConfig({ runs: './there' });\n",
    );
    await mkdir(join(folder, 'below'));
    await writeFile(join(folder, 'below/echo.yaml'), 'name: echo\n');
    const { code } = await new Promise<{ code: number | null }>((resolve) => {
      const child = spawn(process.execPath, [command, 'run', 'echo.yaml'], {
        cwd: join(folder, 'below'),
        stdio: 'ignore',
      });
      child.on('close', (code) => resolve({ code }));
    });
    expect(code).toBe(0);
    expect(await readdir(join(folder, 'there'))).toContain('store');
  });
});
