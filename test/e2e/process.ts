/** Runs a command in real processes, as a shell does. */
import { type ChildProcess, spawn } from 'node:child_process';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that is running. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with all it has said when that contains a text. */
  said(text: string): Promise<string>;
}

/** Starts a Node program as the leader of a process group. @param words The program's file and its arguments. */
export function startNode(
  words: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Started {
  const child = spawn(process.execPath, words, {
    cwd,
    env: { ...process.env, MLFLOW_TRACKING_URI: 'none', NO_COLOR: '1', ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const listeners: (() => void)[] = [];
  const heard = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout?.on('data', (data) => {
    out += data;
    heard();
  });
  child.stderr?.on('data', (data) => {
    err += data;
    heard();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
  const said = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (out.includes(text) || err.includes(text)) resolve(out + err);
      };
      listeners.push(check);
      check();
      void ended.then(() => reject(new Error(`it ended without saying "${text}":\n${out}${err}`)));
    });
  return { child, ended, said };
}

/** Kills a command and all its processes at once, and waits until they are gone. */
export async function killGroup({ child, ended }: Started): Promise<void> {
  process.kill(-child.pid!, 'SIGKILL');
  await ended;
}
