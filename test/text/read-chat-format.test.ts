import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embeddedSpecials, embeddedTemplate, llama3Template } from '../../src/text/chat-template.ts';
import { embeddedTokenizerConfig, readChatFormat } from '../../src/text/read-chat-format.ts';
import { trainTokenizer } from '../../src/text/train-tokenizer.ts';

const llamaSpecials = [
  '<|begin_of_text|>',
  '<|end_of_text|>',
  '<|eot_id|>',
  '<|start_header_id|>',
  '<|end_header_id|>',
];
let folder: string;
const write = (name: string, content: unknown): Promise<void> =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const tokenizer = (specials: readonly string[]) =>
  trainTokenizer(['go to desk 1'], { kind: 'word', vocabSize: 300, phrases: 0, specials });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spa-chat-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('readChatFormat()', () => {
  it('takes template, opening and stop tokens from tokenizer_config.json', async () => {
    await write('tokenizer.json', tokenizer(llamaSpecials));
    await write('tokenizer_config.json', {
      bos_token: { content: '<|begin_of_text|>' },
      eos_token: '<|end_of_text|>',
      chat_template: [{ name: 'default', template: llama3Template }],
    });
    const format = await readChatFormat(folder);
    expect(format.template).toBe(llama3Template);
    expect(format.stopIds).toEqual([2, 1]);
    expect(format.encodeOpening([{ role: 'user', content: 'go' }])[0]).toBe(0);
  });

  it('prefers chat_template.jinja', async () => {
    await write('tokenizer.json', tokenizer([...embeddedSpecials, ...llamaSpecials]));
    await write('tokenizer_config.json', embeddedTokenizerConfig());
    expect((await readChatFormat(folder)).template).toBe(embeddedTemplate);
    await write('chat_template.jinja', llama3Template);
    expect((await readChatFormat(folder)).template).toBe(llama3Template);
  });

  it('uses the embedded template where the tokenizer was trained for it', async () => {
    await write('tokenizer.json', tokenizer(embeddedSpecials));
    const format = await readChatFormat(folder);
    expect([format.template, format.stopIds]).toEqual([embeddedTemplate, [1]]);
  });

  it('names what a folder lacks', async () => {
    await expect(readChatFormat(folder)).rejects.toThrow(
      `Cannot read model folder "${folder}": it has no tokenizer.json, expected a Hugging Face model folder`,
    );
    await write('tokenizer.json', tokenizer(llamaSpecials));
    await expect(readChatFormat(folder)).rejects.toThrow(/it has no chat template, expected chat_template\.jinja or/);
    await write('tokenizer.json', '{');
    await expect(readChatFormat(folder)).rejects.toThrow(/tokenizer\.json is not JSON: /);
  });
});
