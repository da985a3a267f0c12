/** A policy behind a server, against a real HTTP server that answers, fails, stalls and talks nonsense. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { playEpisode } from '../../src/rollout/play.ts';
import { ContextFullError } from '../../src/rollout/policy.ts';
import { checkServer, createServerPolicy, type ServerPolicyOptions } from '../../src/rollout/server-policy.ts';
import { sayWorld, smallFormat } from './support.ts';

type Body = Record<string, unknown>;
type Answer = (body: Body, response: ServerResponse, request: IncomingMessage) => void;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Starts a server; every request's path and body are kept. */
async function serve(answer: Answer): Promise<{ url: string; seen: { path: string; body: Body; key?: string }[] }> {
  const seen: { path: string; body: Body; key?: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body = text === '' ? {} : (JSON.parse(text) as Body);
      seen.push({
        path: request.url!,
        body,
        ...(request.headers.authorization ? { key: request.headers.authorization } : {}),
      });
      answer(body, response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, seen };
}

const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' });
  response.end(JSON.stringify(value));
};
const chat = (content: string, more: object = {}) => ({
  choices: [{ message: { role: 'assistant', content }, finish_reason: 'stop', ...more }],
});

const optionsOf = (url: string, more: Partial<ServerPolicyOptions> = {}): ServerPolicyOptions => ({
  url,
  model: 'tiny',
  sampling: { temperature: 0.5, topP: 0.9, maxNewTokens: 7 },
  seed: 3,
  timeoutMs: 10_000, // a busy machine must not look late
  retries: 2,
  ...more,
});
const conversation = [{ role: 'user', content: 'You see a door.' }] as const;

describe('createServerPolicy()', () => {
  it('sends the conversation as messages and keeps no log-probability it cannot tell the token of', async () => {
    const { url, seen } = await serve((_, response) =>
      json(response, chat('look', { logprobs: { content: [{ token: 'look', logprob: -0.5 }] } })),
    );
    await using policy = createServerPolicy(optionsOf(url, { apiKey: 'secret' }));
    expect(await policy.act({ episode: 'a', conversation })).toEqual({ text: 'look', tokenIds: [], logProbs: [] });
    expect(seen).toMatchObject([
      {
        path: '/v1/chat/completions',
        key: 'Bearer secret',
        body: { model: 'tiny', messages: conversation, temperature: 0.5, top_p: 0.9, max_tokens: 7, logprobs: true },
      },
    ]);
  });

  it('asks with another seed in each turn and episode, the same each time', async () => {
    const { url, seen } = await serve((_, response) => json(response, chat('look')));
    for (let round = 0; round < 2; round++) {
      await using policy = createServerPolicy(optionsOf(url));
      await policy.act({ episode: 'a', conversation });
      await policy.act({ episode: 'b', conversation });
      const longer = [...conversation, { role: 'assistant', content: 'look' }, { role: 'user', content: '?' }] as const;
      await policy.act({ episode: 'a', conversation: longer });
    }
    expect(seen.every(({ key }) => key === undefined)).toBe(true);
    const seeds = seen.map(({ body }) => body.seed);
    expect(new Set(seeds.slice(0, 3)).size).toBe(3);
    expect(seeds.slice(3)).toEqual(seeds.slice(0, 3));
  });

  it('sends our own token ids where the checkpoint writes, and keeps what the server says of each token', async () => {
    const format = smallFormat();
    const { ids } = format.encodeConversation(conversation, { addGenerationPrompt: true });
    const { url, seen } = await serve((_, response) =>
      json(response, {
        choices: [{ text: 'look', token_ids: [11, 2], logprobs: { token_logprobs: [-0.5, -0.25] } }],
      }),
    );
    await using policy = createServerPolicy(optionsOf(url, { checkpoint: { format, maxLength: ids.length + 3 } }));
    expect(await policy.act({ episode: 'a', conversation })).toEqual({
      text: 'look',
      tokenIds: [11, 2],
      logProbs: [-0.5, -0.25],
    });
    expect(seen).toMatchObject([
      {
        path: '/v1/completions',
        body: { prompt: [...ids], max_tokens: 3, stop_token_ids: [...format.stopIds], return_token_ids: true },
      },
    ]);
  });

  it('ends an episode that no longer fits as the limit of the agent', async () => {
    const format = smallFormat();
    const { ids } = format.encodeConversation(conversation, { addGenerationPrompt: true });
    const errors = [
      { message: 'too long', code: 'context_length_exceeded' },
      { message: 'too long', code: 400, param: 'input_tokens', type: 'BadRequestError' }, // vLLM 0.16
      { message: 'too long', code: 400, type: 'exceed_context_size_error' }, // llama.cpp
    ];
    const { url } = await serve((_, response) => json(response, { error: errors.pop() }, 400));
    await using own = createServerPolicy(optionsOf(url, { checkpoint: { format, maxLength: ids.length } }));
    await expect(own.act({ episode: 'a', conversation })).rejects.toThrow(ContextFullError);
    await using theirs = createServerPolicy(optionsOf(url));
    for (let server = 0; server < 3; server++)
      await expect(theirs.act({ episode: 'a', conversation })).rejects.toThrow(ContextFullError);
    expect(errors).toEqual([]);
  });

  it('takes a reply cut off in its reasoning as the silence of the agent', async () => {
    const cut = { message: { content: null, reasoning_content: 'I should' }, finish_reason: 'length' };
    const { url } = await serve((_, response) => json(response, { choices: [cut] }));
    await using policy = createServerPolicy(optionsOf(url));
    expect(await policy.act({ episode: 'a', conversation })).toEqual({ text: '', tokenIds: [], logProbs: [] });
  });

  it('repeats what a loaded or faulty server refused', async () => {
    let count = 0;
    const { url, seen } = await serve((_, response) => {
      count += 1;
      if (count === 1) json(response, { error: { message: 'busy' } }, 429);
      else if (count === 2) response.destroy();
      else json(response, chat('look'));
    });
    await using policy = createServerPolicy(optionsOf(url));
    expect((await policy.act({ episode: 'a', conversation })).text).toBe('look');
    expect(seen).toHaveLength(3);
  });

  it.each<[string, Answer, RegExp]>([
    [
      'is down for good',
      (_, response) => json(response, { error: { message: 'out of memory' } }, 500),
      /500.*out of memory/,
    ],
    ['never answers', () => undefined, /timed out/],
    ['talks nonsense', (_, response) => json(response, { hello: 'world' }), /\{"hello":"world"\}, expected choices/],
    [
      'sends no text',
      (_, response) => json(response, { choices: [{ message: { content: null } }] }),
      /expected choices\[0\] with a text/,
    ],
    ['sends something else than JSON', (_, response) => response.end('<html>'), /<html>|JSON/],
  ])('is a fault of the infrastructure, not of the agent, when the server %s', async (name, answer, message) => {
    const { url } = await serve(answer);
    await using policy = createServerPolicy(
      optionsOf(url, { retries: 1, ...(name === 'never answers' ? { timeoutMs: 100 } : {}) }),
    );
    const { episode, fault } = await playEpisode(
      { task: sayWorld.tasks('train')[0]!, rollout: 0 },
      {
        environment: sayWorld,
        policy,
        prompt: { format: 'action-only', instruction: false },
        maxTurns: 3,
        origin: { run: '', stageKey: '', seed: 1 },
      },
    );
    expect(episode.outcome).toBe('infra_error');
    expect(fault).toMatch(message);
  });
});

