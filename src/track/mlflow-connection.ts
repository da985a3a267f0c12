/** How to reach and sign in to an MLflow server: its address and MLflow's own environment variables. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { badInput } from '../base/error.ts';

/** Environment variables. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A server and how patiently to talk to it. */
export interface MlflowConnection {
  /** Address without credentials and trailing slash. */
  readonly uri: string;
  /** Value of the Authorization header, if there is one. */
  readonly authorization: string | undefined;
  /** Longest wait for one answer, from MLFLOW_HTTP_REQUEST_TIMEOUT (seconds, default 120). */
  readonly timeoutMs: number;
  /** Tries after the first, from MLFLOW_HTTP_REQUEST_MAX_RETRIES (default 7). */
  readonly maxRetries: number;
  /** Pause before retry n is this times 2^(n-1), at most 30 s; from MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR (seconds, default 2). */
  readonly backoffMs: number;
}

/**
 * Reads the connection to a server. A token beats a user name; the environment beats the address, which beats `~/.mlflow/credentials`.
 * @throws {SpaError} `track`, bad input, if a variable is no number or asks for TLS settings that only Node's own variables can make.
 */
export function readConnection(address: string, env: Env): MlflowConnection {
  const url = new URL(address);
  assertTls(url, env);
  const login = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = '';
  url.password = '';
  return {
    uri: url.href.replace(/\/+$/, ''),
    authorization: authorizationOf(env, login),
    timeoutMs: 1000 * numberOf(env, 'MLFLOW_HTTP_REQUEST_TIMEOUT', 120),
    maxRetries: numberOf(env, 'MLFLOW_HTTP_REQUEST_MAX_RETRIES', 7),
    backoffMs: 1000 * numberOf(env, 'MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR', 2),
  };
}

interface Login {
  readonly user: string;
  readonly password: string;
}

function authorizationOf(env: Env, inAddress: Login): string | undefined {
  if (env.MLFLOW_TRACKING_TOKEN) return `Bearer ${env.MLFLOW_TRACKING_TOKEN}`;
  const inFile = readCredentials(env);
  const user = env.MLFLOW_TRACKING_USERNAME || inAddress.user || inFile.user;
  const password = env.MLFLOW_TRACKING_PASSWORD || inAddress.password || inFile.password;
  return user ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` : undefined;
}

/** Reads the section [mlflow] of `~/.mlflow/credentials`. */
function readCredentials(env: Env): Login {
  const values = new Map<string, string>();
  let section = '';
  for (const line of readIfPresent(join(env.HOME ?? homedir(), '.mlflow', 'credentials')).split(/\r?\n/)) {
    section = /^\s*\[(.*)\]\s*$/.exec(line)?.[1] ?? section;
    const entry = /^\s*([^#;=\s]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (entry !== null && section === 'mlflow') values.set(entry[1]!, entry[2]!);
  }
  return {
    user: values.get('mlflow_tracking_username') ?? '',
    password: values.get('mlflow_tracking_password') ?? '',
  };
}

function readIfPresent(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''; // node:fs throws errno errors
    throw error;
  }
}

function numberOf(env: Env, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw badInput('track', `Cannot read variable "${name}": it is "${text}", expected a number of at least 0`);
}

/** MLflow's TLS variables have no counterpart for single requests in Node: say which ones to set instead. */
function assertTls(url: URL, env: Env): void {
  if (url.protocol !== 'https:') return;
  const insecure = /^(1|true)$/i.test(env.MLFLOW_TRACKING_INSECURE_TLS ?? '');
  if (insecure && env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') {
    throw tlsRefusal(url, 'MLFLOW_TRACKING_INSECURE_TLS', 'NODE_TLS_REJECT_UNAUTHORIZED=0');
  }
  const certificate = env.MLFLOW_TRACKING_SERVER_CERT_PATH;
  if (certificate && env.NODE_EXTRA_CA_CERTS === undefined) {
    throw tlsRefusal(url, 'MLFLOW_TRACKING_SERVER_CERT_PATH', `NODE_EXTRA_CA_CERTS=${certificate}`);
  }
}

function tlsRefusal(url: URL, variable: string, instead: string) {
  const message = `Cannot open tracker "${url.host}": ${variable} is set, expected ${instead} beside it`;
  return badInput('track', message, { hint: `Node reads TLS settings when it starts: set ${instead} and start again` });
}
