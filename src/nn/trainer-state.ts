/** Trainer states on disk: one safetensors file that holds every vector and, in its metadata, the step count. */
import { join } from 'node:path';
import { badInput } from '../base/error.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import type { TrainerState } from './trainer.ts';

const fileName = 'trainer.safetensors';
const fields = ['values', 'firstMoment', 'secondMoment'] as const;
const parts = ['model', 'adapter', 'critic'] as const;

/** Writes a state into a folder (made if needed), atomically. */
export async function saveTrainerState(folder: string, state: TrainerState): Promise<void> {
  const tensors = parts.flatMap((part) => {
    const vectors = state.parts[part];
    if (vectors === undefined) return [];
    return fields.map((field) => ({ name: `${part}.${field}`, shape: [vectors[field].length], data: vectors[field] }));
  });
  await writeSafetensors(join(folder, fileName), tensors, { metadata: { step: String(state.step) } });
}

/** Reads a state, or returns undefined if the folder holds none. @throws {SpaError} Bad input, if the file is damaged. */
export async function loadTrainerState(folder: string): Promise<TrainerState | undefined> {
  const path = join(folder, fileName);
  const file = await readSafetensors(path, { optional: true });
  if (file === undefined) return undefined;
  const step = Number(file.metadata.step);
  if (!Number.isInteger(step) || step < 0) {
    throw badInput(
      'model',
      `Cannot read trainer state "${path}": its step is "${file.metadata.step}", expected a whole number`,
    );
  }
  const found: Record<string, Record<string, Float32Array>> = {};
  for (const name of file.names()) {
    const [part, field] = name.split('.') as [string, string];
    found[part] = { ...found[part], [field]: file.read(name).data };
  }
  return { step, parts: found as TrainerState['parts'] }; // Trainer.restore() checks what is there
}
