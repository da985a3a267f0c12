/** `spa export`: writes a trained policy, or the adapters that led to it, for transformers, vLLM, PEFT and others. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { badInput } from '../base/error.ts';
import type { WrittenType } from '../nn/safetensors.ts';
import { findRun, type RecordedNode, type RunRecord } from '../runner/record.ts';
import { resultFolder } from '../runner/store.ts';
import { exportAdapter, exportPolicy } from '../stage/export-policy.ts';
import { adapterFolder, policyFolder } from '../stage/file.ts';
import { loadSettings, shortPath } from './load.ts';

/** Options of `spa export`. */
export interface ExportOptions {
  readonly to: string;
  readonly dtype: WrittenType;
  readonly adapter?: boolean;
  /** Node whose policy is taken; absent: the last one that has what is wanted. */
  readonly stage?: string;
}

/** Where things lie. */
interface Source {
  /** Result folder with `policy/` and perhaps `adapter/`, or a policy folder itself. */
  readonly policy: string;
  readonly adapter: string;
  /** The policy the adapters belong to; absent if only a folder was named. */
  readonly base?: string;
}

/** Exports a policy; returns exit code 0. */
export async function exportCommand(name: string, options: ExportOptions): Promise<number> {
  const target = resolve(options.to);
  const source = await findSource(name, options);
  if (!options.adapter) {
    const { parameters, files } = await exportPolicy(source.policy, target, options);
    print(`${count(parameters)} parameters of ${shortPath(source.policy)} as ${options.dtype}`);
    print(`${shortPath(target)}: ${files.join(', ')}`);
    return 0;
  }
  const { base } = source;
  if (base === undefined) {
    throw badInput(
      'store',
      `Cannot export adapters of folder "${name}": what they belong to is unknown, expected a run`,
      { hint: '`spa ls` lists the runs' },
    );
  }
  const { parameters, files } = await exportAdapter(source.adapter, target, { base });
  print(`${count(parameters)} parameters of ${shortPath(source.adapter)}, to be loaded over ${shortPath(base)}`);
  print(`${shortPath(target)}: ${files.join(', ')}`);
  return 0;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const count = (value: number): string => value.toLocaleString('en-US');

/** A name with a slash is a folder, any other a run: a folder beside must not hide the run of that name. */
async function findSource(name: string, options: ExportOptions): Promise<Source> {
  if (/[/\\]/.test(name)) {
    const given = resolve(name);
    const isResult = existsSync(join(given, policyFolder, 'config.json'));
    const result = isResult ? given : join(given, '..');
    return { policy: isResult ? join(given, policyFolder) : given, adapter: join(result, adapterFolder) };
  }
  const { runs } = await loadSettings(process.cwd(), process.env);
  const { record } = await findRun(runs, name);
  const store = join(runs, 'store');
  const node = chooseNode(record, { ...options, store });
  const folder = resultFolder(store, node);
  const before = record.nodes.find(({ id }) => id === node.inputs.policy);
  return {
    policy: join(folder, policyFolder),
    adapter: join(folder, adapterFolder),
    ...(before === undefined ? {} : { base: join(resultFolder(store, before), policyFolder) }),
  };
}

function chooseNode(record: RunRecord, options: ExportOptions & { readonly store: string }): RecordedNode {
  const wanted = options.adapter ? adapterFolder : policyFolder;
  const having = record.nodes.filter((node) => existsSync(join(resultFolder(options.store, node), wanted)));
  const { stage } = options;
  const chosen = stage === undefined ? having : having.filter((node) => node.id === stage || node.stage === stage);
  const last = chosen.at(-1);
  if (last !== undefined) return last;
  const is = stage === undefined ? `no stage has kept a ${wanted}` : `"${stage}" has kept no ${wanted}`;
  const expected =
    having.length === 0 ? 'a finished sft or optimise stage' : `one of ${having.map(({ id }) => id).join(', ')}`;
  throw badInput('store', `Cannot export run "${record.id}": ${is}, expected ${expected}`, {
    ...(options.adapter ? { hint: 'Adapters are kept by optimise with ppo.lora.rank above 0.' } : {}),
  });
}
