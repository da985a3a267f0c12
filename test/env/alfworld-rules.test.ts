/** Rules and sentences of ALFWorld in a room small enough to follow by hand, in the old and the new wording. */
import { describe, expect, it } from 'vitest';
import { admissible } from '../../src/env/alfworld/admissible.ts';
import { openGame, stepGame } from '../../src/env/alfworld/engine.ts';
import { compileGame, type Game } from '../../src/env/alfworld/game.ts';
import { planActions } from '../../src/env/alfworld/plan.ts';
import type { AlfworldState } from '../../src/env/alfworld/state.ts';

const newGrammar = [
  '"GotoLocation.feedback": [ { "rhs": "You arrive at {r.name}. #x#" } ]',
  'action PutObject { template :: "move {o} to {r}"; }',
  '"help.feedback": [ { "rhs": "\\nCommands: \\"look\\"\\n" } ]',
].join('\n');

/** A desk and a shelf at one place, a closed safe at another; two pens, a lamp on the shelf. */
const problem = `(define (problem p) (:objects
  agent1 - agent desk_bar_1 shelf_bar_1 safe_bar_1 - receptacle pen_bar_1 pen_bar_2 desklamp_bar_1 unused_bar_1 - object
  loc_bar_0 loc_bar_1 loc_bar_2 - location PenType DeskLampType - otype DeskType ShelfType SafeType - rtype)
 (:init (atLocation agent1 loc_bar_0)
  (receptacleAtLocation desk_bar_1 loc_bar_1) (receptacleAtLocation shelf_bar_1 loc_bar_1) (receptacleAtLocation safe_bar_1 loc_bar_2)
  (receptacleType desk_bar_1 DeskType) (receptacleType shelf_bar_1 ShelfType) (receptacleType safe_bar_1 SafeType) (openable safe_bar_1)
  (objectType pen_bar_1 PenType) (objectType pen_bar_2 PenType) (objectType desklamp_bar_1 DeskLampType)
  (inReceptacle pen_bar_1 desk_bar_1) (inReceptacle pen_bar_2 safe_bar_1) (inReceptacle desklamp_bar_1 shelf_bar_1)
  (objectAtLocation pen_bar_1 loc_bar_1) (objectAtLocation pen_bar_2 loc_bar_2) (objectAtLocation desklamp_bar_1 loc_bar_1)
  (pickupable pen_bar_1) (pickupable pen_bar_2) (toggleable desklamp_bar_1)
  (canContain DeskType PenType) (canContain ShelfType PenType) (canContain SafeType PenType))
 (:goal (exists (?r - receptacle) (and (receptacleType ?r SafeType) (exists (?a - object ?b - object)
  (and (not (= ?a ?b)) (objectType ?a PenType) (objectType ?b PenType) (inReceptacle ?a ?r) (inReceptacle ?b ?r)))))))`;

const task = '"task": [ { "rhs": "Your task is to: put two pen in safe." } ]';
const game = compileGame({ pddl_domain: '', grammar: task, pddl_problem: problem });
const newGame = compileGame({ pddl_domain: '', grammar: `${task}\n${newGrammar}`, pddl_problem: problem });

/** Plays actions and returns what was seen. */
function play(of: Game, actions: readonly string[]): { readonly seen: string[]; readonly state: AlfworldState } {
  let { state } = openGame(of, '\n');
  const seen = actions.map((action) => {
    const turn = stepGame(of, state, action);
    state = turn.state;
    return turn.observation;
  });
  return { seen, state };
}

