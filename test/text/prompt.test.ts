import { describe, expect, it } from 'vitest';
import { agentText, observationMessage, openingMessages, type PromptOptions } from '../../src/text/prompt.ts';

const react: PromptOptions = { format: 'react', instruction: true };
const bare: PromptOptions = { format: 'action-only', instruction: false };
const scene = { environment: 'alfworld', observation: 'You see a desk 1.' };

describe('openingMessages()', () => {
  it('is the scene alone without instruction', () => {
    expect(openingMessages(bare, scene)).toEqual([{ role: 'user', content: 'You see a desk 1.' }]);
  });

  it('is instruction, OK and scene with instruction', () => {
    const messages = openingMessages(react, scene);
    expect(messages.map((message) => message.role)).toEqual(['user', 'assistant', 'user']);
    expect(messages[1]!.content).toBe('OK');
    expect(messages[2]!.content).toBe('You see a desk 1.');
  });

  it.each(['go to {', 'take {', 'put {thing} in/on {', 'open {', 'close {', 'use {', 'clean {', 'heat {', 'cool {'])(
    'names the ALFWorld action "%s"',
    (action) => expect(openingMessages(react, scene)[0]!.content).toContain(`\n- ${action}`),
  );

  it('tells the two formats apart and knows an unknown world only as text', () => {
    const [first] = openingMessages({ ...bare, instruction: true }, { environment: 'constructor', observation: '' });
    expect(first!.content).toMatch(
      /^You act in a world of text\..*\n\nReply with your next action and nothing else\.$/,
    );
    expect(openingMessages(react, scene)[0]!.content).toContain('"Thought: "');
  });
});

describe('turns', () => {
  it('are labelled in react and bare in action-only', () => {
    const turn = { thought: 'Look first.', action: 'look' };
    expect(agentText(react, turn)).toBe('Thought: Look first.\nAction: look');
    expect(agentText(bare, turn)).toBe('look');
    expect(observationMessage(react, 'Nothing happens.').content).toBe('Observation: Nothing happens.');
    expect(observationMessage(bare, 'Nothing happens.').content).toBe('Nothing happens.');
  });
});
