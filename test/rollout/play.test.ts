/** Episodes in a world whose right answers are known. */
import { describe, expect, it } from 'vitest';
import { createNativePolicy } from '../../src/rollout/native-policy.ts';
import {
  type Assignment,
  assertFewFaults,
  type Played,
  type PlayOptions,
  playEpisode,
  playEpisodes,
} from '../../src/rollout/play.ts';
import { ContextFullError, type Policy } from '../../src/rollout/policy.ts';
import { outcomesOf } from '../../src/stage/outcome.ts';
import type { PromptOptions } from '../../src/text/prompt.ts';
import { madeDecoder, sayWorld, scriptedPolicy, smallFormat, tasks } from './support.ts';

const bare: PromptOptions = { format: 'action-only', instruction: false };
const assignment: Assignment = { task: tasks[0]!, rollout: 2 };
const optionsWith = (policy: Policy, more: Partial<PlayOptions> = {}): PlayOptions => ({
  environment: sayWorld,
  policy,
  prompt: bare,
  maxTurns: 5,
  origin: { run: 'r', stageKey: 'k', seed: 7 },
  ...more,
});
const play = (replies: readonly (string | Error)[], more: Partial<PlayOptions> = {}): Promise<Played> =>
  playEpisode(assignment, optionsWith(scriptedPolicy(replies), more));

