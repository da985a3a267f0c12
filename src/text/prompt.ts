/**
 * How a turn is written: as the bare action, or as a thought and an action ("ReAct", Yao et al. 2023, arXiv 2210.03629).
 * The instruction is our own wording with the verbs the worlds understand; the released one names two wrong verbs for ALFWorld.
 */
import type { Message } from './tokenizer.ts';

/** How conversations are written. */
export interface PromptOptions {
  /** `action-only`: a reply is the bare action. `react`: `Thought: …` and `Action: …` on lines of their own. */
  readonly format: 'react' | 'action-only';
  /** Whether a conversation begins with the instruction and the agent's `OK`, as the paper's do. */
  readonly instruction: boolean;
}

/** What the first messages are made from. */
export interface Scene {
  /** Name of the world, e.g. `alfworld`. */
  readonly environment: string;
  /** What the world shows at first: the scene and the task. */
  readonly observation: string;
}

const worlds: Readonly<Record<string, string>> = {
  alfworld: [
    'You are a robot in a household. You are told what is around you and given one task; reach it in as few steps as you can.',
    'You can hold one thing at a time. These are your actions, with things and places named as you were told, e.g. drawer 2:',
    '- go to {place}',
    '- take {thing} from {place}',
    '- put {thing} in/on {place}',
    '- open {place}',
    '- close {place}',
    '- use {lamp}',
    '- clean {thing} with {sinkbasin}',
    '- heat {thing} with {microwave}',
    '- cool {thing} with {fridge}',
    '- examine {thing or place}',
    '- look',
    '- inventory',
    'The answer "Nothing happens." means that the action was not possible.',
  ].join('\n'),
  webshop: [
    'You are shopping on a web site. You are given one wish; find the product that fits it, choose its options and buy it.',
    'These are your actions:',
    '- search[{words}]: search the shop, where there is a search bar',
    '- click[{button}]: press one of the buttons shown on the page',
  ].join('\n'),
  virtualhome: [
    'You are a person at home and are given one task. Do it step by step with short commands such as "walk to kitchen",',
    '"open fridge", "grab milk", "put milk on table", "switch on tv", "sit on sofa" or "stand up".',
    'The answer "Nothing happens." means that the command was not possible.',
  ].join('\n'),
};

const anyWorld =
  'You act in a world of text. You are told what you see and given one task; answer with your next action.';

const formats: Readonly<Record<PromptOptions['format'], string>> = {
  'action-only': 'Reply with your next action and nothing else.',
  react: 'Each reply is two lines: "Thought: " with your reasoning, then "Action: " with your next action.',
};

/** Returns the messages before the agent's first own turn; the last one shows the scene and the task. */
export function openingMessages(prompt: PromptOptions, scene: Scene): Message[] {
  const first: Message = { role: 'user', content: scene.observation };
  if (!prompt.instruction) return [first];
  const world = Object.hasOwn(worlds, scene.environment) ? worlds[scene.environment] : anyWorld;
  const instruction: Message = { role: 'user', content: `${world}\n\n${formats[prompt.format]}` };
  return [instruction, { role: 'assistant', content: 'OK' }, first];
}

/** Returns the message that shows what followed an action. */
export function observationMessage(prompt: PromptOptions, observation: string): Message {
  return { role: 'user', content: prompt.format === 'react' ? `Observation: ${observation}` : observation };
}

/** Writes a turn as the agent is taught to write it. A thought is left out where the format has no place for it. */
export function agentText(prompt: PromptOptions, turn: { readonly thought: string; readonly action: string }): string {
  return prompt.format === 'react' ? `Thought: ${turn.thought}\nAction: ${turn.action}` : turn.action;
}
