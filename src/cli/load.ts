/**
 * Loads manifests and the config. TypeScript and JavaScript go through jiti with `spa` bound to the running program, so that a manifest
 * gets the same instance wherever spa is installed; YAML and JSON through `yaml`, which knows lines.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { badInput, messageOf, SpaError } from '../base/error.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { SourceText } from '../schema/position.ts';
import { type ResolvedConfig, validateConfig, validateExperiment } from '../schema/validate.ts';
import { applyOverrides, type Override } from './override.ts';

/** The public door of the running program: what a manifest gets for `import … from 'spa'`. Rooms never import it; it is handed on. */
const door = new URL(`../index${extname(import.meta.url)}`, import.meta.url).href;

const scripts: ReadonlySet<string> = new Set(['.ts', '.mts', '.js', '.mjs']);
const texts: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);

/** A manifest with where it came from. */
export interface LoadedManifest {
  readonly manifest: Manifest;
  /** Absolute path. */
  readonly file: string;
}

/** The config with its paths made absolute. */
export interface Settings {
  /** Absolute folder of the store and the runs. */
  readonly runs: string;
  /** Cores to use; 0 = all. */
  readonly cores: number;
  /** Tracker address; a `file:` folder is absolute. */
  readonly trackingUri: string;
  /** Name of the tracker's experiment; null = the manifest's name. */
  readonly trackingExperiment: string | null;
  /** The config file, or undefined if there is none. */
  readonly file: string | undefined;
}

/**
 * Loads, overrides and validates a manifest.
 * @throws {SpaError} Bad input: it is missing, broken, without default export, or has problems; all are named at once.
 */
export async function loadManifest(path: string, overrides: readonly Override[]): Promise<LoadedManifest> {
  const file = resolve(path);
  const name = shortPath(file);
  const { value, source } = await loadFile(file, 'experiment');
  if (value === undefined) {
    throw badInput('manifest', `Cannot read experiment "${name}": it has no default export, expected an experiment`, {
      hint: "End it with `export default defineExperiment({ name: '…' })`",
    });
  }
  const manifest = await validateExperiment(applyOverrides(value, overrides), {
    name,
    text: source,
    overrides: new Map(overrides.map(({ path, origin }) => [path, origin])),
  });
  return { manifest, file };
}

/**
 * Finds and validates the config: `spa.config.*` in the working folder or above, up to the root of the project.
 * @throws {SpaError} Bad input: it is broken or has problems.
 */
export async function loadSettings(folder: string, env: NodeJS.ProcessEnv): Promise<Settings> {
  const { cosmiconfig } = await import('cosmiconfig');
  const extensions = [...scripts, ...texts];
  // Only the search is cosmiconfig's: the file is read below, by the same loader as manifests.
  const found = await cosmiconfig('spa', {
    searchPlaces: extensions.map((extension) => `spa.config${extension}`),
    loaders: Object.fromEntries(extensions.map((extension) => [extension, () => ({})])),
    searchStrategy: 'project',
  }).search(folder);
  const file = found?.filepath;
  const loaded = file === undefined ? undefined : await loadFile(file, 'config');
  const config = await validateConfig(loaded?.value ?? {}, {
    name: file === undefined ? 'spa.config.ts' : shortPath(file),
    ...(loaded === undefined ? {} : { text: loaded.source }),
  });
  return settingsOf(config, { file, folder, env });
}

function settingsOf(
  config: ResolvedConfig,
  where: { readonly file: string | undefined; readonly folder: string; readonly env: NodeJS.ProcessEnv },
): Settings {
  const base = where.file === undefined ? where.folder : dirname(where.file);
  const uri = where.env.MLFLOW_TRACKING_URI ?? config.tracking.uri;
  const isPath = uri.startsWith('file:') && !uri.startsWith('file:/');
  return {
    runs: resolve(base, config.runs),
    cores: config.cores,
    trackingUri: isPath ? `file:${resolve(base, uri.slice('file:'.length))}` : uri,
    trackingExperiment: config.tracking.experiment,
    file: where.file,
  };
}

async function loadFile(
  file: string,
  object: 'experiment' | 'config',
): Promise<{ value: unknown; source: SourceText }> {
  const boundary = object === 'experiment' ? 'manifest' : 'config';
  const context = `Cannot read ${object} "${shortPath(file)}"`;
  const extension = extname(file);
  if (!scripts.has(extension) && !texts.has(extension)) {
    const known = [...scripts, ...texts].join(', ');
    throw badInput(boundary, `${context}: its name ends in "${extension}", expected one of ${known}`);
  }
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw badInput(boundary, `${context}: ${await unreadable(error, file)}`, {
      cause: error,
      ...(await nearFile(file)),
    });
  }
  if (texts.has(extension))
    return { value: await parseText(text, context, boundary), source: { text, format: 'yaml' } };
  return { value: await importScript(file, context, boundary), source: { text, format: 'script' } };
}

async function unreadable(error: unknown, file: string): Promise<string> {
  const { code } = error as NodeJS.ErrnoException; // node:fs rejects with errno errors
  if (code === 'ENOENT') return 'there is no such file, expected a manifest';
  return code === 'EISDIR' ? 'it is a folder, expected a file' : `${messageOf(error)} (${basename(file)})`;
}

async function nearFile(file: string): Promise<{ hint?: string }> {
  const { readdir } = await import('node:fs/promises');
  const { nearest } = await import('../base/suggest.ts');
  const names = await readdir(dirname(file)).catch(() => [] as string[]);
  const near = nearest(basename(file), names);
  return near === undefined ? {} : { hint: `Did you mean "${shortPath(join(dirname(file), near))}"?` };
}

type InputBoundary = 'manifest' | 'config';

async function parseText(text: string, context: string, boundary: InputBoundary): Promise<unknown> {
  const { parse, YAMLParseError } = await import('yaml');
  try {
    return parse(text);
  } catch (error) {
    const line = error instanceof YAMLParseError ? `line ${error.linePos?.[0]?.line}: ` : '';
    throw badInput(boundary, `${context}: ${line}${messageOf(error).split('\n')[0]}`, { cause: error });
  }
}

async function importScript(file: string, context: string, boundary: InputBoundary): Promise<unknown> {
  const [{ createJiti }, spa] = await Promise.all([import('jiti'), import(door)]);
  const jiti = createJiti(file, { interopDefault: false, moduleCache: false, virtualModules: { spa } });
  try {
    const module = (await jiti.import(file)) as { default?: unknown }; // a module has at most one default
    return module.default;
  } catch (error) {
    if (error instanceof SpaError) throw error;
    const place = placeOf(error, file);
    throw badInput(boundary, `${context}: it throws at ${place}: ${messageOf(error).split('\n')[0]}`, { cause: error });
  }
}

/** Finds the manifest's own line in an error's stack. */
function placeOf(error: unknown, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const text = `${messageOf(error)}\n${stack}`;
  // A syntax error has its place in the message, anything else in the stack.
  const escaped = file.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const line = new RegExp(`${escaped}:(\\d+)`).exec(text)?.[1];
  return line === undefined ? shortPath(file) : `${shortPath(file)}:${line}`;
}

/** Returns a path as the user would write it. */
export function shortPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') || path === '' ? file : path;
}