describe('playEpisode()', () => {
  it('records a success turn by turn', async () => {
    const { episode, fault } = await play(['say red', 'say green', 'say blue', 'say green']);
    expect(fault).toBeUndefined();
    expect(episode).toMatchObject({
      run: 'r',
      stageKey: 'k',
      seed: 7,
      env: 'say',
      split: 'train',
      taskId: 'train/say-0',
      taskType: 'say',
      rollout: 2,
      outcome: 'success',
      finalObservation: 'You said green.',
    });
    expect(episode.return).toBeCloseTo(1, 12);
    const seen = episode.turns.map((turn) => [turn.observation, turn.action, turn.grounded, turn.remaining, turn.done]);
    expect(seen).toEqual([
      ['Say red, then blue, then green, then stop.', 'say red', true, 2, false],
      ['You said red.', 'say green', false, 2, false],
      ['Nothing happens.', 'say blue', true, 1, false],
      ['You said blue.', 'say green', true, 0, true],
    ]);
    expect(episode.turns.every((turn) => turn.actor === 'policy' && turn.progress === null)).toBe(true);
  });

  it('records null where the world sees no way to the goal any more', async () => {
    const environment = { ...sayWorld, remaining: () => Number.POSITIVE_INFINITY }; // as above
    expect((await play(['say red', 'stop'], { environment })).episode.turns.map((turn) => turn.remaining)).toEqual([
      null,
      null,
    ]);
  });

  it('records a world that ended without the goal as failure', async () => {
    const { episode } = await play(['say red', 'stop']);
    expect(episode).toMatchObject({ outcome: 'failure', finalObservation: 'You stopped.' });
    expect(episode.return).toBeCloseTo(1 / 3, 12);
    expect(episode.turns).toHaveLength(2);
  });

  it('records an episode that ran out of turns as limit', async () => {
    const { episode } = await play(['dance']);
    expect(episode).toMatchObject({ outcome: 'limit', return: 0, finalObservation: 'Nothing happens.' });
    expect(episode.turns).toHaveLength(5);
  });

  it('records a broken world and a broken policy as infra_error with the reason', async () => {
    const world = await play(['say red', 'crash']);
    expect(world).toMatchObject({ fault: 'the world fell down', episode: { outcome: 'infra_error' } });
    expect(world.episode.turns).toHaveLength(1); // what was played before
    const policy = await play([new Error('the server is gone')]);
    expect(policy).toMatchObject({ fault: 'the server is gone', episode: { outcome: 'infra_error', turns: [] } });
  });

  it('counts a full context as the limit of the agent, but as a fault where not even the first turn fits', async () => {
    const later = await play(['say red', new ContextFullError(100)]);
    expect(later.fault).toBeUndefined();
    expect(later.episode).toMatchObject({ outcome: 'limit', finalObservation: 'You said red.' });
    expect(later.episode.turns).toHaveLength(1);
    const first = await play([new ContextFullError(100)]);
    expect(first).toMatchObject({ fault: new ContextFullError(100).message, episode: { outcome: 'infra_error' } });
  });

  it('shows the policy the conversation so far, in the words of the format', async () => {
    const asked = async (prompt: PromptOptions, reply: string) => {
      const policy = scriptedPolicy([reply]);
      const { episode } = await playEpisode(assignment, optionsWith(policy, { prompt, maxTurns: 2 }));
      return { conversation: policy.asked[1]!.conversation, turn: episode.turns[0]! };
    };
    const scene = 'Say red, then blue, then green, then stop.';
    expect(await asked(bare, 'say red')).toMatchObject({
      conversation: [
        { role: 'user', content: scene },
        { role: 'assistant', content: 'say red' },
        { role: 'user', content: 'You said red.' },
      ],
      turn: { thought: '', action: 'say red', text: 'say red' },
    });
    const text = 'Thought: red is first.\nAction: say red';
    const react = await asked({ format: 'react', instruction: true }, text);
    expect(react.conversation.slice(1)).toEqual([
      { role: 'assistant', content: 'OK' },
      { role: 'user', content: scene },
      { role: 'assistant', content: text },
      { role: 'user', content: 'Observation: You said red.' },
    ]);
    expect(react.conversation[0]!.content).toContain('"Thought: "');
    expect(react.turn).toMatchObject({ thought: 'red is first.', action: 'say red', text, grounded: true });
  });

  it('asks under one name per task and rollout and always releases it', async () => {
    for (const replies of [['say red', 'stop'], [new Error('broken')]]) {
      const policy = scriptedPolicy(replies);
      await playEpisode(assignment, optionsWith(policy));
      expect(new Set(policy.asked.map(({ episode }) => episode))).toEqual(new Set(['train/say-0#2']));
      expect(policy.released).toEqual(['train/say-0#2']);
    }
  });

  it('throws the reason of an abort, even where the abort itself broke the policy', async () => {
    const reason = new Error('Ctrl-C');
    await expect(play(['say red'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const policy: Policy = {
      ...scriptedPolicy([]),
      act: async () => {
        controller.abort(reason);
        throw new Error('connection closed');
      },
    };
    await expect(playEpisode(assignment, optionsWith(policy, { signal: controller.signal }))).rejects.toBe(reason);
  });
});

describe('playEpisodes()', () => {
  const format = smallFormat();
  const all: Assignment[] = tasks.flatMap((task) => [0, 1].map((rollout) => ({ task, rollout })));

  it('keeps the order of the assignments and plays no more at once than asked', async () => {
    let running = 0;
    let most = 0;
    const scripted = scriptedPolicy(['say red', 'stop']);
    const policy: Policy = {
      ...scripted,
      act: async (request) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running -= 1;
        return scripted.act(request);
      },
    };
    const finished: string[] = [];
    const played = await playEpisodes(all, {
      ...optionsWith(policy),
      concurrency: 3,
      onPlayed: ({ episode }) => finished.push(`${episode.taskId}#${episode.rollout}`),
    });
    const name = ({ task, rollout }: Assignment): string => `${task.id}#${rollout}`;
    expect(played.map(({ episode }) => `${episode.taskId}#${episode.rollout}`)).toEqual(all.map(name));
    expect(finished.sort()).toEqual(all.map(name).sort());
    expect(most).toBe(3);
  });

  it('ends when the decoder of a native policy breaks: every episode is a fault, none a failure', async () => {
    let steps = 0;
    const decoder = madeDecoder({
      slots: 2,
      vocabSize: format.tokenizer.vocabSize,
      before: () => {
        steps += 1;
        if (steps > 3) throw new Error('out of memory');
      },
    });
    const sampling = { temperature: 1, topP: 1, maxNewTokens: 6 };
    const policy = createNativePolicy({ decoder, format, sampling, seed: 1 });
    const played = await playEpisodes(all, { ...optionsWith(policy), concurrency: 4 });
    expect(played.map(({ episode }) => episode.outcome)).toEqual(all.map(() => 'infra_error'));
    expect(played.every(({ fault }) => fault === 'out of memory')).toBe(true);
    expect(outcomesOf(played.map(({ episode }) => episode))).toMatchObject({ episodes: 0, broken: 8, success: 0 });
  });
});

describe('assertFewFaults()', () => {
  const played = async (sound: number, broken: number): Promise<Played[]> => [
    ...(await Promise.all(Array.from({ length: sound }, () => play(['stop'])))),
    ...(await Promise.all(Array.from({ length: broken }, () => play([new Error('the server is gone')])))),
  ];

  it('accepts up to 5 % of faults', async () => {
    const episodes = await played(19, 1);
    expect(() => assertFewFaults(episodes)).not.toThrow();
    expect(() => assertFewFaults([])).not.toThrow();
  });

  it('refuses more, with the first reason', async () => {
    const episodes = await played(18, 1); // 1 of 19 = 5.3 %
    expect(() => assertFewFaults(episodes)).toThrow(
      expect.objectContaining({
        name: 'EnvironmentError',
        message: 'Cannot use the episodes: 1 of 19 broke, expected at most 5 %',
        hint: 'First fault: the server is gone',
        badInput: false,
      }),
    );
    expect(() => assertFewFaults(episodes, 0.1)).not.toThrow();
  });
});

describe('outcomesOf()', () => {
  it('counts a fault in no mean', async () => {
    const episodes = [
      (await play(['say red', 'say blue', 'say green'])).episode, // won: 3 turns, return 1
      (await play(['dance', 'stop'])).episode, // lost: 2 turns, one refused, return 0
      (await play(['say red', 'crash'])).episode, // broke after one turn worth 1/3
    ];
    const { reward, ...rest } = outcomesOf(episodes);
    // sound: 2; success 1/2; turns (3 + 2) / 2; grounded (3 + 1) / 5; reward (1 + 0) / 2
    expect(rest).toEqual({ episodes: 2, broken: 1, success: 0.5, ended: 1, grounded: 0.8, turns: 2.5 });
    expect(reward).toBeCloseTo(0.5, 12);
  });
});