describe('the old grammar', () => {
  it('opens with the room and the task, joined as asked', () => {
    const room =
      'You are in the middle of a room. Looking quickly around you, you see a desk 1, a safe 1, and a shelf 1.';
    expect(openGame(game, '\n').observation).toBe(`${room}\nYour task is to: put two pen in safe.`);
    expect(openGame(game, '\n\n').observation).toBe(`${room}\n\nYour task is to: put two pen in safe.`);
  });

  it('hides where an arrival is, and refuses to go where the agent is', () => {
    expect(play(game, ['go to desk 1', 'go to shelf 1', 'examine shelf 1']).seen).toEqual([
      'On the desk 1, you see a pen 2.',
      'Nothing happens.',
      'On the shelf 1, you see a desklamp 1.',
    ]);
  });

  it('keeps closed things closed until they are opened', () => {
    expect(
      play(game, [
        'go to safe 1',
        'take pen 1 from safe 1',
        'open safe 1',
        'open safe 1',
        'take pen 1 from safe 1',
        'close safe 1',
      ]).seen,
    ).toEqual([
      'The safe 1 is closed.',
      'Nothing happens.',
      'You open the safe 1. The safe 1 is open. In it, you see a pen 1.',
      'Nothing happens.',
      'You pick up the pen 1 from the safe 1.',
      'You close the safe 1.',
    ]);
  });

  it('lists as fallen what went from one receptacle to another at the same place', () => {
    const { seen } = play(game, [
      'go to desk 1',
      'look',
      'take pen 2 from desk 1',
      'put pen 2 in/on shelf 1',
      'look',
      'inventory',
    ]);
    expect(seen.slice(1)).toEqual([
      'You are facing the desk 1, and shelf 1. Next to it, you see nothing.',
      'You pick up the pen 2 from the desk 1.',
      'You put the pen 2 in/on the shelf 1.',
      'You are facing the desk 1, and shelf 1. Next to it, you see a pen 2.',
      'You are not carrying anything.',
    ]);
  });

  it('says a lamp is on once it has been used, even twice', () => {
    const { seen } = play(game, [
      'go to desk 1',
      'examine desklamp 1',
      'use desklamp 1',
      'use desklamp 1',
      'examine desklamp 1',
    ]);
    expect(seen.slice(1)).toEqual([
      "There's nothing special about desklamp 1.",
      'You turn on the desklamp 1.',
      'You turn on the desklamp 1.',
      'This desklamp 1 is on.',
    ]);
  });

  it('rewards the step that reaches the goal, once', () => {
    const actions = ['go to desk 1', 'take pen 2 from desk 1', 'go to safe 1', 'open safe 1'];
    const { state } = play(game, actions);
    const won = stepGame(game, state, 'put pen 2 in/on safe 1');
    expect({ reward: won.reward, done: won.done, success: won.success }).toEqual({
      reward: 1,
      done: true,
      success: true,
    });
    const after = stepGame(game, won.state, 'take pen 2 from safe 1');
    expect({ reward: after.reward, success: after.success, grounded: after.grounded }).toEqual({
      reward: 0,
      success: true,
      grounded: true,
    });
  });

  it('plans the five actions that win, and none from there', () => {
    const params = { type: 'pick_two_obj_and_place', object: 'pen', target: 'safe' } as const;
    const plan = planActions(game, game.initial, params)!;
    expect(plan).toEqual([
      'go to desk 1',
      'take pen 2 from desk 1',
      'go to safe 1',
      'open safe 1',
      'put pen 2 in/on safe 1',
    ]);
    expect(planActions(game, play(game, plan).state, params)).toEqual([]);
  });

  it('has no commands of the new one', () => {
    expect(play(game, ['help']).seen).toEqual(['Nothing happens.']);
    expect(admissible(game, game.initial)).toEqual([
      'go to desk 1',
      'go to safe 1',
      'go to shelf 1',
      'inventory',
      'look',
    ]);
  });
});

describe('the new grammar', () => {
  it('is read from the game, with its own arrival, move and help', () => {
    const { seen } = play(newGame, [
      'go to desk 1',
      'take pen 2 from desk 1',
      'put pen 2 in/on shelf 1',
      'move pen 2 to shelf 1',
      'help',
    ]);
    expect(seen).toEqual([
      'You arrive at desk 1. On the desk 1, you see a pen 2.',
      'You pick up the pen 2 from the desk 1.',
      'Nothing happens.',
      'You move the pen 2 to the shelf 1.',
      '\nCommands: "look"\n',
    ]);
    expect(admissible(newGame, newGame.initial)[3]).toBe('help');
  });
});
