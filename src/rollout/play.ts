/** Plays episodes: a policy in a world, turn by turn, to a record. Agents fail by playing badly; faults are recorded as faults. */
import { SpaError } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import { mapLimit } from '../base/limit.ts';
import { type Episode, type Turn, unattributed } from '../data/trajectory.ts';
import type { Task, World } from '../env/environment.ts';
import { parseAction } from '../text/parse-action.ts';
import { observationMessage, openingMessages, type PromptOptions } from '../text/prompt.ts';
import type { Message } from '../text/tokenizer.ts';
import { ContextFullError, type Policy } from './policy.ts';

/** How episodes are played. */
export interface PlayOptions {
  readonly environment: World;
  readonly policy: Policy;
  readonly prompt: PromptOptions;
  /** Turns after which an episode ends as `limit`. */
  readonly maxTurns: number;
  /** Names written into each record: the run, the stage's key and the seed. */
  readonly origin: { readonly run: string; readonly stageKey: string; readonly seed: number };
  readonly signal?: AbortSignal;
}

/** A played episode and, if it broke, why. */
export interface Played {
  readonly episode: Episode;
  readonly fault?: string;
}

/** One episode to play. */
export interface Assignment {
  readonly task: Task;
  /** Number of this episode among those of its task, from 0. */
  readonly rollout: number;
}

/**
 * Plays one episode.
 * @returns Its record; `outcome` is `infra_error` if the policy or the world broke, and then nothing of it counts as the agent's.
 * @throws The abort reason if `signal` is aborted.
 */
export async function playEpisode(assignment: Assignment, options: PlayOptions): Promise<Played> {
  const { environment, policy, prompt } = options;
  const { task, rollout } = assignment;
  const episodeName = `${task.id}#${rollout}`;
  const turns: Turn[] = [];
  let outcome: Episode['outcome'] = 'limit';
  let total = 0;
  let fault: string | undefined;
  let observation = '';
  let state: JsonObject | undefined;
  try {
    const opening = await environment.reset(task);
    state = opening.state;
    observation = opening.observation;
    const conversation: Message[] = openingMessages(prompt, { environment: environment.name, observation });
    while (turns.length < options.maxTurns) {
      options.signal?.throwIfAborted();
      const startedAtMs = Date.now();
      const actStart = performance.now();
      const reply = await policy.act({ episode: episodeName, conversation });
      const stepStart = performance.now();
      const { thought, action } = parseAction(prompt, reply.text);
      const transition = await environment.step(task, state, action);
      state = transition.state;
      total += transition.reward;
      turns.push({
        actor: 'policy',
        observation,
        thought,
        action,
        text: reply.text,
        tokenIds: reply.tokenIds,
        logProbs: reply.logProbs,
        reward: transition.reward,
        grounded: transition.grounded,
        done: transition.done,
        success: transition.success,
        ...unattributed,
        remaining: remainingOf(environment, task, state),
        startedAtMs,
        actMs: stepStart - actStart,
        stepMs: performance.now() - stepStart,
      });
      observation = transition.observation;
      if (transition.done) {
        outcome = transition.success ? 'success' : 'failure';
        break;
      }
      conversation.push({ role: 'assistant', content: reply.text }, observationMessage(prompt, observation));
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    const isAgentsLimit = error instanceof ContextFullError && turns.length > 0;
    if (!isAgentsLimit) {
      outcome = 'infra_error';
      fault = error instanceof Error ? error.message : String(error);
    }
  } finally {
    policy.release(episodeName);
    if (state !== undefined) await environment.release?.(state);
  }
  const episode: Episode = {
    ...options.origin,
    env: environment.name,
    split: task.split,
    taskId: task.id,
    taskType: task.type,
    rollout,
    outcome,
    return: total,
    turns,
    finalObservation: observation,
  };
  return fault === undefined ? { episode } : { episode, fault };
}

/** The world's count of remaining actions for a record: null where it cannot tell or the goal is out of reach. */
export function remainingOf(environment: World, task: Task, state: JsonObject): number | null {
  const remaining = environment.remaining?.(task, state) ?? Number.POSITIVE_INFINITY;
  return Number.isFinite(remaining) ? remaining : null;
}

/** Plays many episodes, at most `concurrency` at once; records keep the order of the assignments. */
export async function playEpisodes(
  assignments: readonly Assignment[],
  options: PlayOptions & { readonly concurrency: number; readonly onPlayed?: (played: Played) => void },
): Promise<Played[]> {
  return mapLimit(assignments, options.concurrency, async (assignment) => {
    const played = await playEpisode(assignment, options);
    options.onPlayed?.(played);
    return played;
  });
}

/**
 * Refuses a set of episodes of which too many broke: statistics over the rest would be biased.
 * @param share Largest share of `infra_error` episodes, in [0, 1].
 * @throws {SpaError} If more broke.
 */
export function assertFewFaults(played: readonly Played[], share = 0.05): void {
  const broken = played.filter(({ episode }) => episode.outcome === 'infra_error');
  if (broken.length <= share * played.length) return;
  throw new SpaError(
    'environment',
    `Cannot use the episodes: ${broken.length} of ${played.length} broke, expected at most ${share * 100} %`,
    { hint: `First fault: ${broken[0]?.fault ?? 'unknown'}` },
  );
}
