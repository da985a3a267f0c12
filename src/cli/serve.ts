/** `spa serve`: one of our worlds behind HTTP, in the words of AgentGym's servers, until Ctrl-C. */
import { badInput, messageOf } from '../base/error.ts';
import type { Environment } from '../env/environment.ts';
import { type ServeOptions, serveWorld } from '../env/http/server.ts';
import { numberOf, openNamedWorld, type WorldWords } from './open-world.ts';

/** Options of the command, as words. */
export interface ServeWords extends WorldWords {
  readonly host?: string;
  readonly port?: string;
  readonly dialect?: string;
  readonly maxSessions?: string;
  readonly idleMinutes?: string;
}

/**
 * Serves a world until SIGINT or SIGTERM; then answers what has been asked and ends.
 * @returns 0.
 * @throws {SpaError} Bad input: the world, an option, a port that is taken.
 */
export async function serveCommand(
  name: string,
  words: ServeWords,
  open: (name: string, words: WorldWords) => Promise<{ readonly world: Environment }> = openNamedWorld,
): Promise<number> {
  const options = serveOptions(words);
  const { world } = await open(name, words);
  const server = await serveWorld(world, {
    ...options,
    onFault: (error) => process.stderr.write(`The world broke: ${messageOf(error)}\n`),
  });
  const stopped = untilSignal(); // before anybody is told that it runs
  const host = new URL(server.url).hostname;
  if (!isLoopback(host)) {
    process.stderr.write(
      `Warning: ${host} can be reached from other machines, and there is no login: whoever reaches port ${new URL(server.url).port} can play\n`,
    );
  }
  let from = 0;
  const splits = world.splits.map((split) => {
    const to = from + world.tasks(split).length;
    const range = `${split} ${from} to ${to - 1}`;
    from = to;
    return range;
  });
  process.stdout.write(
    `Serving ${world.name} at ${server.url}, dialect ${server.dialect}; tasks: ${splits.join(', ')}; Ctrl-C ends\n`,
  );
  await stopped;
  await server.close();
  process.stdout.write('Closed\n');
  return 0;
}

function serveOptions(words: ServeWords): ServeOptions {
  const { host, dialect, port = '36001', maxSessions, idleMinutes } = words;
  if (dialect !== undefined && dialect !== 'alfworld' && dialect !== 'webshop' && dialect !== 'generic')
    throw badInput('environment', `Cannot serve in dialect "${dialect}": expected alfworld, webshop or generic`);
  return {
    port: numberIn('--port', port, { from: 0, to: 65_535 }),
    ...(host !== undefined && { host }),
    ...(dialect !== undefined && { dialect }),
    ...(maxSessions !== undefined && {
      maxSessions: numberIn('--max-sessions', maxSessions, { from: 1, to: 1_000_000 }),
    }),
    ...(idleMinutes !== undefined && {
      idleMs: 60_000 * numberIn('--idle-minutes', idleMinutes, { from: 1, to: 10_000 }),
    }),
  };
}

function numberIn(option: string, word: string, { from, to }: { readonly from: number; readonly to: number }): number {
  const value = numberOf(word);
  if (typeof value === 'number' && value >= from && value <= to) return value;
  throw badInput(
    'environment',
    `Cannot read option "${option} ${word}": expected a whole number from ${from} to ${to}`,
  );
}

function isLoopback(host: string): boolean {
  return host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
