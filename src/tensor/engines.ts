/** Which engines work on this machine, and which one to take when the user does not say. */
import { messageOf, SpaError } from '../base/error.ts';
import { type Import, loadEagerBackend, loadOnnxRuntime } from './engine/load.ts';
import type { EngineName } from './program.ts';
import { tf } from './tf.ts';

/** What can be said about one engine here. */
export interface EngineStatus {
  readonly name: EngineName;
  readonly available: boolean;
  /** Version of the package; absent if it is not available. */
  readonly version?: string;
  /** ONNX Runtime's execution providers with a part on this machine. */
  readonly providers?: readonly string[];
  /** Why it is not available, and what can be done. */
  readonly reason?: string;
  readonly hint?: string;
}

/** The order of preference of `auto`: the GPU where the user installed it, then native CPU code, then the reference. */
const preference = ['tfjs-node-gpu', 'onnx', 'tfjs-node', 'cpu'] as const satisfies readonly EngineName[];

const importModule: Import = (name) => import(name);

/** Tries every engine, in the order of preference. Loading one can take a second. */
export async function listEngines(load: Import = importModule): Promise<readonly EngineStatus[]> {
  const statuses: EngineStatus[] = [];
  for (const name of preference) statuses.push(await statusOf(name, load));
  return statuses;
}

/** Returns the engine to use: the one named, or for `auto` the first in the order of preference that works here. */
export async function chooseEngine(engine: EngineName | 'auto', load: Import = importModule): Promise<EngineName> {
  if (engine !== 'auto') return engine;
  for (const name of preference) if ((await statusOf(name, load)).available) return name;
  throw new Error('Internal: the engine "cpu" is not available');
}

async function statusOf(name: EngineName, load: Import): Promise<EngineStatus> {
  try {
    return { name, available: true, ...(await describe(name, load)) };
  } catch (error) {
    const hint = error instanceof SpaError ? error.hint : undefined;
    return { name, available: false, reason: messageOf(error), ...(hint === undefined ? {} : { hint }) };
  }
}

async function describe(name: EngineName, load: Import): Promise<Pick<EngineStatus, 'version' | 'providers'>> {
  if (name === 'onnx') {
    const runtime = await loadOnnxRuntime(load);
    const providers = runtime.listSupportedBackends().filter(({ bundled }) => bundled);
    return {
      version: runtime.env.versions.node ?? runtime.env.versions.common,
      providers: providers.map((provider) => provider.name),
    };
  }
  await loadEagerBackend(name, load);
  if (name === 'cpu') return { version: tf.version.tfjs };
  const { version } = (await load(`@tensorflow/${name}`)) as { readonly version?: Record<string, string> }; // loaded above
  return { version: version?.[name] ?? 'unknown' };
}
