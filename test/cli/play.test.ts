import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseTask, lookOf, playCommand } from '../../src/cli/play.ts';
import { completeLine, helpLines, parseLine, playCommands } from '../../src/cli/play-command.ts';
import { hintOf, playExpert, startGame, takeBack, takeTurn } from '../../src/cli/play-game.ts';
import { type Session, type SessionOptions, startSession } from '../../src/cli/play-session.ts';
import { findTask } from '../../src/cli/play-task.ts';
import { listLines, observationLines, wrap } from '../../src/cli/play-view.ts';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import type { Environment } from '../../src/env/environment.ts';

const plain = { width: 80, isColoured: false, isRaw: false };

/** A stair of three steps: "up" climbs, "down" descends, the top wins. */
const stair: Environment<{ readonly height: number }> = {
  name: 'stair',
  splits: ['train'],
  digest: () => 'stair',
  tasks: () => ['a', 'b'].map((id) => ({ id: `train/${id}`, split: 'train', type: 'climb' })),
  reset: () => ({ state: { height: 0 }, observation: 'You stand below.' }),
  step: (_, { height }, action) => {
    const next = action === 'up' ? height + 1 : action === 'down' && height > 0 ? height - 1 : height;
    const done = next === 3;
    return {
      state: { height: next },
      observation: `You stand on step ${next}.`,
      reward: done ? 1 : 0,
      done,
      success: done,
      grounded: next !== height,
    };
  },
  admissible: (_, { height }) => (height > 0 ? ['down', 'up'] : ['up']),
  expert: () => ({ act: () => 'up' }),
  remaining: (_, { height }) => 3 - height,
};

function play(more: Partial<SessionOptions> = {}): { session: Session; say: (...lines: string[]) => Promise<string> } {
  const printed: string[] = [];
  const session = startSession({
    world: stair,
    tasks: stair.tasks('train'),
    first: 0,
    maxTurns: 10,
    hints: false,
    expert: false,
    look: plain,
    print: (line) => printed.push(line),
    ...more,
  });
  const say = async (...lines: string[]): Promise<string> => {
    for (const line of lines) {
      printed.length = 0;
      await session.enter(line);
    }
    return printed.join('\n').trimEnd();
  };
  return { session, say };
}

