/**
 * The content-addressed store of stage results: `<runs>/store/<stage>-<key>/` with the stage's files and `stage.json`. A result is
 * written in `.partial/`, which survives kills, and appears by one rename. A hit is believed only after the SHA-256 of the record
 * itself and the size and SHA-256 of every file were checked; what fails is moved to `.quarantine/` with a report and computed again.
 */
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { messageOf, SpaError } from '../base/error.ts';
import { readTextIfPresent, writeJson } from '../base/file.ts';
import { hashFile, hashJson, sha256 } from '../base/hash.ts';
import type { JsonObject } from '../base/json.ts';
import { mapLimit } from '../base/limit.ts';
import { storedName } from './key.ts';

/** One published file. */
export interface StoredFile {
  /** Relative to the result's folder, with `/`. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** The record beside a result, `stage.json`. */
export interface StoredStage {
  readonly format: 1;
  readonly key: string;
  readonly stage: string;
  readonly version: number;
  /** Id the node had in the plan that computed it. */
  readonly node: string;
  readonly params: JsonObject;
  /** Role -> what was read. */
  readonly inputs: Readonly<Record<string, { readonly node: string; readonly key: string }>>;
  readonly summary: JsonObject;
  readonly files: readonly StoredFile[];
  readonly seconds: number;
  /** ISO 8601. */
  readonly finishedAt: string;
  /** SHA-256 of the canonical JSON of all other members. */
  readonly sha256: string;
}

/** What is asked for: a stage and its key. */
export interface Identity {
  readonly stage: string;
  readonly key: string;
}

/** What a look into the store gives. */
export type Lookup =
  | { readonly status: 'hit'; readonly folder: string; readonly stored: StoredStage }
  | { readonly status: 'miss' }
  | { readonly status: 'bad'; readonly folder: string; readonly problems: readonly string[] };

/** Returns the folder of a result. @param root The store's folder. */
export const resultFolder = (root: string, { stage, key }: Identity): string => join(root, storedName(stage, key));
/** Returns the folder a result is written in before it is published. */
export const partialFolder = (root: string, { stage, key }: Identity): string =>
  join(root, '.partial', storedName(stage, key));
/** Returns the lock of a result. */
export const lockFolder = (root: string, { stage, key }: Identity): string =>
  join(root, '.lock', storedName(stage, key));

/** Looks a result up and verifies it. Changes nothing. */
export async function lookup(root: string, identity: Identity): Promise<Lookup> {
  const folder = resultFolder(root, identity);
  const text = await readTextIfPresent(join(folder, 'stage.json'));
  if (text === undefined) {
    const exists = await stat(folder).catch(() => undefined);
    return exists === undefined ? { status: 'miss' } : { status: 'bad', folder, problems: ['stage.json is missing'] };
  }
  const problems = await problemsOf(folder, text, identity.key);
  if (problems.length > 0) return { status: 'bad', folder, problems };
  return { status: 'hit', folder, stored: JSON.parse(text) as StoredStage }; // problemsOf has parsed it
}

async function problemsOf(folder: string, text: string, key: string | undefined): Promise<string[]> {
  const stored = parseStored(text);
  if (stored === undefined) return ['stage.json is damaged'];
  const digest = digestOfRecord(stored);
  if (digest === undefined) return ['stage.json is damaged'];
  if (digest !== stored.sha256) return [`stage.json has SHA-256 ${digest}, expected ${stored.sha256 ?? 'one in it'}`];
  if (key !== undefined && stored.key !== key) return [`stage.json is of key ${stored.key}, expected ${key}`];
  const listed = new Set(stored.files.map(({ path }) => path));
  const extra = (await publishedPaths(folder)).filter((path) => !listed.has(path));
  const found = await mapLimit(stored.files, 8, (file) => problemOf(folder, file));
  return [...found.filter((problem) => problem !== ''), ...extra.map((path) => `${path} is not in stage.json`)];
}

/** Returns undefined for numbers too large for JSON, which are read as infinity. */
function digestOfRecord({ sha256: _, ...rest }: StoredStage): string | undefined {
  try {
    return hashJson(rest);
  } catch {
    return undefined;
  }
}

async function problemOf(folder: string, file: StoredFile): Promise<string> {
  const path = join(folder, file.path);
  const size = await stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
  if (size === undefined) return `${file.path} is missing`;
  if (size !== file.sizeBytes) return `${file.path} has ${size} bytes, expected ${file.sizeBytes}`;
  const digest = await digestOf(path, size);
  return digest === file.sha256 ? '' : `${file.path} has SHA-256 ${digest}, expected ${file.sha256}`;
}

/** Small files are read whole, which is several times faster than a stream. */
const digestOf = async (path: string, sizeBytes: number): Promise<string> =>
  sizeBytes < 4 << 20 ? sha256(await readFile(path)) : hashFile(path);

/**
 * Moves a bad result to `.quarantine/` and writes the report there.
 * @returns Where it lies now.
 */
export async function quarantine(root: string, identity: Identity, problems: readonly string[]): Promise<string> {
  const name = `${storedName(identity.stage, identity.key)}-${new Date().toISOString().replaceAll(/[:.]/g, '')}`;
  const target = join(root, '.quarantine', name);
  await mkdir(join(root, '.quarantine'), { recursive: true });
  await rename(resultFolder(root, identity), target);
  await writeJson(join(target, 'quarantine.json'), { key: identity.key, problems });
  return target;
}

/** What a stage's record is made from; publishing adds the rest. */
export type Unpublished = Omit<StoredStage, 'format' | 'files' | 'sha256'>;

/**
 * Publishes the partial folder of a result. Names that begin with `.` are removed first.
 * If another process published the same key meanwhile, its result stays and this one is dropped: both are the same.
 */
export async function publish(root: string, record: Unpublished): Promise<StoredStage> {
  const partial = partialFolder(root, record);
  const target = resultFolder(root, record);
  const files = await collectFiles(partial);
  const rest = { format: 1, ...record, files } as const;
  const stored: StoredStage = { ...rest, sha256: hashJson(rest) };
  await writeJson(join(partial, 'stage.json'), stored);
  try {
    await rename(partial, target);
  } catch (error) {
    const found = await lookup(root, record);
    if (found.status !== 'hit') {
      throw new SpaError(
        'store',
        `Cannot publish result "${storedName(record.stage, record.key)}": ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    await rm(partial, { recursive: true, force: true });
    return found.stored;
  }
  return stored;
}

/** Removes what begins with `.` and lists the rest with its digests. */
async function collectFiles(folder: string): Promise<StoredFile[]> {
  const paths = await publishedPaths(folder, (path) => rm(path, { recursive: true }));
  return mapLimit(paths, 8, async (path) => {
    const { size } = await stat(join(folder, path));
    return { path, sha256: await digestOf(join(folder, path), size), sizeBytes: size };
  });
}

/**
 * Lists the files of a result but its record, sorted, with `/`.
 * @param onHidden Called with the path of each file or folder that begins with `.`; these are left out.
 */
async function publishedPaths(folder: string, onHidden?: (path: string) => Promise<void>): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (current: string): Promise<void> => {
    for (const entry of await readdir(current, { withFileTypes: true })) {
      const path = join(current, entry.name);
      if (entry.name.startsWith('.')) await onHidden?.(path);
      else if (entry.isDirectory()) await walk(path);
      else if (path !== join(folder, 'stage.json')) paths.push(relative(folder, path).split(sep).join('/'));
    }
  };
  await walk(folder);
  return paths.sort();
}

/** Removes a result so that it is computed anew. */
export async function discard(root: string, identity: Identity): Promise<void> {
  await rm(partialFolder(root, identity), { recursive: true, force: true });
  await rm(resultFolder(root, identity), { recursive: true, force: true });
}

/** Reads the records of all results, damaged ones left out; with the folder of each. */
export async function listStored(root: string): Promise<{ folder: string; stored: StoredStage }[]> {
  const names = await readdir(root).catch(() => [] as string[]);
  const all = await mapLimit(
    names.filter((name) => !name.startsWith('.')),
    16,
    async (name) => {
      const folder = join(root, name);
      const text = await readTextIfPresent(join(folder, 'stage.json')).catch(() => undefined);
      const stored = text === undefined ? undefined : parseStored(text);
      return stored === undefined ? undefined : { folder, stored };
    },
  );
  return all.filter((entry) => entry !== undefined);
}

/** Returns the record, or undefined if the text is none; a lookup of its key says what is wrong with it. */
function parseStored(text: string): StoredStage | undefined {
  try {
    const stored = JSON.parse(text) as StoredStage; // written by publish
    return stored.format === 1 && Array.isArray(stored.files) ? stored : undefined;
  } catch {
    return undefined;
  }
}

/** Verifies one result folder against its own record; returns what is wrong. */
export async function verifyFolder(folder: string): Promise<string[]> {
  const text = await readTextIfPresent(join(folder, 'stage.json'));
  return text === undefined ? ['stage.json is missing'] : problemsOf(folder, text, undefined);
}
