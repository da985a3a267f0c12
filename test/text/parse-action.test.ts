import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAction, rewritePut } from '../../src/text/parse-action.ts';
import { agentText } from '../../src/text/prompt.ts';

fc.configureGlobal({ seed: 2505 });

const react = { format: 'react' } as const;
const bare = { format: 'action-only' } as const;

describe('parseAction() in react', () => {
  it.each([
    ['Thought: I look.\nAction: look', 'I look.', 'look', true],
    ['Thought: a\nb\nAction:go to desk 1\n', 'a\nb', 'go to desk 1', true],
    ['ACTION : go to desk 1.', '', 'go to desk 1', true],
    ['Action: look\nObservation: You see', '', 'look', true],
    ['Action:\n```\nlook\n```', '', 'look', true],
    ['Action: "take mug 1 from desk 1"', '', 'take mug 1 from desk 1', true],
    ['Action: look\nAction: inventory', '', 'look', false],
    ['go to desk 1', 'go to desk 1', '', false],
    ['Thought: x\nAction: ', 'x', '', false],
    ['', '', '', false],
    ['Action: click[Buy Now]', '', 'click[Buy Now]', true],
  ])('reads %j', (text, thought, action, wellFormed) => {
    expect(parseAction(react, text)).toEqual({ thought, action, wellFormed });
  });

  it('reads back what is taught', () => {
    const line = fc.stringMatching(/^[a-z]+( [a-z0-9]+)*$/);
    fc.assert(
      fc.property(line, line, (thought, action) => {
        fc.pre(!/action$/.test(thought));
        const text = agentText({ format: 'react', instruction: false }, { thought, action });
        expect(parseAction(react, text)).toEqual({ thought, action, wellFormed: true });
      }),
    );
  });
});

describe('parseAction() in action-only', () => {
  it.each([
    ['go to desk 1', 'go to desk 1', true],
    [' go to desk 1 \n', 'go to desk 1', true],
    ['\n`look`\nand more', 'look', false],
    ['put mug 1 in/on desk 1.', 'put mug 1 in/on desk 1', false],
    ['```text\nlook\n```', 'look', false],
    ['', '', false],
  ])('reads %j', (text, action, wellFormed) => {
    expect(parseAction(bare, text)).toEqual({ thought: '', action, wellFormed });
  });
});

describe('parseAction() on anything', () => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('Action:', 'Thought:', '```', '"', "'", '.', '\n', ' ', 'look', '**'))
      .map((parts) => parts.join('')),
  );

  it('never throws and returns a single trimmed line', () => {
    fc.assert(
      fc.property(noise, fc.constantFrom(react, bare), (text, format) => {
        const { action } = parseAction(format, text);
        expect(action).toBe(action.trim());
        expect(action).not.toMatch(/[\r\n]/);
      }),
    );
  });

  it('leaves an action it has read as it is', () => {
    fc.assert(
      fc.property(noise, (text) => {
        const { action } = parseAction(bare, text);
        expect(parseAction(bare, action).action).toBe(action);
      }),
      { numRuns: 500 },
    );
  });
});

describe('rewritePut()', () => {
  it.each([
    ['put mug 1 in desk 1', 'put mug 1 in/on desk 1', 'move mug 1 to desk 1'],
    ['put mug 1 on desk 1', 'put mug 1 in/on desk 1', 'move mug 1 to desk 1'],
    ['put mug 1 in/on desk 1', 'put mug 1 in/on desk 1', 'move mug 1 to desk 1'],
    ['put mug 1 into cabinet 2', 'put mug 1 in/on cabinet 2', 'move mug 1 to cabinet 2'],
    ['move mug 1 to desk 1', 'put mug 1 in/on desk 1', 'move mug 1 to desk 1'],
    ['go to desk 1', 'go to desk 1', 'go to desk 1'],
    ['put mug 1', 'put mug 1', 'put mug 1'],
  ])('writes %j for each grammar', (action, put, move) => {
    expect(rewritePut(action, 'put')).toBe(put);
    expect(rewritePut(action, 'move')).toBe(move);
  });

  it('changes nothing the second time', () => {
    const words = fc.constantFrom('put', 'move', 'mug 1', 'in', 'on', 'in/on', 'to', 'desk 1', '');
    fc.assert(
      fc.property(fc.array(words), fc.constantFrom('put' as const, 'move' as const), (list, wording) => {
        const once = rewritePut(list.join(' '), wording);
        expect(rewritePut(once, wording)).toBe(once);
      }),
      { numRuns: 1000 },
    );
  });
});
