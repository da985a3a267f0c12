import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ChatFormat, type ChatFormatOptions, createChatFormat } from '../../src/text/chat-format.ts';
import { embeddedSpecials, embeddedTemplate, llama3Template } from '../../src/text/chat-template.ts';
import { loadTokenizer } from '../../src/text/load-tokenizer.ts';
import type { Message } from '../../src/text/tokenizer.ts';
import { trainTokenizer } from '../../src/text/train-tokenizer.ts';

fc.configureGlobal({ seed: 2505 });

const corpus = ['You see a desk 1.', 'go to desk 1', 'You see a pen 2.', 'take pen 2', 'user assistant'];
const llamaSpecials = ['<|begin_of_text|>', '<|eot_id|>', '<|start_header_id|>', '<|end_header_id|>'];
const tokenizer = loadTokenizer(
  trainTokenizer(corpus, {
    kind: 'word',
    vocabSize: 400,
    phrases: 0,
    specials: [...embeddedSpecials, ...llamaSpecials],
  }),
);
const formatFor = (template: string, change: Partial<ChatFormatOptions> = {}): ChatFormat =>
  createChatFormat({ tokenizer, template, ...change });

const user = (content: string): Message => ({ role: 'user', content });
const agent = (content: string): Message => ({ role: 'assistant', content });
const played = [user('You see a desk 1.'), agent('go to desk 1'), user('You see a pen 2.'), agent('take pen 2')];

/** Plays a conversation piece by piece and gives all tokens. */
function piecewise(format: ChatFormat, messages: readonly Message[]): number[] {
  const ids: number[] = [];
  let waiting: Message[] = [];
  let opened = false;
  for (const message of messages) {
    if (message.role !== 'assistant') {
      waiting.push(message);
      continue;
    }
    ids.push(...(opened ? format.encodeObservation(waiting) : format.encodeOpening(waiting)));
    ids.push(...format.encodeAgent(message.content));
    opened = true;
    waiting = [];
  }
  if (waiting.length > 0) ids.push(...(opened ? format.encodeObservation(waiting) : format.encodeOpening(waiting)));
  return ids;
}

describe('the embedded template', () => {
  const format = formatFor(embeddedTemplate);
  const id = (token: string): number => format.tokenizer.idOf(token)!;

  it('writes <|obs|> once between an action and its observation, and at the end', () => {
    const { ids, turns } = format.encodeConversation(played);
    const words = (text: string): number[] => format.tokenizer.encode(text);
    expect([...ids]).toEqual([
      ...[id('<|bos|>'), id('<|obs|>'), ...words('You see a desk 1.'), id('<|act|>'), ...words('go to desk 1')],
      ...[id('<|obs|>'), ...words('You see a pen 2.'), id('<|act|>'), ...words('take pen 2'), id('<|obs|>')],
    ]);
    // `You see a desk 1.` = 6 words; `go to desk 1` = 4 and the stop; `You see a pen 2.` = 6; `take pen 2` = 3 and the stop
    expect([...turns]).toEqual([...Array(9).fill(-1), ...Array(5).fill(0), ...Array(7).fill(-1), ...Array(4).fill(1)]);
  });

  it('ends with the generation prompt if asked for', () => {
    const { ids, turns } = format.encodeConversation(played.slice(0, 3), { addGenerationPrompt: true });
    expect(ids.at(-1)).toBe(id('<|act|>'));
    expect(turns.at(-1)).toBe(-1);
  });

  it('stops at <|obs|>', () => {
    expect(format.stopIds).toEqual([id('<|obs|>')]);
  });

  it('refuses a generation prompt after an agent turn', () => {
    expect(() => format.encodeConversation(played, { addGenerationPrompt: true })).toThrow(RangeError);
    expect(() => format.encodeOpening([])).toThrow(RangeError);
  });
});

const llama = new URL('../../../shared/data/llama/llama3-tokenizer/', import.meta.url);
const withLlama = existsSync(llama);

