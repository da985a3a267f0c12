/** The digest of a checkpoint folder: what stands for it in a key. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput } from '../base/error.ts';
import { hashFile, hashJson } from '../base/hash.ts';
import { checkModel } from '../nn/checkpoint.ts';
import { readChatFormat } from '../text/read-chat-format.ts';

/** Files of a checkpoint that decide results. */
const isDeciding = (name: string): boolean => /\.(safetensors|json|jinja)$/.test(name);

/**
 * Returns the SHA-256 over the names and contents of a checkpoint's files, after reading its headers: a broken one is refused before any
 * work is done.
 * @param options.maxLength Longest conversation to come, tokens.
 * @throws {SpaError} If the folder is no checkpoint, a tensor is missing or has another shape, the tokenizer does not fit, or conversations
 * may become longer than the model can read.
 */
export async function digestCheckpoint(folder: string, options: { readonly maxLength: number }): Promise<string> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const deciding = names.filter(isDeciding).sort();
  if (!deciding.includes('config.json')) {
    throw badInput(
      'model',
      `Cannot open checkpoint "${folder}": it has no config.json, expected a Hugging Face Llama or Qwen folder`,
      {
        hint: 'Correct model.base, or set it to null to start from random weights.',
      },
    );
  }
  const { config } = await checkModel(folder);
  if (options.maxLength > config.maxLength) {
    throw badInput(
      'model',
      `Cannot open checkpoint "${folder}": it reads ${config.maxLength} tokens at most, expected at least model.maxLength ${options.maxLength}`,
      { hint: `Set model.maxLength to ${config.maxLength} or less.` },
    );
  }
  const { tokenizer } = await readChatFormat(folder);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw badInput(
      'model',
      `Cannot open checkpoint "${folder}": its tokenizer has ${tokenizer.vocabSize} tokens, expected at most the model's ${config.vocabSize}`,
    );
  }
  const digests = await Promise.all(deciding.map((name) => hashFile(join(folder, name))));
  return hashJson(deciding.map((name, index) => [name, digests[index]!]));
}
