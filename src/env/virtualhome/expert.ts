/**
 * Scripted experts. Both know the whole household: since a world answers the same actions always in the same way, an expert keeps a state of its own
 * beside the episode and moves it along with what was done.
 */
import type { Expert } from '../environment.ts';
import { courseToGoal } from './guide.ts';
import { nextAction } from './plan.ts';
import { type House, openEpisode, stepEpisode } from './play.ts';
import type { VirtualhomeState } from './state.ts';

/** Creates an expert that follows the recorded solution, and finds its way back to it after foreign actions. */
export function createGuide(house: House): Expert {
  let course = house.record.action_list;
  let at = 0;
  return follow(house, ({ state, isDisturbed, admissible }) => {
    if (isDisturbed || course?.[at] === undefined) {
      course = courseToGoal(house, state);
      at = 0;
    }
    return course?.[at++] ?? admissible[0] ?? '';
  });
}

/** Creates an expert that plans from the goal. */
export function createPlanner(house: House): Expert {
  return follow(house, ({ state, admissible }) => nextAction(house, state) ?? admissible[0] ?? '');
}

interface Moment {
  readonly state: VirtualhomeState;
  /** True if the last action was not the one this expert proposed. */
  readonly isDisturbed: boolean;
  readonly admissible: readonly string[];
}

function follow(house: House, decide: (moment: Moment) => string): Expert {
  let { state } = openEpisode(house);
  let proposed: string | undefined;
  return {
    act: ({ lastAction, admissible }) => {
      if (lastAction !== undefined) state = stepEpisode(house, state, lastAction).state;
      proposed = decide({ state, isDisturbed: lastAction !== proposed, admissible });
      return proposed;
    },
  };
}
