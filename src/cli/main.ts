/** The command line: reads the words, calls the command, prints what went wrong, sets the exit code. Commands load when they run. */
import { Command, CommanderError, Option } from 'commander';
import { type Program, shippedProgram } from './program.ts';
import { errorLines, exitCodeOf } from './report-error.ts';

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];

/** Runs one command and ends the process with its exit code: 0 ok, 1 failed, 2 bad input, 130 interrupted. */
export async function main(words: readonly string[], program: Program = shippedProgram): Promise<void> {
  // A reader that closes the pipe (`spa ls | head`) has seen enough; a run goes on to its end and keeps its record.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  let code = 0;
  const cli = commandLine(program, (value) => {
    code = value;
  });
  try {
    await cli.parseAsync(words, { from: 'user' });
  } catch (error) {
    code = reportFailure(error);
  }
  process.exitCode = code;
  // What is still open now (a tracker's sockets, a loader's worker) must not keep a finished command alive.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  for (const line of errorLines(error)) process.stderr.write(`${line}\n`);
  return exitCodeOf(error);
}

type Done = (code: number) => void;

function commandLine(program: Program, done: Done): Command {
  const cli = new Command('spa')
    .description(
      'Runs declarative experiments in SPA-RL: reinforcement learning of language agents by stepwise progress attribution.',
    )
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a stage failed, 2 bad input, 130 interrupted.\nSPA_DEBUG=1 prints stacks.',
    );
  addRun(cli, program, done);
  addInspect(cli, program, done);
  addStore(cli, done);
  addServe(cli, done);
  addSetup(cli, done);
  addPlay(cli, done);
  addData(cli, done);
  addExport(cli, done);
  return cli;
}

const withManifestOptions = (command: Command): Command =>
  command
    .option('--set <path=value>', 'set a field of the manifest, e.g. --set ppo.epochs=2; may be repeated', collect)
    .option('--seeds <list>', 'seeds: a number (5 = 1 to 5) or a list (1,2,3)')
    .option('--engine <name>', 'tensor engine: auto, onnx, cpu, tfjs-node, tfjs-node-gpu')
    .option('--json', 'print one JSON object per line');

