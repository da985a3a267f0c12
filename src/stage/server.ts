/** A server as the policy of a stage. */

import { checkModel } from '../nn/checkpoint.ts';
import type { Sampling } from '../rollout/native-policy.ts';
import type { Policy } from '../rollout/policy.ts';
import { checkServer, createServerPolicy, type ServerPolicyOptions } from '../rollout/server-policy.ts';
import type { StageContext } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { readChatFormat } from '../text/read-chat-format.ts';

type Server = Manifest['server'];

/** Checks the server once and returns how its policy is started. @throws {SpaError} If it cannot be used (bad input). */
export async function openServer({
  node,
  signal,
}: Pick<StageContext, 'node' | 'signal'>): Promise<
  (sampling: Sampling & { readonly seed: number }) => Promise<Policy>
> {
  const { server, base } = node.resources as unknown as { readonly server: Server; readonly base: string | null }; // plan.ts wrote them
  const checkpoint = server.template === 'checkpoint' && base !== null ? await checkpointOf(base) : undefined;
  const options: Omit<ServerPolicyOptions, 'sampling' | 'seed'> = {
    url: server.url!, // a stage gets here only with a server
    model: server.model!, // cross-field.ts
    apiKey: server.apiKeyVariable === null ? undefined : process.env[server.apiKeyVariable],
    timeoutMs: server.timeoutSeconds * 1000,
    retries: server.retries,
    signal,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
  await checkServer(options);
  return async ({ seed, ...sampling }) => createServerPolicy({ ...options, sampling, seed });
}

async function checkpointOf(folder: string): Promise<NonNullable<ServerPolicyOptions['checkpoint']>> {
  const [{ config }, format] = await Promise.all([checkModel(folder), readChatFormat(folder)]);
  return { format, maxLength: config.maxLength };
}
