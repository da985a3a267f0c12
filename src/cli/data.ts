/** `spa data pull` and `spa data ls`: the worlds' published data, fetched, checked, listed. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Fetch } from '../base/download-answer.ts';
import { badInput, SpaError } from '../base/error.ts';
import { nearest } from '../base/suggest.ts';
import { acquireLock } from '../runner/lock.ts';
import { countData } from './data-count.ts';
import { checkUnpacked, readLock } from './data-lock.ts';
import { type Pulled, pullArtefact } from './data-pull.ts';
import { type Artefact, type DataName, type DataSource, dataSources } from './data-source.ts';
import { shortPath } from './load.ts';
import { bytesText, columns } from './table.ts';
import type { Screen } from './transfer.ts';

/** What a command is told beside its words; tests hand in a server of their own. */
export interface DataContext {
  readonly sources: Readonly<Record<string, DataSource>>;
  readonly fetch: Fetch;
  readonly env: NodeJS.ProcessEnv;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** Options of `spa data pull`. */
export interface PullWords {
  readonly to?: string;
  readonly only?: readonly string[];
  readonly trust?: boolean;
}

/** Runs `spa data pull`; returns 0, or 130 if interrupted. */
export async function dataPullCommand(name: string, words: PullWords): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Error('interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  const context = { sources: dataSources, fetch, env: process.env, screen: stdoutScreen(), signal: stop.signal };
  try {
    await pullData(name, words, context);
    return 0;
  } catch (error) {
    if (!stop.signal.aborted || error instanceof SpaError) throw withProxyHint(error, process.env);
    process.stderr.write('Interrupted: what has arrived is kept; run the same command again to go on\n');
    return 130;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

/** Who sits behind a proxy must know that Node asks for it to be used. Source: nodejs.org/api/cli.html, NODE_USE_ENV_PROXY. */
export function withProxyHint(error: unknown, env: NodeJS.ProcessEnv): unknown {
  const proxy = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].find((name) => env[name]);
  if (!(error instanceof SpaError) || proxy === undefined || env.NODE_USE_ENV_PROXY) return error;
  if (!error.message.startsWith('Cannot download')) return error;
  const how = `${proxy} is used only with NODE_USE_ENV_PROXY=1, which Node 24 and newer know.`;
  return new SpaError(error.boundary, error.message, { cause: error.cause, hint: `${error.hint ?? ''} ${how}`.trim() });
}

/** Runs `spa data ls`; returns 0. */
export async function dataLsCommand(): Promise<number> {
  const { signal } = new AbortController();
  await listData({ sources: dataSources, fetch, env: process.env, screen: stdoutScreen(), signal });
  return 0;
}

const stdoutScreen = (): Screen => ({
  isTTY: process.stdout.isTTY,
  columns: process.stdout.columns ?? 80,
  write: (text) => void process.stdout.write(text),
});

/** Pulls the usual or the named parts of a world's data. @throws {SpaError} As {@link pullArtefact}; bad input if a name is unknown. */
export async function pullData(name: string, words: PullWords, context: DataContext): Promise<readonly Pulled[]> {
  const source = sourceOf(name, context.sources);
  const artefacts = partsOf(name, source, words.only ?? source.usual);
  const folder = resolve(words.to ?? defaultFolder(name));
  const print = (line: string): void => context.screen.write(`${line}\n`);
  const onWait = (pid: number | undefined): void =>
    print(`process ${pid ?? 'elsewhere'} pulls into ${folder}; waiting`);
  await using _lock = await lockFolder(folder, { signal: context.signal, onWait });
  const pulled: Pulled[] = [];
  for (const artefact of artefacts) {
    const { fetch, screen, signal } = context;
    const result = await pullArtefact(artefact, { folder, fetch, signal, screen, trust: words.trust ?? false });
    pulled.push(result);
    print(pulledLine(result));
  }
  const unrecorded = pulled.some(({ did, checked }) => did === 'fetched' && checked === 'first use');
  if (unrecorded) {
    print(
      `\nNobody has written down what "first use" files must be: what came is now in ${shortPath(join(folder, 'data.lock.json'))}`,
    );
    print('and later pulls into this folder check against it. Compare it with a colleague’s to be sure.');
  }
  const others = source.artefacts.filter(({ part }) => !artefacts.some((done) => done.part === part));
  if (words.only === undefined && others.length > 0) {
    print(
      `\nNot pulled, ask with --only: ${[...new Set(others.map(({ part }) => part))].join(', ')} (see spa data ls)`,
    );
  }
  const held = context.env[source.variable];
  const isSet = held !== undefined && resolve(held) === folder;
  print(
    isSet ? `\n${source.variable} already names this folder.` : `\nTo use it:  export ${source.variable}=${folder}`,
  );
  return pulled;
}

const lockFolder = (
  folder: string,
  options: { readonly signal: AbortSignal; readonly onWait: (pid: number | undefined) => void },
) =>
  acquireLock(join(folder, '.pull.lock'), options).catch((error: unknown) => {
    if (options.signal.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SpaError('data', `Cannot write to folder "${folder}": ${reason}, expected a place to write to`, {
      cause: error,
      hint: 'Name another one with --to.',
    });
  });

function pulledLine({ artefact, did, sha256, sizeBytes, checked, files }: Pulled): string {
  const how = checked === 'recorded' ? 'verified' : 'first use';
  const unpacked = files === undefined ? '' : `, ${files.toLocaleString('en-US')} files`;
  return `${did.padEnd(7)}  ${artefact.file}  ${bytesText(sizeBytes)}${unpacked}  ${how}, SHA-256 ${sha256}`;
}

function sourceOf(name: string, sources: DataContext['sources']): DataSource {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (source !== undefined) return source;
  const known = Object.keys(sources);
  const near = nearest(name, known);
  throw badInput('data', `Cannot pull data of "${name}": there is no such world, expected one of ${known.join(', ')}`, {
    ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
  });
}

function partsOf(name: string, source: DataSource, wanted: readonly string[]): readonly Artefact[] {
  const known = [...new Set(source.artefacts.map(({ part }) => part))];
  for (const part of wanted) {
    if (known.includes(part)) continue;
    const near = nearest(part, known);
    throw badInput(
      'data',
      `Cannot pull part "${part}" of ${name}: it has none such, expected one of ${known.join(', ')}`,
      {
        ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
      },
    );
  }
  return source.artefacts.filter(({ part }) => wanted.includes(part));
}

const defaultFolder = (name: string): string => join('data', name);

/** Prints what is present where. */
export async function listData(context: DataContext): Promise<void> {
  const print = (line: string): void => context.screen.write(`${line}\n`);
  for (const [name, source] of Object.entries(context.sources)) {
    const named = context.env[source.variable];
    const folder = resolve(named ?? defaultFolder(name));
    const why = named === undefined ? `${source.variable} is not set` : `by ${source.variable}`;
    const holds = await countData(name as DataName, folder); // the table's keys are those names
    print(`${name}  ${shortPath(folder)} (${why}): ${holds ?? 'nothing'}`);
    const rows = await Promise.all(source.artefacts.map((artefact) => artefactRow(artefact, folder)));
    const table = columns(['part', 'file', 'size', 'here', 'holds'], rows);
    const width = context.screen.isTTY ? Math.max(40, context.screen.columns - 1) : Number.POSITIVE_INFINITY;
    for (const line of table.split('\n')) print(cut(`  ${line}`, width));
    print('');
  }
  print('Pull with  spa data pull <world> [--only <part>] [--to <folder>]');
}

const cut = (line: string, width: number): string => (line.length <= width ? line : `${line.slice(0, width - 1)}…`);

async function artefactRow(artefact: Artefact, folder: string): Promise<string[]> {
  const size = artefact.sizeBytes === null ? 'unknown' : bytesText(artefact.sizeBytes);
  return [artefact.part, artefact.file, size, await presence(artefact, folder), artefact.holds];
}

async function presence({ file, archive, sha256 }: Artefact, folder: string): Promise<string> {
  const path = join(folder, file);
  const locked = (await readLock(folder))[file];
  const bytesOf = async (at: string) => (await stat(at).catch(() => undefined))?.size;
  const how = locked === undefined ? 'unchecked' : locked.sha256 === sha256 ? 'verified' : 'first use';
  if (archive === undefined) {
    const bytes = await bytesOf(path);
    if (bytes !== undefined) return locked !== undefined && locked.sizeBytes !== bytes ? 'changed' : how;
  } else {
    const unpacked = await checkUnpacked(folder, file, archive.folder ?? '.');
    if (unpacked?.missing.length === 0) return how;
    if (unpacked !== undefined) return `${unpacked.missing.length} of ${unpacked.files} files missing or changed`;
    if ((await bytesOf(path)) !== undefined) return 'not unpacked';
  }
  const part = await bytesOf(`${path}.part`);
  return part === undefined ? '-' : `part, ${bytesText(part)}`;
}
