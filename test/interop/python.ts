/** Runs this folder's Python programs in the virtual environment that run.sh makes. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A program of the virtual environment. */
export const programOf = (name: string): string => at(`../../.venv/interop/bin/${name}`);

/** Runs a Python program of this folder and returns the JSON value it prints. Rejects with what it wrote to its error output. */
export async function runPython<T>(program: string, args: readonly string[]): Promise<T> {
  const env = { ...process.env, MLFLOW_ALLOW_FILE_STORE: 'true' }; // from 3.13 on MLflow opens file stores only if told to
  const options = { env, maxBuffer: 1 << 28 };
  const { stdout } = await promisify(execFile)(programOf('python'), [at(`./${program}`), ...args], options);
  return JSON.parse(stdout) as T; // the caller knows the program
}
