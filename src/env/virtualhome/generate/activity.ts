/**
 * What people do at home: fifteen activities with VirtualHome's names, each a drawing of what must hold at the end and of a sentence that
 * asks for it. The sentence names what is needed and hardly ever where it is, that a door must be shut again, or that a plug is out.
 */
import { canonicalJson, type Json } from '../../../base/json.ts';
import type { Rng } from '../../../base/rng.ts';
import { carried, furniture, isInside, type ThingKind } from './catalogue.ts';
import type { Home } from './home.ts';

/** What an activity asks for, by class names (a household has one of each). */
export interface Errand {
  readonly description: string;
  /** Things and the furniture they must end in or on, in the order the expert carries them. */
  readonly places?: readonly (readonly [thing: string, furniture: string])[];
  /** Things and furniture that must end clean. */
  readonly clean?: readonly string[];
  /** Furniture with a door that must end closed. */
  readonly closed?: readonly string[];
  /** Devices that must end on (and plugged in, where they have a plug), or off. */
  readonly on?: readonly string[];
  readonly off?: readonly string[];
  /** The thing that must end in the right hand. */
  readonly held?: string;
  /** Where and how the person must end, and what they must face. */
  readonly rest?: { readonly on: string; readonly posture: 'SITTING' | 'LYING'; readonly facing?: string };
}

/** What an errand is drawn from. */
export interface Setting {
  readonly home: Home;
  readonly rng: Rng;
}

interface Activity {
  /** Furniture a house must have: all of the first list, one of the second where there is one. */
  readonly needs: readonly string[];
  readonly needsOne?: readonly string[];
  draw(setting: Setting): Errand;
}

/** Says a class as people do: `food_cheese` is cheese. */
export function say(className: string): string {
  return className.replace('coffe_', 'coffee_').replace('food_', '').replaceAll('_', ' ');
}

function kind(...kinds: readonly ThingKind[]): string[] {
  return Object.keys(carried).filter((name) => kinds.includes(carried[name]!.kind));
}

/** Draws different members; a house lacks furniture, never things. */
function some(rng: Rng, names: readonly string[], count: number): string[] {
  return rng.shuffle(names).slice(0, count);
}

function atHome({ home }: Setting, names: readonly string[]): string[] {
  return names.filter((name) => home.furniture[name] !== undefined);
}

function list(names: readonly string[]): string {
  return names.map((name) => `the ${say(name)}`).join(' and ');
}

const surfaces = ['table', 'desk', 'coffee_table', 'kitchen_counter'];
const stores = ['cupboard', 'cabinet', 'dresser', 'closet', 'bookshelf', 'nightstand'];
const seats = ['couch', 'sofa'];
const cookers = ['microwave', 'oven', 'toaster'];
const lamps = ['light', 'lamp', 'floor_lamp'];

function seatOf(setting: Setting): string {
  return setting.rng.pick([...atHome(setting, seats), 'bed']);
}

