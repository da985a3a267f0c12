/** `spa init`: a first experiment and a config, as small as they can be. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const files: Readonly<Record<string, string>> = {
  'experiments/first.ts': `import { defineExperiment } from 'spa';

// Every field that is left out has its default; schemas/experiment.json lists them all.
export default defineExperiment({
  name: 'first',
  note: 'Does stepwise attribution help a small model?',
  environment: { size: 'small', games: { train: 200, valid_seen: 50, valid_unseen: 50 } },
  prompt: { format: 'action-only', instruction: false },
  sft: { learningRate: 2e-3 },
});
`,
  'spa.config.ts': `import { defineConfig } from 'spa';

export default defineConfig({
  runs: './runs',
  tracking: { uri: 'file:./runs/mlruns' },
});
`,
};

/** Writes the files that are not there yet; returns exit code 0. */
export async function initCommand(folder = '.'): Promise<number> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    const written = await writeFile(file, text, { flag: 'wx' }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    process.stdout.write(`${written ? 'wrote' : 'kept '} ${file}\n`);
  }
  process.stdout.write(`Next: spa run ${join(folder, 'experiments/first.ts')} --plan\n`);
  return 0;
}