function addRun(cli: Command, program: Program, done: Done): void {
  withManifestOptions(cli.command('run <manifest>'))
    .description('run an experiment; stages whose result is in the store are not run again')
    .option('--only <stage>', 'run only this stage and what it needs; may be repeated', collect)
    .option('--force <stage>', 'run this stage even if its result is in the store; may be repeated', collect)
    .option('--plan', 'print what would run and why, and stop')
    .addOption(
      new Option('--executor <where>', 'a process per stage, or all in this one')
        .choices(['local', 'inline'])
        .default('local'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  spa run experiments/alfworld.ts\n  spa run experiments/alfworld.ts --seeds 5 --set ppo.epochs=2\n  spa run experiments/alfworld.ts --plan',
    )
    .action(async (manifest, options) => done(await (await import('./run.ts')).runCommand(manifest, options, program)));
  withManifestOptions(cli.command('plan <manifest>'))
    .description('print what `spa run` would do: cached or run, and which field is the reason')
    .action(async (manifest, options) =>
      done(await (await import('./run.ts')).runCommand(manifest, { ...options, plan: true }, program)),
    );
}

function addInspect(cli: Command, program: Program, done: Done): void {
  withManifestOptions(cli.command('why <run|manifest> <stage>'))
    .description(
      'say why a stage has to run (manifest) or had to (run): the fields that differ from the nearest result',
    )
    .action(async (target, stage, options) =>
      done(await (await import('./why.ts')).whyCommand(target, stage, options, program)),
    );
  cli
    .command('ls')
    .description('list the runs, oldest first')
    .option('--json', 'print one JSON object per line')
    .action(async (options) => done(await (await import('./ls.ts')).lsCommand(options)));
  cli
    .command('show <run>')
    .description(
      'show a run: its stages, its results, its episodes; <run> is an id, its beginning, an experiment or "last"',
    )
    .option('--episode <n>', 'show one episode turn by turn, counted from 1')
    .option('--stage <name>', 'take the episodes of this stage')
    .action(async (run, options) => done(await (await import('./show.ts')).showCommand(run, options)));
  cli
    .command('diff <runA> <runB>')
    .description('show in which fields, stages and results two runs differ')
    .action(async (a, b) => done(await (await import('./diff.ts')).diffCommand(a, b)));
}

function addStore(cli: Command, done: Done): void {
  const store = cli.command('store').description('look after the store of results');
  const load = async () => import('./store.ts');
  store
    .command('ls')
    .description('list the results')
    .action(async () => done(await (await load()).storeLs()));
  store
    .command('verify')
    .description('check size and SHA-256 of every file; exit code 1 if a result is damaged')
    .action(async () => done(await (await load()).storeVerify()));
  store
    .command('gc')
    .description('list results that no run refers to, leftovers of killed stages and damaged results')
    .option('--yes', 'remove them')
    .action(async (options) => done(await (await load()).storeGc(options)));
}

function addServe(cli: Command, done: Done): void {
  cli
    .command('serve <world>')
    .description('serve a world over HTTP to trainers in other languages, in the words of AgentGym')
    .option('--host <address>', 'address to listen on; there is no login (default: 127.0.0.1, this machine only)')
    .option('--port <number>', 'port to listen on, 0 = any free one', '36001')
    .option('--dialect <name>', 'alfworld, webshop or generic (default: that of the world)')
    .option('--max-sessions <n>', 'most episodes at once (default: 256)')
    .option('--idle-minutes <n>', 'forget a session nobody used for so long (default: 15)')
    .option('--source <kind>', 'generated or files (default: files if --data is given)')
    .option('--data <folder>', 'folder of the published data')
    .option('--size <size>', 'size of generated scenes: small or full')
    .option('--seed <n>', 'seed of the generated tasks')
    .option('--games <counts>', 'generated tasks of train, valid_seen and valid_unseen, e.g. 100,20,20')
    .addHelpText('after', '\nExample:\n  spa serve alfworld --port 36001\n  curl -X POST http://127.0.0.1:36001/create')
    .action(async (world, options) => done(await (await import('./serve.ts')).serveCommand(world, options)));
}

function addSetup(cli: Command, done: Done): void {
  cli
    .command('doctor')
    .description('say what works here: Node, tensor engines, data, tracking')
    .action(async () => done(await (await import('./doctor.ts')).doctorCommand()));
  cli
    .command('schemas')
    .description('write the JSON Schemas of manifest and config to schemas/')
    .option('--check', 'compare only; exit code 1 if they are not up to date')
    .action(async (options) => done(await (await import('./schemas.ts')).schemasCommand(options)));
  cli
    .command('init [folder]')
    .description('write a first experiment and a config; nothing that exists is changed')
    .action(async (folder) => done(await (await import('./init.ts')).initCommand(folder)));
}

function addPlay(cli: Command, done: Done): void {
  cli
    .command('play <world>')
    .description('play a world yourself: alfworld, webshop or virtualhome')
    .option('--split <name>', 'split of the task (default: the first)')
    .option('--task <id|number>', 'task, by number from 1, id or a part of it (default: 1)')
    .option('--seed <n>', 'seed of a generated world')
    .addOption(new Option('--size <size>', 'size of generated scenes').choices(['small', 'full']))
    .addOption(
      new Option('--source <source>', 'where tasks come from (default: generated)').choices(['generated', 'files']),
    )
    .option('--data <folder>', 'folder of the published data; implies --source files')
    .option('--expert', 'watch the expert play the task')
    .option('--hints', 'say before each turn what the expert would do')
    .option('--raw', 'show exactly the text an agent sees')
    .addHelpText(
      'after',
      "\nExamples:\n  spa play alfworld\n  spa play webshop --split valid_unseen --task 7 --hints\n  printf 'look\\n/quit\\n' | spa play alfworld",
    )
    .action(async (world, options) => done(await (await import('./play.ts')).playCommand(world, options)));
}

function addExport(cli: Command, done: Done): void {
  cli
    .command('export <run|folder>')
    .description(
      'write a trained policy as a Hugging Face folder (or its LoRA adapter as PEFT does); <run> as in `spa show`, or a policy folder, with a / in its path',
    )
    .requiredOption('--to <folder>', 'new or empty folder to write')
    .option('--adapter', 'write the adapter alone, to be loaded over the policy it was trained from')
    .addOption(new Option('--dtype <type>', 'type of the numbers').choices(['float32', 'bfloat16']).default('float32'))
    .option('--stage <name>', 'take the policy of this stage (default: the last)')
    .action(async (source, options) => done(await (await import('./export.ts')).exportCommand(source, options)));
}

function addData(cli: Command, done: Done): void {
  const data = cli.command('data').description('fetch and list the published data of the worlds');
  const load = async () => import('./data.ts');
  data
    .command('pull <world>')
    .description(
      'fetch, check and unpack the published data of alfworld, webshop or virtualhome; goes on where it stopped',
    )
    .option('--only <part>', 'pull only this part, see `spa data ls`; may be repeated', collect)
    .option('--to <folder>', 'data folder (default: data/<world>)')
    .option('--trust', 'use bytes that are not the recorded ones, and write down what they are')
    .action(async (world, options) => done(await (await load()).dataPullCommand(world, options)));
  data
    .command('ls')
    .description('list what is here, where, and whether it has been checked')
    .action(async () => done(await (await load()).dataLsCommand()));
}
