/** 200 conversations in Llama 3.2's template and tokens against digests of what transformers makes of them (test/interop/make_chat_fixture.py). */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createChatFormat } from '../../src/text/chat-format.ts';
import { loadTokenizer } from '../../src/text/load-tokenizer.ts';
import type { Message } from '../../src/text/tokenizer.ts';

const llama = new URL('../../../shared/data/llama/llama3-tokenizer/', import.meta.url);

interface Fixture {
  readonly pieces: readonly string[];
  readonly conversations: readonly {
    readonly messages: readonly (readonly [role: Message['role'], pieces: readonly number[]])[];
    readonly prompt: boolean;
    readonly text: string;
    readonly ids: string;
    readonly tokens: number;
  }[];
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);

describe.skipIf(!existsSync(llama))('Llama 3.2 (../shared/data; skipped when absent)', () => {
  const { pieces, conversations }: Fixture = JSON.parse(
    readFileSync(new URL('./fixtures/chats.json', import.meta.url), 'utf8'),
  );

  it('writes 200 conversations as transformers does, text and token ids', () => {
    const json = gunzipSync(readFileSync(new URL('derived/tokenizer.json.gz', llama))).toString();
    const template = readFileSync(new URL('meta-llama-Llama-3.2-3B-Instruct.jinja', llama), 'utf8');
    const format = createChatFormat({ tokenizer: loadTokenizer(json), template });
    expect(conversations).toHaveLength(200);
    for (const [i, { messages, prompt, tokens, ...expected }] of conversations.entries()) {
      const chat = messages.map(([role, parts]) => ({ role, content: parts.map((part) => pieces[part]).join('') }));
      expect(digest(format.render(chat, prompt)), `text of conversation ${i}`).toBe(expected.text);
      const { ids } = format.encodeConversation(chat, { addGenerationPrompt: prompt });
      expect([ids.length, digest(ids.join())], `tokens of conversation ${i}`).toEqual([tokens, expected.ids]);
    }
  });
});
