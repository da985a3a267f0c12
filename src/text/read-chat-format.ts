/**
 * Reads the chat format of a Hugging Face model folder: `tokenizer.json`, the template from `chat_template.jinja` or from
 * `tokenizer_config.json`, and what ends a turn (the template's stop token, `eos_token`, `eos_token_id` of `generation_config.json`). Writes the same facts for a folder of our own, so that transformers can load it.
 */
import { join } from 'node:path';
import { badInput, messageOf } from '../base/error.ts';
import { readTextIfPresent } from '../base/file.ts';
import { type ChatFormat, createChatFormat } from './chat-format.ts';
import { embeddedSpecials, embeddedTemplate } from './chat-template.ts';
import { loadTokenizer } from './load-tokenizer.ts';

/** A special token as `tokenizer_config.json` writes it. */
type TokenText = string | { readonly content: string } | null;

/** The members of `tokenizer_config.json` read and written here. */
interface TokenizerConfig {
  readonly bos_token?: TokenText;
  readonly eos_token?: TokenText;
  readonly chat_template?: string | readonly { readonly name: string; readonly template: string }[];
}

/** Name of the file that tells transformers when to stop. */
export const generationConfigFile = 'generation_config.json';

/** The member of it read and written here. */
interface GenerationConfig {
  readonly eos_token_id?: number | readonly number[] | null;
}

/**
 * Reads a folder's chat format. Without a template of its own a folder gets the embedded one if its tokenizer has those specials.
 * @throws {SpaError} If there is no tokenizer.json, no template that fits, or one that cannot be cut into turns.
 */
export async function readChatFormat(folder: string): Promise<ChatFormat> {
  const read = (name: string): Promise<string | undefined> => readTextIfPresent(join(folder, name));
  const text = await read('tokenizer.json');
  if (text === undefined) throw unreadable(folder, 'it has no tokenizer.json', 'a Hugging Face model folder');
  const config = parse<TokenizerConfig>(folder, 'tokenizer_config.json', (await read('tokenizer_config.json')) ?? '{}');
  const tokenizer = loadTokenizer(parse(folder, 'tokenizer.json', text));
  const hasSpecials = embeddedSpecials.every((token) => tokenizer.idOf(token) !== undefined);
  const own = (await read('chat_template.jinja')) ?? templateOf(config);
  const template = own ?? (hasSpecials ? embeddedTemplate : undefined);
  if (template === undefined) {
    throw unreadable(
      folder,
      'it has no chat template',
      'chat_template.jinja or chat_template in tokenizer_config.json',
    );
  }
  const bosToken = textOf(config.bos_token);
  const end = textOf(config.eos_token);
  const moreStopTokens = end !== undefined && tokenizer.idOf(end) !== undefined ? [end] : [];
  const generation = parse<GenerationConfig>(folder, generationConfigFile, (await read(generationConfigFile)) ?? '{}');
  const moreStopIds = [generation.eos_token_id ?? []].flat();
  const wrong = moreStopIds.find((id) => !(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize));
  if (wrong !== undefined) {
    const is = `${generationConfigFile} has eos_token_id ${JSON.stringify(wrong)}`;
    throw unreadable(folder, is, `ids from 0 to ${tokenizer.vocabSize - 1}`);
  }
  const opening = bosToken === undefined ? {} : { bosToken };
  return createChatFormat({ tokenizer, template, moreStopTokens, moreStopIds, ...opening });
}

/** Returns the `tokenizer_config.json` of a tokenizer trained with {@link embeddedSpecials}, for transformers. */
export function embeddedTokenizerConfig(): Readonly<Record<string, unknown>> {
  const [bos, end] = embeddedSpecials;
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: bos,
    eos_token: end,
    pad_token: end,
    chat_template: embeddedTemplate,
    clean_up_tokenization_spaces: false,
  };
}

function templateOf({ chat_template }: TokenizerConfig): string | undefined {
  if (chat_template === undefined || typeof chat_template === 'string') return chat_template;
  return chat_template.find(({ name }) => name === 'default')?.template;
}

function textOf(token: TokenText | undefined): string | undefined {
  return typeof token === 'object' ? token?.content : token;
}

function parse<T>(folder: string, name: string, text: string): T {
  try {
    return JSON.parse(text) as T; // the reader checks each member it uses
  } catch (error) {
    throw badInput('model', `Cannot read model folder "${folder}": ${name} is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function unreadable(folder: string, is: string, expected: string) {
  return badInput('model', `Cannot read model folder "${folder}": ${is}, expected ${expected}`);
}
