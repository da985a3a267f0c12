/**
 * Compiles a checkout. What was compiled is remembered in dist/.stamp as a digest of the sources' names, sizes and times; a build
 * goes to a folder of its own and is moved over dist/ file by file, under a lock, so that commands started at once never meet a half
 * written module.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp');
const lock = join(root, 'dist', '.lock');

/** Compiles src/ if this is a checkout and dist/ is not up to date; prints one line to stderr if it does. */
export async function ensureBuilt() {
  if (!existsSync(join(root, 'tsconfig.json'))) return; // an installed package: packed with its dist/
  while (readIfPresent(stampFile) !== stampOf()) {
    if (takeLock()) {
      try {
        if (readIfPresent(stampFile) !== stampOf()) build();
      } finally {
        rmSync(lock, { recursive: true, force: true });
      }
      return;
    }
    await sleep(100);
  }
}

/** A digest of the names, sizes and times of everything that is compiled. */
function stampOf() {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') || file.endsWith('tsconfig.json'))
    .sort()
    .map((file) => {
      const { size, mtimeMs } = statSync(join(root, 'src', file));
      return `${file} ${size} ${mtimeMs}`;
    });
  return createHash('sha256').update(files.join('\n')).digest('hex');
}

/** Takes the lock unless a living process holds it. */
function takeLock() {
  mkdirSync(dist, { recursive: true });
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const pid = Number(readIfPresent(join(lock, 'pid')) ?? 0);
  const ageMs = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (pid > 0 ? !isAlive(pid) : ageMs > 10_000) {
    const aside = `${lock}.${process.pid}`;
    try {
      renameSync(lock, aside); // only one process can
      rmSync(aside, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  return false;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function build() {
  const stamp = stampOf();
  const fresh = join(dist, `.fresh-${process.pid}`);
  const began = performance.now();
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const options = [
    '-p',
    join(root, 'src', 'tsconfig.json'),
    '--outDir',
    fresh,
    '--incremental',
    'false',
    '--tsBuildInfoFile',
    'null',
  ];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options], { encoding: 'utf8', cwd: root });
  const errors = (stdout.match(/error TS/g) ?? []).length;
  if (!existsSync(join(fresh, 'cli', 'main.js'))) {
    rmSync(fresh, { recursive: true, force: true });
    process.stderr.write(`${stdout}\nCannot compile "src": tsc ended with code ${status}, expected dist/cli/main.js\n`);
    process.exit(1);
  }
  moveOver(fresh);
  writeFileSync(`${stampFile}.tmp`, stamp);
  renameSync(`${stampFile}.tmp`, stampFile);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const note = errors === 0 ? '' : `, ${errors} type errors (npm run types lists them)`;
  process.stderr.write(`spa: compiled src in ${seconds} s${note}\n`);
}

/** Moves every file over dist/, then removes what the build no longer has. */
function moveOver(fresh) {
  const files = new Set(listFiles(fresh));
  for (const file of files) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    renameSync(join(fresh, file), join(dist, file));
  }
  rmSync(fresh, { recursive: true, force: true });
  for (const file of listFiles(dist)) if (!files.has(file)) rmSync(join(dist, file));
}

const listFiles = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((file) => !file.startsWith('.'));

function readIfPresent(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
