/** Generated games: the same from the same seed, apart between splits, solvable, and as hard as promised. */
import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/base/hash.ts';
import { openAlfworld } from '../../src/env/alfworld/alfworld.ts';
import { type GenerateOptions, generatorVersion, openGenerated } from '../../src/env/alfworld/generate/generated.ts';
import { drawScenes } from '../../src/env/alfworld/generate/scene.ts';
import { playExpert } from './support.ts';

const counts = { train: 120, valid_seen: 30, valid_unseen: 30 };

/** Returns the furniture of a problem as `class x count`, sorted. */
function layoutOf(problem: string): string {
  const classes = [...problem.matchAll(/\(receptacleType [^?\s]\S* (\w+)Type\)/g)].map((match) => match[1]!);
  return classes.sort().join(' ');
}

function problemsOf(options: GenerateOptions, split: string): string[] {
  const source = openGenerated(options);
  return source.tasks(split).map((task) => source.read(task).pddl_problem);
}

describe("source 'generated'", () => {
  it('makes the games this version has always made; bump generatorVersion when this changes', () => {
    const first = (size: 'small' | 'full'): string => {
      const source = openGenerated({ seed: 1, counts, size });
      return hashJson(
        source.splits.flatMap((split) =>
          source
            .tasks(split)
            .slice(0, 6)
            .map((task) => [task.id, { ...source.read(task) }]),
        ),
      );
    };
    expect({ generatorVersion, small: first('small'), full: first('full') }).toEqual({
      generatorVersion: 1,
      small: '37d8d7446d9a1f8424ccd0f8252891f00bea36e8a62ad9e22814fb89ba794e97',
      full: 'f103a5b3a8e9991cb9f4e1f556fbf7d1b27e10b67d0bd21c09a673f71901fdb4',
    });
  });

  it('does not depend on how many games are asked for, nor on the order they are read in', () => {
    const few = openGenerated({ seed: 5, counts: { train: 3, valid_seen: 0, valid_unseen: 1 } });
    const many = openGenerated({ seed: 5, counts });
    const last = many.read(many.tasks('train')[60]!);
    expect(many.tasks('train').slice(0, 3)).toEqual(few.tasks('train'));
    expect(many.read(many.tasks('train')[2]!)).toEqual(few.read(few.tasks('train')[2]!));
    const again = openGenerated({ seed: 5, counts });
    expect(again.read(again.tasks('train')[60]!)).toEqual(last);
    expect(openGenerated({ seed: 6, counts }).tasks('train')[2]).not.toEqual(few.tasks('train')[2]);
  });

  it.each(['small', 'full'] as const)('keeps unseen rooms out of training (%s)', (size) => {
    const options = { seed: 2, counts, size };
    const layouts = (split: string): Set<string> => new Set(problemsOf(options, split).map(layoutOf));
    const train = layouts('train');
    expect(train.size).toBeGreaterThan(40);
    for (const layout of layouts('valid_unseen')) expect(train).not.toContain(layout);
    const scenes = drawScenes({ seed: 2, size, scenes: { train: 24, unseen: 6 } });
    const all = scenes.map(({ furniture }) =>
      furniture
        .map(({ className }) => className)
        .sort()
        .join(' '),
    );
    expect(new Set(all).size).toBe(120);
  });

  it('gives seen rooms new games', () => {
    const options = { seed: 2, counts };
    const train = problemsOf(options, 'train');
    expect(new Set(train).size).toBe(train.length);
    const scenes = new Set(
      drawScenes({ seed: 2, size: 'small', scenes: { train: 24, unseen: 6 } })
        .filter((s) => !s.isUnseen)
        .map((s) => s.number),
    );
    for (const problem of problemsOf(options, 'valid_seen')) {
      expect(train).not.toContain(problem);
      expect(scenes).toContain(Number(/problem scene_(\d+)/.exec(problem)![1]));
    }
  });

  it('makes small rooms of the promised size, won by the expert in about ten actions', () => {
    const world = openAlfworld({ source: 'generated', seed: 3, counts });
    const lengths: number[] = [];
    const types = new Map<string, number>();
    for (const task of world.tasks('train')) {
      types.set(task.type, (types.get(task.type) ?? 0) + 1);
      const receptacles = world
        .reset(task)
        .observation.split('\n')[0]!
        .match(/\ba \w+ \d/g)!;
      expect(receptacles.length).toBeGreaterThanOrEqual(6);
      expect(receptacles.length).toBeLessThanOrEqual(9);
      const { actions, success } = playExpert(world, task);
      expect(success, task.id).toBe(true);
      lengths.push(actions.length);
    }
    expect([...types.values()]).toEqual([20, 20, 20, 20, 20, 20]);
    for (const problem of problemsOf({ seed: 3, counts }, 'train')) {
      const objects = problem.match(/\(inReceptacle [^?]/g)!.length;
      expect(objects).toBeGreaterThanOrEqual(8);
      expect(objects).toBeLessThanOrEqual(14);
    }
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    expect(mean).toBeGreaterThan(7);
    expect(mean).toBeLessThan(13);
  });

  it('can be won in exactly as many actions as remain, step by step', () => {
    for (const size of ['small', 'full'] as const) {
      const world = openAlfworld({
        source: 'generated',
        seed: 4,
        counts: { train: 48, valid_seen: 0, valid_unseen: 0 },
        size,
      });
      for (const task of world.tasks('train')) {
        let { state } = world.reset(task);
        let left = world.remaining!(task, state);
        while (left > 0) {
          const closer = world.admissible!(task, state).find((action) => {
            const next = world.step(task, state, action);
            return world.remaining!(task, next.state) === left - 1;
          });
          expect(
            closer,
            `${task.id}: ${left} left, none of the admissible actions brings the goal nearer`,
          ).toBeDefined();
          const turn = world.step(task, state, closer!);
          state = turn.state;
          left -= 1;
          expect(turn.success).toBe(left === 0);
        }
      }
    }
  });

  it('never lets one action bring the goal nearer by more than one', () => {
    const world = openAlfworld({ source: 'generated', seed: 9, counts: { train: 12, valid_seen: 0, valid_unseen: 0 } });
    for (const task of world.tasks('train')) {
      const { state } = world.reset(task);
      const left = world.remaining!(task, state);
      for (const action of world.admissible!(task, state)) {
        expect(world.remaining!(task, world.step(task, state, action).state)).toBeGreaterThanOrEqual(left - 1);
      }
    }
  });

  it('refuses counts that are not whole numbers', () => {
    expect(() => openGenerated({ seed: 1, counts: { ...counts, train: 1.5 } })).toThrow(
      'Cannot generate ALFWorld games: train is 1.5, expected a whole number from 0',
    );
  });

  it('has a digest that follows every option', () => {
    const digest = (options: Partial<GenerateOptions>): string =>
      openGenerated({ seed: 1, counts, ...options }).digest('train');
    const digests = [
      {},
      { seed: 2 },
      { size: 'full' as const },
      { grammar: 'move' as const },
      { scenes: { train: 12, unseen: 3 } },
    ].map(digest);
    expect(new Set(digests).size).toBe(5);
    expect(digest({ size: 'small', counts: { ...counts, valid_seen: 1 } })).toBe(digests[0]);
  });
});
