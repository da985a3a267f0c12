/** `spa doctor`: what works on this machine, and why what does not. */
import { stat } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { messageOf } from '../base/error.ts';
import { assertWritable } from '../base/file.ts';
import { plainAddress } from '../track/address.ts';
import { loadSettings, type Settings, shortPath } from './load.ts';
import { describeVersions } from './machine.ts';
import { bytesText, columns } from './table.ts';

type Row = readonly [ok: 'ok' | 'no' | 'bad', what: string, detail: string];

/** Prints one line per thing checked; returns 1 if something a run needs is bad. */
export async function doctorCommand(): Promise<number> {
  const settings = await loadSettings(process.cwd(), process.env);
  const rows = [
    await nodeRow(),
    await runsRow(settings),
    ...(await engineRows()),
    ...(await dataRows()),
    await trackerRow(settings),
  ];
  process.stdout.write(`${columns(['', 'what', 'detail'], rows)}\n`);
  return rows.some(([ok]) => ok === 'bad') ? 1 : 0;
}

async function nodeRow(): Promise<Row> {
  const { spa, node } = await describeVersions();
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  const machine = `${availableParallelism()} cores, ${bytesText(totalmem())}`;
  return [
    enough ? 'ok' : 'bad',
    'node',
    `spa ${spa}, node ${node}${enough ? '' : ', expected at least 20.19'}, ${machine}`,
  ];
}

async function runsRow(settings: Settings): Promise<Row> {
  const config = settings.file === undefined ? 'no config file' : shortPath(settings.file);
  try {
    await assertWritable(settings.runs);
    return ['ok', 'runs', `${shortPath(settings.runs)} (${config})`];
  } catch (error) {
    return ['bad', 'runs', `${shortPath(settings.runs)}: ${messageOf(error)}`];
  }
}

async function engineRows(): Promise<Row[]> {
  const { testEngines } = await import('../tensor/engines.ts');
  const engines = await testEngines();
  const rows = engines.map(({ name, version, selfTest, reason, hint }): Row => {
    if (selfTest?.ok) {
      const speed = `${selfTest.gflops.toFixed(selfTest.gflops < 10 ? 1 : 0)} GFLOP/s`;
      return ['ok', `engine ${name}`, `${version}, self-test within ${selfTest.maxError.toExponential(0)}, ${speed}`];
    }
    const why = (reason ?? 'it does not work').split('\n')[0]!;
    const short = why.length > 140 ? `${why.slice(0, 139)}…` : why;
    return [selfTest === undefined ? 'no' : 'bad', `engine ${name}`, [short, hint].filter(Boolean).join('; ')];
  });
  return engines.some(({ selfTest }) => selfTest?.ok) ? rows : [...rows, ['bad', 'engine', 'none works']];
}

/** One line per world: whether the folder its variable names is there. */
async function dataRows(): Promise<Row[]> {
  const { dataVariables } = await import('../stage/world.ts');
  return Promise.all(
    Object.entries(dataVariables).map(async ([world, variable]): Promise<Row> => {
      const folder = process.env[variable];
      if (!folder) return ['no', `${world} files`, `${variable} is not set; generated tasks need none`];
      const found = await stat(folder).catch(() => undefined);
      return found?.isDirectory()
        ? ['ok', `${world} files`, folder]
        : ['no', `${world} files`, `${folder} is not there`];
    }),
  );
}

async function trackerRow({ trackingUri }: Settings): Promise<Row> {
  if (trackingUri === 'none' || trackingUri.startsWith('file:')) return ['ok', 'tracking', trackingUri];
  if (!/^https?:/.test(trackingUri)) {
    return ['bad', 'tracking', `${trackingUri}: unknown kind, expected none, file:<folder> or http(s)://<server>`];
  }
  const address = plainAddress(trackingUri);
  try {
    const { status } = await fetch(`${address}/health`, { signal: AbortSignal.timeout(3000) });
    return status === 200 ? ['ok', 'tracking', address] : ['no', 'tracking', `${address} answers ${status}`];
  } catch (error) {
    const reason = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return ['no', 'tracking', `${address}: ${reason}; runs keep their records until it answers`];
  }
}
