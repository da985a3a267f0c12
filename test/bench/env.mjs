/**
 * `npm run bench -- env [alfworld|webshop|virtualhome] [--python]`: steps per second of each world on one core, and with `--python` the
 * Python originals (test/bench/python/setup.sh) on the same tasks and actions in the same run, taking turns.
 */
import { cpus } from 'node:os';
import * as alfworld from './env/alfworld.mjs';
import { bench } from './env/bench.mjs';
import { pythonOf } from './env/python.mjs';
import * as virtualhome from './env/virtualhome.mjs';
import * as webshop from './env/webshop.mjs';

const worlds = { alfworld, webshop, virtualhome };

/** Runs the worlds that are named, or all. */
export async function run(args) {
  const withPython = args.includes('--python');
  const named = args.filter((arg) => !arg.startsWith('--'));
  const unknown =
    named.find((name) => !(name in worlds)) ?? args.find((arg) => arg.startsWith('--') && arg !== '--python');
  if (unknown !== undefined) {
    console.error(`Cannot measure "${unknown}": expected ${Object.keys(worlds).join(', ')} or --python`);
    process.exitCode = 2;
    return;
  }
  if (withPython && pythonOf() === undefined) {
    console.error('Cannot play the Python originals: their venv is not there, expected .venv/bench');
    console.error('Run `bash test/bench/python/setup.sh` once.');
    process.exitCode = 2;
    return;
  }
  console.log(
    `node ${process.versions.node}, ${cpus()[0]?.model.trim()}. A rate is steps per CPU second of the process (all its threads), so`,
  );
  console.log(
    'that other work on the machine does not count; a ratio is that of the medians of rounds played in turns.',
  );
  for (const name of named.length > 0 ? named : Object.keys(worlds)) await bench(worlds[name], { withPython });
}