describe.each([
  ['embedded', embeddedTemplate],
  ['Llama 3', llama3Template],
] as const)('playing piece by piece with the %s template', (_, template) => {
  it('gives the tokens of the whole conversation, whatever is said', () => {
    const format = formatFor(template);
    const content = fc.oneof(fc.string(), fc.constantFrom(...corpus, '', ' a ', '\n\nb\n', '1.'));
    const turn = fc.tuple(content, content).map(([action, observation]) => [agent(action), user(observation)]);
    fc.assert(
      fc.property(content, fc.array(turn, { maxLength: 4 }), (first, turns) => {
        const messages = [user(first), ...turns.flat()];
        const { ids } = format.encodeConversation(messages, { addGenerationPrompt: true });
        expect(piecewise(format, messages)).toEqual([...ids]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('createChatFormat()', () => {
  const refuses = (template: string, reason: string): void => {
    expect(() => formatFor(template)).toThrow(
      `Cannot use the chat template: ${reason}, expected one that only ever appends`,
    );
  };

  it('refuses a template that rewrites earlier turns', () => {
    refuses(
      "{% for m in messages %}{{ messages | length }}{{ '<|act|>' if m.role == 'user' else '' }}{{ m.content }}<|obs|>{% endfor %}{% if add_generation_prompt %}x{% endif %}",
      'an agent turn does not begin where the generation prompt ends, or does not end with the stop token',
    );
  });

  it('refuses a template that drops thoughts from earlier turns', () => {
    refuses(
      "{% for m in messages %}{% if m.role == 'assistant' %}<|act|>{{ m.content if loop.last else m.content.split('</think>')[-1] }}<|obs|>{% else %}{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|act|>{% endif %}",
      'a whole conversation is not the sum of its turns',
    );
  });

  it('refuses a template that does not end the agent turn with the stop token', () => {
    refuses(
      "{% for m in messages %}{{ '<|act|>' if m.role == 'assistant' else '<|obs|>' }}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|act|>{% endif %}",
      "no special token follows the agent's words",
    );
  });

  it('refuses a stop token the tokenizer lacks', () => {
    expect(() => formatFor(embeddedTemplate, { moreStopTokens: ['<|end|>'] })).toThrow(
      'Cannot use stop token "<|end|>": the tokenizer lacks it, expected one of its tokens',
    );
  });

  it('names the template when it cannot be read', () => {
    expect(() => formatFor('{% for %}')).toThrow(/^Cannot render the chat template: /);
  });

  it('accepts a template with a line feed after the stop token and gives it to the observation', () => {
    const template =
      '{% for m in messages %}<|act|>{{ m.role }}\n{{ m.content }}<|obs|>\n{% endfor %}{% if add_generation_prompt %}<|act|>assistant\n{% endif %}';
    const format = formatFor(template);
    expect(format.tokenizer.decode(format.encodeObservation(user('a')))).toBe('\nuser\na\nassistant\n');
    expect(format.encodeConversation(played).ids.at(-1)).toBe(format.stopIds[0]);
  });
});

describe.skipIf(!withLlama)("Llama 3's own tokenizer and templates (../shared/data; skipped when absent)", () => {
  const read = (name: string): string => readFileSync(new URL(name, llama), 'utf8');
  let tokenizer: ReturnType<typeof loadTokenizer>;
  beforeAll(() => {
    tokenizer = loadTokenizer(gunzipSync(readFileSync(new URL('derived/tokenizer.json.gz', llama))).toString());
  });
  interface Golden {
    encode: { text: string; ids: number[] }[];
    message_user: { content: string; ids: number[] };
    dialog: { system: string; user: string; ids: number[] };
  }
  const golden = (): Golden => JSON.parse(read('golden.json')) as Golden;

  it("gives Meta's ids for text, a message and a dialogue", () => {
    const { encode, message_user, dialog } = golden();
    expect(tokenizer.vocabSize).toBe(128_256);
    for (const { text, ids } of encode) expect(tokenizer.encode(text)).toEqual(ids.slice(1, -1)); // without BOS and EOS
    const format = createChatFormat({ tokenizer, template: llama3Template, moreStopTokens: ['<|end_of_text|>'] });
    const [bos, ...message] = format.encodeConversation([user(message_user.content)]).ids;
    expect([bos, ...message]).toEqual([128_000, ...message_user.ids]);
    expect(format.encodeOpening([{ role: 'system', content: dialog.system }, user(dialog.user)])).toEqual(dialog.ids);
    expect(format.stopIds).toEqual([128_009, 128_001]);
  });

  it('plays with the template of Llama 3.2, whose system message carries a fixed date', () => {
    const template = read('meta-llama-Llama-3.2-3B-Instruct.jinja');
    const format = createChatFormat({ tokenizer, template });
    const { ids, turns } = format.encodeConversation(played);
    expect(piecewise(format, played)).toEqual([...ids]);
    expect(tokenizer.decode([...ids])).toContain('Today Date: 26 Jul 2024');
    expect(tokenizer.decode([...ids].filter((_, i) => turns[i] === 1))).toBe('take pen 2');
    expect(ids[turns.lastIndexOf(0)]).toBe(128_009);
  });

  it('gives back text in any script', () => {
    const texts = ["I'm 12345 years\n\n old …", 'é 你好 👩‍🔬', '  \t x'];
    expect(texts.map((text) => tokenizer.decode(tokenizer.encode(text)))).toEqual(texts);
  });
});