describe('a session of play', () => {
  it('shows task, observation, turn, reward, and what was refused', async () => {
    const printed: string[] = [];
    const { say } = play({ print: (line) => printed.push(line) });
    expect(printed).toEqual(['', 'stair  train 1 of 2  climb', 'train/a', '', '  You stand below.', '']);
    const { say: again } = play();
    expect(await again('up')).toBe('  You stand on step 1.\n  turn 1, reward 0');
    expect(await again('fly')).toBe('  You stand on step 1.\n  turn 2, reward 0  refused');
    await say('');
    expect(printed).toHaveLength(6);
  });

  it('plays a number as the action of the list', async () => {
    const { say } = play();
    expect(await say('up', '/actions')).toBe('   1  down     2  up');
    expect(await say('2')).toBe('  You stand on step 2.\n  turn 2, reward 0');
    expect(await say('9')).toContain('refused');
    expect(await say('/actions do')).toBe('   1  down');
    expect(await say('/actions xyz')).toBe('  none of 2 actions has "xyz"');
  });

  it('takes turns back, as many as asked', async () => {
    const { say } = play();
    expect(await say('/undo')).toBe('  no turn has been played');
    expect(await say('up', 'up', '/undo')).toBe('  You stand on step 1.\n  turn 1, reward 0');
    expect(await say('/undo 5')).toBe('  You stand below.');
    expect(await say('/undo x')).toBe('  "x" is no number of turns');
  });

  it('ends with the world, and goes on after an undo', async () => {
    const { say } = play();
    expect(await say('up', 'up', 'up')).toBe(
      '  You stand on step 3.\n  turn 3, reward 1  WON\n\n  /next, /compare, /restart, /undo or /quit',
    );
    expect(await say('up')).toMatch(/^ {2}the world has ended/);
    expect(await say('/hint')).toBe('  the world has ended');
    expect(await say('/undo', 'up')).toContain('WON');
  });

  it('lets the expert hint, play on, and be compared', async () => {
    const { say } = play();
    expect(await say('/hint')).toBe('  the expert would: up');
    expect(await say('up', 'down', '/expert 1')).toBe('> up  (expert)\n  You stand on step 1.\n  turn 3, reward 0');
    expect(await say('/expert')).toContain('turn 5, reward 1  WON');
    expect(await say('/compare')).toBe(
      [
        '     played  expert from the start',
        '  1  up      up',
        '  2  down    up',
        '  3  up      up',
        '  4  up',
        '  5  up',
        '',
        '  won in 5 turns; the expert won in 3 turns',
      ].join('\n'),
    );
  });

  it('sums up: result, expert, reward, refused, helped, the way to the goal', async () => {
    const lines: string[] = [];
    const { session } = play({ print: (line) => lines.push(line) });
    for (const line of ['up', 'fly', 'up', '/expert']) await session.enter(line);
    lines.length = 0;
    session.close();
    expect(lines).toEqual([
      '',
      'Summary of train/a',
      '  result     won in 4 turns',
      '  expert     won in 3 turns',
      '  reward     1',
      '  refused    1 of 4 (25 %)',
      '  by expert  1 of 4',
      '  to goal    3 2 2 1 0  actions',
    ]);
  });

  it('hints before each turn, and shows the expert at work, when asked to', async () => {
    const hinted: string[] = [];
    play({ hints: true, print: (line) => hinted.push(line) });
    expect(hinted.at(-1)).toBe('  hint: up, 3 to go');
    const watched: string[] = [];
    play({ expert: true, print: (line) => watched.push(line) });
    expect(watched.filter((line) => line.startsWith('>'))).toEqual(Array(3).fill('> up  (expert)'));
  });

  it('goes to other tasks and begins again', async () => {
    const { say } = play();
    expect(await say('/next')).toContain('train/b');
    expect(await say('/next')).toBe('  this is the last task of the split');
    expect(await say('/task 1')).toContain('train/a');
    expect(await say('/task b')).toContain('train/b');
    expect(await say('/task 7')).toBe('  there are 2 tasks, expected a number from 1 to 2');
    expect(await say('up', '/restart')).toContain('You stand below.');
  });

  it('says at which turn an experiment would stop, and lets a person go on', async () => {
    const { say } = play({ maxTurns: 2 });
    expect(await say('up', 'down')).toContain('experiments end an episode here, after 2 turns; you may go on');
    expect(await say('up')).toBe('  You stand on step 1.\n  turn 3, reward 0');
  });

  it('writes the game as text, over nothing that exists', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spa-play-'));
    const file = join(folder, 'game.txt');
    const { say } = play();
    await say('up', 'fly', `/save ${file}`);
    expect(await readFile(file, 'utf8')).toBe(
      '# train/a\n\nYou stand below.\n\n> up\nYou stand on step 1.\n\n> fly   (refused)\nYou stand on step 1.\n',
    );
    expect(await say(`/save ${file}`)).toMatch(/cannot write: EEXIST/);
    await rm(folder, { recursive: true });
    expect(existsSync(file)).toBe(false);
  });

  it('does with a world that can tell nothing', async () => {
    const { admissible: _a, expert: _e, remaining: _r, ...bare } = stair;
    const { say, session } = play({ world: bare });
    expect(await say('/actions')).toBe('  this world cannot tell what it would execute');
    for (const word of ['/hint', '/expert', '/compare']) expect(await say(word)).toBe('  this world has no expert');
    expect(session.actions()).toEqual([]);
  });
});

describe('a game of ALFWorld', () => {
  const world = openAlfworld({
    source: 'generated',
    seed: 1,
    counts: { train: 3, valid_seen: 1, valid_unseen: 1 },
    size: 'small',
  }); // its state is JSON, as any

  it('is won by the expert from where a player has left it', () => {
    const start = startGame(world, world.tasks('train')[0]!);
    const strayed = takeTurn(takeTurn(start, 'look'), 'dance');
    const end = playExpert(strayed, 40).turns.at(-1)!;
    expect([end.done, end.success, end.by]).toEqual([true, true, 'expert']);
    expect(hintOf(takeBack(strayed, 2))).toBe(hintOf(start));
  });
});

describe('parseLine()', () => {
  it('tells actions from commands, by either mark and any unique beginning', () => {
    expect(parseLine('  go to desk 1 ')).toEqual({ kind: 'action', text: 'go to desk 1' });
    expect(parseLine(':und 2')).toEqual({ kind: 'command', name: 'undo', rest: '2' });
    expect(parseLine('/q')).toEqual({ kind: 'command', name: 'quit', rest: '' });
    expect(parseLine('/')).toEqual({ kind: 'command', name: 'help', rest: '' });
    expect(parseLine('/h')).toEqual({ kind: 'unknown', word: 'h', near: 'help' });
    expect(parseLine('/actons')).toEqual({ kind: 'unknown', word: 'actons', near: 'actions' });
    expect(parseLine('\t')).toEqual({ kind: 'nothing' });
  });
});

