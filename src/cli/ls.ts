/** `spa ls`: the runs, oldest first. */
import { listRuns, type RunRecord } from '../runner/record.ts';
import { loadSettings } from './load.ts';
import { columns } from './table.ts';

/** Lists the runs; returns exit code 0. */
export async function lsCommand(options: { readonly json?: boolean }): Promise<number> {
  const { runs } = await loadSettings(process.cwd(), process.env);
  const all = await listRuns(runs);
  if (options.json) {
    for (const { folder, record } of all) process.stdout.write(`${JSON.stringify({ folder, ...record })}\n`);
  } else if (all.length === 0) process.stdout.write(`No runs in ${runs}\n`);
  else {
    const rows = all.map(({ record }) => [
      record.id,
      record.experiment,
      statusText(record),
      durationText(record),
      stagesText(record),
    ]);
    process.stdout.write(`${columns(['run', 'experiment', 'status', 'time', 'stages'], rows)}\n`);
  }
  return 0;
}

/** Writes a run's status; a run whose process is gone was killed. */
export function statusText(record: RunRecord): string {
  if (record.status !== 'running') return record.status;
  try {
    process.kill(record.pid, 0);
    return 'running';
  } catch {
    return 'killed';
  }
}

/** Writes how long a run took, e.g. `3 min 20 s`. */
export function durationText({ startedAt, endedAt }: RunRecord): string {
  if (endedAt === undefined) return '';
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function stagesText({ nodes }: RunRecord): string {
  const counts = new Map<string, number>();
  for (const { status } of nodes) counts.set(status ?? 'open', (counts.get(status ?? 'open') ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}