/** Every activity by name. */
export const activities: Readonly<Record<string, Activity>> = {
  'Put groceries in Fridge': {
    needs: ['fridge'],
    draw: ({ rng }) => {
      const chosen = some(rng, kind('cold food'), 1 + rng.int(2));
      return {
        description: rng.pick([
          `Take ${list(chosen)} and put ${chosen.length > 1 ? 'them' : 'it'} in the fridge.`,
          `Put ${list(chosen)} in the fridge. Close the fridge.`,
          `I want ${list(chosen)} to be in the fridge.`,
        ]),
        places: chosen.map((name) => [name, 'fridge']),
        closed: ['fridge'],
      };
    },
  },
  'Put away groceries': {
    needs: ['fridge', 'cupboard'],
    draw: ({ rng }) => {
      const [cold] = some(rng, kind('cold food'), 1);
      const [dry] = some(rng, kind('dry food'), 1);
      const chosen = rng.shuffle([cold!, dry!]);
      return {
        description: rng.pick([
          `Put away ${list(chosen)}.`,
          `I came home with food. Store ${list(chosen)} where they belong.`,
          `Put ${list(chosen)} where they keep best.`,
        ]),
        places: chosen.map((name) => [name, name === cold ? 'fridge' : 'cupboard']),
        closed: ['fridge', 'cupboard'],
      };
    },
  },
  'Set up table': {
    needs: ['table'],
    draw: ({ rng }) => {
      const chosen = some(rng, kind('dish'), 2);
      return {
        description: rng.pick([
          `Put ${list(chosen)} on the table. They must be clean.`,
          `Set the table with a clean ${say(chosen[0]!)} and a clean ${say(chosen[1]!)}.`,
        ]),
        places: chosen.map((name) => [name, 'table']),
        clean: chosen,
      };
    },
  },
  'Wash dishes by hand': {
    needs: ['cupboard'],
    draw: (setting) => {
      const { rng } = setting;
      const [dish] = some(rng, kind('dish'), 1);
      const store = rng.pick(atHome(setting, ['cupboard', 'cabinet']));
      return {
        description: rng.pick([
          `Wash ${list([dish!])} and put it in the ${say(store)}.`,
          `Find ${list([dish!])}, wash it and store it in the ${say(store)}.`,
        ]),
        places: [[dish!, store]],
        clean: [dish!],
        closed: [store],
      };
    },
  },
  'Wash dishes with dishwasher': {
    needs: ['dishwasher'],
    draw: ({ rng }) => {
      const chosen = some(rng, kind('dish'), 1 + rng.int(2));
      return {
        description: rng.pick([
          `Put ${list(chosen)} in the dishwasher and switch it on.`,
          `Load ${list(chosen)} into the dishwasher and start it.`,
        ]),
        places: chosen.map((name) => [name, 'dishwasher']),
        closed: ['dishwasher'],
        on: ['dishwasher'],
      };
    },
  },
  'Wash clothes': {
    needs: ['washing_machine'],
    draw: ({ rng }) => {
      const chosen = [...some(rng, kind('laundry'), 1), ...some(rng, kind('soap'), 1)];
      return {
        description: rng.pick([
          `Put ${list(chosen)} in the washing machine and switch it on.`,
          `Wash ${list([chosen[0]!])} in the washing machine with ${say(chosen[1]!)}.`,
        ]),
        places: chosen.map((name) => [name, 'washing_machine']),
        closed: ['washing_machine'],
        on: ['washing_machine'],
      };
    },
  },
  'Watch TV': {
    needs: ['television'],
    draw: (setting) => {
      const { rng } = setting;
      const seat = seatOf(setting);
      const posture = rng.pick(['SITTING', 'LYING'] as const);
      return {
        description: rng.pick([
          `Switch on the television, ${posture === 'SITTING' ? 'sit' : 'lie'} on the ${say(seat)} and watch.`,
          `I want to ${posture === 'SITTING' ? 'sit' : 'lie'} on the ${say(seat)} and watch television.`,
        ]),
        on: ['television'],
        rest: { on: seat, posture, facing: 'television' },
      };
    },
  },
  'Read book': {
    needs: [],
    draw: (setting) => {
      const { rng } = setting;
      const [book] = some(rng, kind('reading'), 1);
      const seat = seatOf(setting);
      const posture = rng.pick(['SITTING', 'LYING'] as const);
      const lamp = rng.pick([undefined, ...atHome(setting, lamps)]);
      return {
        description: `${lamp === undefined ? '' : `Switch on the ${say(lamp)}. `}${rng.pick([
          `Take ${list([book!])}, ${posture === 'SITTING' ? 'sit' : 'lie'} on the ${say(seat)} and read.`,
          `Read ${list([book!])} while ${posture === 'SITTING' ? 'sitting' : 'lying'} on the ${say(seat)}.`,
        ])}`,
        ...(lamp === undefined ? {} : { on: [lamp] }),
        held: book!,
        rest: { on: seat, posture },
      };
    },
  },
  'Go to sleep': {
    needs: [],
    draw: (setting) => {
      const { rng } = setting;
      const chosen = some(rng, atHome(setting, [...lamps, 'television', 'computer']), 2);
      return {
        description: rng.pick([
          `${chosen.length === 0 ? '' : `Turn off ${list(chosen)}. Then `}lie down on the bed.`,
          `Go to bed${chosen.length === 0 ? '' : `, but first switch off ${list(chosen)}`}.`,
        ]),
        off: chosen,
        rest: { on: 'bed', posture: 'LYING' },
      };
    },
  },
  'Turn on light': {
    needs: ['lamp'],
    draw: (setting) => {
      const { rng } = setting;
      const chosen = ['lamp', ...some(rng, atHome(setting, ['light', 'floor_lamp']), 2)];
      const ordered = rng.shuffle(chosen);
      return {
        description: rng.pick([`Switch on ${list(ordered)}.`, `It is dark. I need ${list(ordered)}.`]),
        on: ordered,
      };
    },
  },
  'Make coffee': {
    needs: ['coffe_maker'],
    draw: ({ rng }) => {
      const cup = rng.pick(['cup', 'mug', 'glass']);
      const table = rng.int(2) === 0;
      return {
        description: `${rng.pick([
          'Put ground coffee in the coffee maker and switch it on.',
          'Make coffee with the coffee maker and ground coffee.',
        ])}${table ? ` Put a clean ${cup} on the table.` : ''}`,
        places: [['ground_coffee', 'coffe_maker'], ...(table ? [[cup, 'table'] as const] : [])],
        ...(table ? { clean: [cup] } : {}),
        closed: ['coffe_maker'],
        on: ['coffe_maker'],
      };
    },
  },
  'Cook some food': {
    needs: [],
    needsOne: cookers,
    draw: (setting) => {
      const { rng } = setting;
      const device = rng.pick(atHome(setting, cookers));
      const choice = kind('cold food', 'dry food').filter((name) => carried[name]!.properties.includes('EATABLE'));
      const [meal] = some(rng, choice, 1);
      return {
        description: rng.pick([
          `Heat ${list([meal!])} in the ${say(device)}.`,
          `Put ${list([meal!])} in the ${say(device)} and switch it on.`,
        ]),
        places: [[meal!, device]],
        ...(furniture[device]!.properties.includes('CAN_OPEN') ? { closed: [device] } : {}),
        on: [device],
      };
    },
  },
  'Listen to music': {
    needs: ['stereo'],
    draw: (setting) => {
      const { rng } = setting;
      const seat = seatOf(setting);
      return {
        description: rng.pick([
          `Put the cd on the stereo, switch it on and sit on the ${say(seat)}.`,
          `Play the cd on the stereo and sit down on the ${say(seat)}.`,
        ]),
        places: [['cd', 'stereo']],
        on: ['stereo'],
        rest: { on: seat, posture: 'SITTING' },
      };
    },
  },
  'Tidy up': {
    needs: [],
    draw: (setting) => {
      const { rng } = setting;
      const chosen = some(rng, kind('odd', 'reading', 'laundry'), 2);
      const goals = some(rng, atHome(setting, [...surfaces, ...stores]), 2);
      const prepositions = goals.map((name) => (isInside(name) ? 'in' : 'on'));
      return {
        description: rng
          .pick(['Put', 'Bring'])
          .concat(
            ` the ${say(chosen[0]!)} ${prepositions[0]} the ${say(goals[0]!)}`,
            ` and the ${say(chosen[1]!)} ${prepositions[1]} the ${say(goals[1]!)}.`,
          ),
        places: chosen.map((name, index) => [name, goals[index]!]),
        closed: goals.filter(isInside),
      };
    },
  },
  Clean: {
    needs: ['table', 'sink'],
    draw: (setting) => {
      const { rng } = setting;
      const chosen = some(rng, atHome(setting, ['table', 'sink', 'desk', 'coffee_table', 'kitchen_counter']), 2);
      const [cloth] = some(rng, kind('laundry'), 1);
      const store = rng.pick(atHome(setting, stores));
      return {
        description: rng.pick([
          `Wash ${list(chosen)}. Then put the ${say(cloth!)} in the ${say(store)}.`,
          `Clean ${list(chosen)} and put the ${say(cloth!)} away in the ${say(store)}.`,
        ]),
        clean: chosen,
        places: [[cloth!, store]],
        closed: [store],
      };
    },
  },
};

/** Tells whether a house has the furniture for. */
export function fits(name: string, home: Home): boolean {
  const { needs, needsOne } = activities[name]!; // a name of the table
  const has = (furnitureName: string): boolean => home.furniture[furnitureName] !== undefined;
  return needs.every(has) && (needsOne === undefined || needsOne.some(has));
}

/** What makes two errands the same: everything but the words. */
export function keyOf(name: string, { description: _, ...errand }: Errand): string {
  return canonicalJson([name, errand as Json]);
}