describe('completeLine()', () => {
  it('completes actions and commands', () => {
    expect(completeLine('Go', ['go to bed 1', 'look'])).toEqual([['go to bed 1'], 'Go']);
    expect(completeLine(':co', [])).toEqual([[':compare'], ':co']);
  });
});

describe('helpLines()', () => {
  it('names every command', () => {
    const text = helpLines().join('\n');
    for (const name of Object.keys(playCommands)) expect(text).toContain(`/${name}`);
  });
});

describe('observationLines()', () => {
  const page = 'Back to Search [SEP] Page 1 [SEP] B000 [SEP] A lamp of <tin>';
  const actions = ['click[back to search]', 'click[b000]', 'search[lamp]'];

  it('shows a page one item per line, what can be clicked in brackets', () => {
    expect(observationLines(page, actions, plain)).toEqual([
      '  [Back to Search]',
      '  Page 1',
      '  [B000]',
      '  A lamp of <tin>',
    ]);
  });

  it('lets no text move the cursor', () => {
    expect(observationLines('a\u001b[2Jb\nc\u0007\u009b', [], plain)).toEqual(['  a\ufffd[2Jb', '  c\ufffd\ufffd']);
  });

  it('shows exactly the text when asked to', () => {
    expect(observationLines(page, actions, { ...plain, isRaw: true, width: 20 })).toEqual([page]);
  });
});

describe('wrap()', () => {
  it('breaks between words, cuts what has none, keeps lines', () => {
    expect(wrap('one two three\n\nabcdefghij', 7)).toEqual(['one two', 'three', '', 'abcdefg', 'hij']);
    expect(wrap('one two ', 7)).toEqual(['one two']);
  });
});

describe('listLines()', () => {
  it('fills columns downwards within the width', () => {
    const items = ['a', 'b', 'c'].map((text, i) => ({ number: i + 1, text }));
    expect(listLines(items, { ...plain, width: 20 })).toEqual(['   1  a     3  c', '   2  b']);
    expect(listLines(items, { ...plain, width: 5 })).toHaveLength(3);
  });
});

describe('findTask()', () => {
  const tasks = ['train/desk-1', 'train/desk-2', 'train/bed-1'].map((id) => ({ id, split: 'train', type: 't' }));

  it('finds by number, id and a part only one has', () => {
    expect(['2', 'train/desk-1', 'bed'].map((wanted) => findTask(tasks, wanted))).toEqual([
      { index: 1 },
      { index: 0 },
      { index: 2 },
    ]);
  });

  it('says what else there is', () => {
    expect(findTask(tasks, 'desk')).toEqual({
      problem: '2 tasks have that in their id, expected one',
      hint: 'For example 1 = train/desk-1, 2 = train/desk-2',
    });
    expect(findTask(tasks, 'train/bad-1')).toMatchObject({ hint: 'Did you mean "train/bed-1"?' });
    expect(findTask(tasks, '0')).toEqual({ problem: 'there are 3 tasks, expected a number from 1 to 3' });
  });
});

describe('playCommand()', () => {
  it('refuses a world it does not know, with the nearest', async () => {
    await expect(playCommand('webshap', {})).rejects.toMatchObject({
      message: 'Cannot open world "webshap": there is no such world, expected one of alfworld, webshop, virtualhome',
      hint: 'Did you mean "webshop"?',
      badInput: true,
    });
    await expect(playCommand('alfworld', { seed: '-1' })).rejects.toMatchObject({ badInput: true });
  });

  it('refuses a task that is not there', () => {
    expect(() => chooseTask(stair, { task: '3' })).toThrow(
      'Cannot play task "3" of stair: there are 2 tasks, expected a number from 1 to 2',
    );
  });
});

describe('lookOf()', () => {
  it('colours only a terminal that wants it, and is never wider than reads well', () => {
    const tty = { isTTY: true, columns: 200 };
    expect(lookOf(tty, {}, false)).toEqual({ width: 100, isColoured: true, isRaw: false });
    expect(lookOf(tty, { NO_COLOR: '1' }, false).isColoured).toBe(false);
    expect(lookOf(tty, { TERM: 'dumb' }, false).isColoured).toBe(false);
    expect(lookOf({ isTTY: false }, {}, true)).toEqual({ width: 80, isColoured: false, isRaw: true });
  });
});
