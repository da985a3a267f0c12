/** A Python original in a process of its own, told line by line what to do; it sleeps while ours plays. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../python', import.meta.url));
const venv = fileURLToPath(new URL('../../../.venv/bench', import.meta.url));

/** The Python of the bench's venv; SPA_BENCH_VENV names another one. Undefined if setup.sh has not been run. */
export function pythonOf() {
  const python = join(process.env.SPA_BENCH_VENV ?? venv, 'bin', 'python');
  return existsSync(python) ? python : undefined;
}

/**
 * Starts a player and opens its world.
 * @param script File in test/bench/python.
 * @param spec What it is to play: `{ runs: [{ actions, … }], … }`; see the player.
 * @returns `opened` (its answer to `open`), `ask(command)` and `close()`.
 * @throws {Error} With the end of what Python printed, if it ended.
 */
export async function startPlayer(script, spec) {
  const temp = mkdtempSync(join(tmpdir(), 'spa-bench-'));
  const file = join(temp, 'spec.json');
  const log = join(temp, 'stderr');
  writeFileSync(file, JSON.stringify(spec));
  const child = spawn(pythonOf(), [join(folder, script)], {
    stdio: ['pipe', 'pipe', openSync(log, 'w')],
    env: { ...process.env, PYTHONHASHSEED: '0', OMP_NUM_THREADS: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`Cannot play in ${script}: Python ended\n${readFileSync(log, 'utf8').slice(-3000)}`);
    return JSON.parse(value);
  };
  const close = async () => {
    const ended = child.exitCode === null ? once(child, 'exit') : undefined;
    child.stdin.end();
    await ended;
    rmSync(temp, { recursive: true, force: true });
  };
  try {
    return { opened: await ask({ do: 'open', file }), ask, close };
  } catch (error) {
    await close();
    throw error;
  }
}
