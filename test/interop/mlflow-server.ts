/** A real MLflow server: SQLite and artifacts in a temporary folder, on a free port of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { programOf } from './python.ts';

/** A server that can be killed and started again with the same data. */
export interface MlflowServer {
  readonly uri: string;
  start(): Promise<void>;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
}

/** Prepares a server whose data are in `folder`. */
export async function createMlflowServer(folder: string): Promise<MlflowServer> {
  const port = await freePort();
  const uri = `http://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  return {
    uri,
    start: async () => {
      const store = ['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`];
      const artifacts = ['--serve-artifacts', '--artifacts-destination', join(folder, 'artifacts')];
      const address = ['--host', '127.0.0.1', '--port', `${port}`, '--workers', '1'];
      const args = ['server', ...store, ...artifacts, ...address];
      server = spawn(programOf('mlflow'), args, { cwd: folder, detached: true, stdio: 'ignore' });
      await untilHealthy(uri, server);
    },
    kill: async () => {
      const running = server;
      server = undefined;
      if (running?.pid === undefined) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      process.kill(-running.pid, 'SIGKILL'); // its own process group: the workers too
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo; // a TCP server has a port
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function untilHealthy(uri: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (server.exitCode !== null) throw new Error(`Cannot start MLflow: it ended with code ${server.exitCode}`);
    const health = await fetch(`${uri}/health`).catch(() => undefined);
    if (health?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('Cannot start MLflow: it did not become healthy within 2 minutes');
}
