/** Who plays in a stage: the policy in its input folder, or a server. */
import { join } from 'node:path';
import type { Sampling } from '../rollout/native-policy.ts';
import type { Policy } from '../rollout/policy.ts';
import type { StageContext } from '../runner/stage.ts';
import type { Manifest } from '../schema/manifest.ts';
import { policyFolder } from './file.ts';
import { openPolicy, startPolicy } from './policy.ts';
import { openServer } from './server.ts';

/** Starts a fresh policy; the caller disposes it. */
export type StartPolicy = (sampling: Sampling & { readonly seed: number }) => Promise<Policy>;

/** Opens what plays. @throws {SpaError} If the folder is damaged or the server cannot be used. */
export async function openPlayer(context: StageContext, prompt: Manifest['prompt']): Promise<StartPolicy> {
  if (context.node.params.server !== undefined) return openServer(context);
  const opened = await openPolicy(join(context.inputs.policy!, policyFolder), prompt);
  return (sampling) => startPolicy(opened, context.node, sampling);
}