describe('an interrupt', () => {
  it('ends what is being asked at once, waits between repeats included', async () => {
    const { url } = await serve(() => undefined); // never answers
    const interrupt = new AbortController();
    await using policy = createServerPolicy(
      optionsOf(url, { timeoutMs: 60_000, retries: 9, signal: interrupt.signal }),
    );
    const asked = policy.act({ episode: 'a', conversation });
    setTimeout(() => interrupt.abort(), 20);
    await expect(asked).rejects.toThrow(/aborted/);
  });
});

describe('checkServer()', () => {
  it('is content with a model the server lists', async () => {
    const { url } = await serve((_, response) => json(response, { object: 'list', data: [{ id: 'tiny' }] }));
    await expect(checkServer(optionsOf(url))).resolves.toBeUndefined();
  });

  it('names the models there are when the one asked for is not among them', async () => {
    const { url } = await serve((_, response) => json(response, { object: 'list', data: [{ id: 'a' }, { id: 'b' }] }));
    await expect(checkServer(optionsOf(url))).rejects.toMatchObject({
      badInput: true,
      message: `Cannot play model "tiny" of ${url}: the server does not know it, expected one it lists`,
      hint: 'Correct server.model; it has a, b.',
    });
  });

  it('says what to do about a key that is refused and a server that is not there', async () => {
    const { url } = await serve((_, response) => json(response, { error: { message: 'no such key' } }, 401));
    await expect(checkServer(optionsOf(url))).rejects.toMatchObject({
      badInput: true,
      message: expect.stringContaining('no such key'),
      hint: expect.stringContaining('server.apiKeyVariable'),
    });
    await closers.pop()!();
    await expect(checkServer(optionsOf(url, { retries: 0 }))).rejects.toMatchObject({
      badInput: true,
      message: expect.stringContaining('ECONNREFUSED'),
      hint: expect.stringContaining('See that the server runs'),
    });
  });
});
