/** Which engines work on this machine, and which one to take when the user does not say. */
import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, SpaError } from '../base/error.ts';
import { type Import, loadEagerBackend, loadOnnxRuntime } from './engine/load.ts';
import type { ProbeAnswer } from './probe.ts';
import { type EngineName, engineNames } from './program.ts';
import type { SelfTest } from './self-test.ts';
import { tf } from './tf.ts';

/** What can be said about one engine here. */
export interface EngineStatus {
  readonly name: EngineName;
  /** True if its package is there; only a test tells whether it works. */
  readonly available: boolean;
  /** Version of the package; absent if it is not available. */
  readonly version?: string;
  /** Why it is not available, and what can be done. */
  readonly reason?: string;
  readonly hint?: string;
}

/** A status with the verdict of a self-test; `reason` says why there is none, or what it found wrong. */
export interface EngineReport extends EngineStatus {
  readonly selfTest?: SelfTest;
}

/** Tries an engine; replaced in tests. */
export type Probe = (name: EngineName) => Promise<ProbeAnswer>;

const importModule: Import = (name) => import(name);

/** Looks for the package of every engine, in the order of preference. Loading one can take a second. */
export async function listEngines(load: Import = importModule): Promise<readonly EngineStatus[]> {
  const statuses: EngineStatus[] = [];
  for (const name of engineNames) statuses.push(await statusOf(name, load));
  return statuses;
}

/** Tests every engine whose package is there, each in a process of its own: a few training steps compared with the reference. */
export async function testEngines(
  names: readonly EngineName[] = engineNames,
  { load = importModule, probe = probeApart }: { readonly load?: Import; readonly probe?: Probe } = {},
): Promise<readonly EngineReport[]> {
  const statuses = (await listEngines(load)).filter(({ name }) => names.includes(name));
  return Promise.all(statuses.map(async (status) => (status.available ? withVerdict(status, probe) : status)));
}

async function withVerdict(status: EngineStatus, probe: Probe): Promise<EngineReport> {
  const answer = await probe(status.name);
  if (!('selfTest' in answer)) {
    const { reason, hint = hints[status.name] } = answer;
    return { ...status, reason, ...(hint === undefined ? {} : { hint }) };
  }
  const { selfTest } = answer;
  if (selfTest.ok) return { ...status, selfTest };
  return { ...status, selfTest, reason: `its numbers are off by ${selfTest.maxError}, expected at most 1e-5` };
}

/**
 * Returns the engine to use: the one named, or for `auto` the fastest that passes its self-test. The slow reference is tried only if
 * nothing else works.
 */
export async function chooseEngine(
  engine: EngineName | 'auto',
  options: { readonly load?: Import; readonly probe?: Probe } = {},
): Promise<EngineName> {
  if (engine !== 'auto') return engine;
  const reports = await testEngines(
    engineNames.filter((name) => name !== 'cpu'),
    options,
  );
  const speedOf = ({ selfTest }: EngineReport): number => (selfTest?.ok ? selfTest.gflops : 0);
  const fastest = reports.reduce<EngineReport | undefined>(
    (best, report) => (speedOf(report) > (best === undefined ? 0 : speedOf(best)) ? report : best),
    undefined,
  );
  return fastest?.name ?? 'cpu';
}

const hints: Partial<Record<EngineName, string>> = {
  'onnx-cuda':
    "It needs an NVIDIA GPU, CUDA 12, cuDNN 9 and ONNX Runtime's CUDA files: npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12",
  'onnx-webgpu': 'It needs a GPU with a Vulkan, Metal or Direct3D 12 driver',
};

/** Longest time an engine may take to prove itself. Milliseconds. */
const PROBE_MS = 60_000;

/** Tries an engine in a process of its own, whose output nobody sees. */
async function probeApart(name: EngineName): Promise<ProbeAnswer> {
  const entry = fileURLToPath(new URL(`./probe${extname(import.meta.url)}`, import.meta.url));
  if (entry.endsWith('.ts')) return (await import('./probe.ts')).answer(name); // uncompiled, as in unit tests: Node cannot fork it
  const child = fork(entry, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], timeout: PROBE_MS });
  return new Promise((resolve) => {
    child.once('message', (answer: ProbeAnswer) => resolve(answer));
    child.once('error', (error) => resolve({ reason: messageOf(error), hint: undefined }));
    child.once('exit', (code, signal) =>
      resolve({ reason: `its test ended with ${signal ?? `code ${code}`}`, hint: undefined }),
    );
    child.send(name, () => undefined); // a child that is gone is seen by its exit
  });
}

async function statusOf(name: EngineName, load: Import): Promise<EngineStatus> {
  try {
    return { name, available: true, version: await versionOf(name, load) };
  } catch (error) {
    const hint = error instanceof SpaError ? error.hint : undefined;
    return { name, available: false, reason: messageOf(error), ...(hint === undefined ? {} : { hint }) };
  }
}

async function versionOf(name: EngineName, load: Import): Promise<string> {
  if (name === 'onnx' || name === 'onnx-cuda' || name === 'onnx-webgpu') {
    const { node, common } = (await loadOnnxRuntime(load)).env.versions;
    return node ?? common;
  }
  await loadEagerBackend(name, load);
  if (name === 'cpu') return tf.version.tfjs ?? 'unknown';
  const { version } = (await load(`@tensorflow/${name}`)) as { readonly version?: Record<string, string> }; // loaded above
  return version?.[name] ?? 'unknown';
}
