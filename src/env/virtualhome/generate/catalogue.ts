/**
 * What generated households are made of: our own selection, with VirtualHome's class, property and state names. One fact differs on purpose:
 * things that can be carried are no containers with a lid (in VirtualHome a novel and a carton of milk can be opened), so that nothing
 * can be carried off inside something else and lost.
 */

/** How rich households are. */
export type HouseholdSize = 'small' | 'full';

/** Rooms of every household. */
export const roomClasses = ['kitchen', 'living_room', 'bedroom', 'bathroom'] as const;

/** A room. */
export type Room = (typeof roomClasses)[number];

/** A class of furniture or appliance; a household has at most one of each. */
export interface FurnitureClass {
  readonly category: string;
  readonly properties: readonly string[];
  /** States besides CLEAN or DIRTY; of each group one is drawn. The first of a group is the usual one (3 of 4 times). */
  readonly states: readonly (readonly [string, string])[];
  /** Rooms it can stand in. */
  readonly rooms: readonly Room[];
  /** How often a household of this size has it, in [0, 1]. */
  readonly share: Readonly<Record<HouseholdSize, number>>;
}

const door = ['CLOSED', 'OPEN'] as const;
const off = ['OFF', 'ON'] as const;
const plug = ['PLUGGED_IN', 'PLUGGED_OUT'] as const;

function furnitureClass(
  category: string,
  properties: string,
  rooms: readonly Room[],
  more: { readonly states?: FurnitureClass['states']; readonly small?: number } = {},
): FurnitureClass {
  const { states = [], small = 1 } = more;
  return { category, properties: properties.split(' '), states, rooms, share: { small, full: small < 1 ? 0.8 : 1 } };
}

const bedOrLiving: readonly Room[] = ['bedroom', 'living_room'];

/** Every class of furniture by name. */
export const furniture: Readonly<Record<string, FurnitureClass>> = {
  fridge: furnitureClass('Appliances', 'CAN_OPEN HAS_SWITCH CONTAINERS HAS_PLUG', ['kitchen'], { states: [door] }),
  cupboard: furnitureClass('Furniture', 'CAN_OPEN CONTAINERS', ['kitchen'], { states: [door] }),
  table: furnitureClass('Furniture', 'SURFACES MOVABLE', ['kitchen', 'living_room']),
  sink: furnitureClass('Furniture', 'RECIPIENT CONTAINERS', ['kitchen', 'bathroom']),
  couch: furnitureClass('Furniture', 'SURFACES SITTABLE LIEABLE MOVABLE', ['living_room'], { small: 0.7 }),
  sofa: furnitureClass('Furniture', 'SURFACES SITTABLE LIEABLE MOVABLE', bedOrLiving, { small: 0.5 }),
  bed: furnitureClass('Furniture', 'SURFACES SITTABLE LIEABLE', ['bedroom']),
  cabinet: furnitureClass('Furniture', 'SURFACES CAN_OPEN CONTAINERS', ['kitchen', 'bathroom'], {
    states: [door],
    small: 0.6,
  }),
  kitchen_counter: furnitureClass('Furniture', 'SURFACES', ['kitchen'], { small: 0.5 }),
  desk: furnitureClass('Furniture', 'SURFACES MOVABLE', bedOrLiving, { small: 0.5 }),
  coffee_table: furnitureClass('Furniture', 'SURFACES MOVABLE', ['living_room'], { small: 0.5 }),
  nightstand: furnitureClass('Furniture', 'SURFACES CAN_OPEN CONTAINERS', ['bedroom'], { states: [door], small: 0.5 }),
  dresser: furnitureClass('Furniture', 'CAN_OPEN CONTAINERS', ['bedroom'], { states: [door], small: 0.6 }),
  closet: furnitureClass('Furniture', 'CAN_OPEN CONTAINERS', ['bedroom', 'bathroom'], { states: [door], small: 0.6 }),
  bookshelf: furnitureClass('Furniture', 'SURFACES CAN_OPEN CONTAINERS', bedOrLiving, { states: [door], small: 0.6 }),
  trashcan: furnitureClass('Furniture', 'CAN_OPEN CONTAINERS MOVABLE', ['kitchen', 'bathroom'], {
    states: [door],
    small: 0.3,
  }),
  dishwasher: furnitureClass('Appliances', 'CAN_OPEN HAS_SWITCH CONTAINERS', ['kitchen'], {
    states: [door, off],
    small: 0.6,
  }),
  microwave: furnitureClass('Appliances', 'CAN_OPEN HAS_SWITCH CONTAINERS HAS_PLUG', ['kitchen'], {
    states: [door, off, plug],
    small: 0.6,
  }),
  oven: furnitureClass('Appliances', 'CAN_OPEN HAS_SWITCH CONTAINERS HAS_PLUG', ['kitchen'], {
    states: [door, off, plug],
    small: 0.5,
  }),
  toaster: furnitureClass('Appliances', 'HAS_SWITCH CONTAINERS HAS_PLUG MOVABLE', ['kitchen'], {
    states: [off, plug],
    small: 0.4,
  }),
  coffe_maker: furnitureClass('Appliances', 'RECIPIENT CAN_OPEN HAS_SWITCH CONTAINERS HAS_PLUG MOVABLE', ['kitchen'], {
    states: [door, off, plug],
    small: 0.6,
  }),
  washing_machine: furnitureClass(
    'Appliances',
    'RECIPIENT CAN_OPEN HAS_SWITCH CONTAINERS HAS_PLUG',
    ['bathroom', 'kitchen'],
    { states: [door, off, plug], small: 0.7 },
  ),
  television: furnitureClass('Electronics', 'HAS_SWITCH LOOKABLE HAS_PLUG', bedOrLiving, {
    states: [off, plug],
    small: 0.7,
  }),
  computer: furnitureClass('Electronics', 'HAS_SWITCH LOOKABLE', bedOrLiving, { states: [off], small: 0.5 }),
  stereo: furnitureClass('Electronics', 'SURFACES CAN_OPEN HAS_SWITCH HAS_PLUG MOVABLE', bedOrLiving, {
    states: [door, off, plug],
    small: 0.5,
  }),
  light: furnitureClass('Lamps', 'HAS_SWITCH HAS_PLUG', ['kitchen', 'bathroom'], { states: [off, plug], small: 0.6 }),
  lamp: furnitureClass('Lamps', 'HAS_SWITCH HAS_PLUG', bedOrLiving, { states: [off, plug], small: 0.6 }),
  floor_lamp: furnitureClass('Lamps', 'HAS_SWITCH MOVABLE', ['living_room'], { states: [off], small: 0.5 }),
};

/** Structure and decoration that only full households have: class to category, properties, and how many there are in a room. */
export const decor: Readonly<
  Record<string, { readonly category: string; readonly properties: readonly string[]; readonly count: number }>
> = {
  floor: { category: 'Floors', properties: ['SURFACES'], count: 7 },
  wall: { category: 'Walls', properties: [], count: 7 },
  ceiling: { category: 'Ceiling', properties: [], count: 6 },
  doorjamb: { category: 'Doors', properties: [], count: 1 },
  drawing: { category: 'Decor', properties: ['LOOKABLE'], count: 3 },
  curtain: { category: 'Decor', properties: ['COVER_OBJECT', 'MOVABLE'], count: 2 },
  chair: { category: 'Furniture', properties: ['SURFACES', 'SITTABLE', 'MOVABLE'], count: 2 },
  wallshelf: { category: 'Furniture', properties: ['SURFACES'], count: 2 },
  hanger: { category: 'Props', properties: ['HANGABLE'], count: 4 },
  mat: { category: 'Decor', properties: ['SURFACES', 'MOVABLE'], count: 1 },
};

/** A class of things that can be carried. */
export interface ThingClass {
  readonly properties: readonly string[];
  /** What the thing is for; activities ask for kinds. */
  readonly kind: ThingKind;
  /** Furniture classes it is found in or on. */
  readonly homes: readonly string[];
}

/** What things are for. */
export type ThingKind = 'cold food' | 'dry food' | 'dish' | 'reading' | 'laundry' | 'soap' | 'coffee' | 'music' | 'odd';

const food = 'GRABBABLE EATABLE CUTTABLE MOVABLE';
const drink = 'GRABBABLE DRINKABLE POURABLE MOVABLE';
const dish = 'GRABBABLE RECIPIENT MOVABLE';
const paper = 'GRABBABLE CUTTABLE READABLE HAS_PAPER MOVABLE';
const plain = 'GRABBABLE MOVABLE';

const coldHomes = 'fridge table kitchen_counter sink cupboard microwave desk';
const dryHomes = 'cupboard table kitchen_counter cabinet closet desk coffee_table';
const dishHomes = 'cupboard table kitchen_counter sink cabinet dishwasher desk coffee_table nightstand';
const readingHomes = 'bookshelf desk nightstand bed table coffee_table dresser cabinet';
const clothHomes = 'closet dresser bed cabinet sink';
const oddHomes = 'desk table bookshelf nightstand dresser closet coffee_table cabinet bed';

function things(kind: ThingKind, homes: string, classes: Readonly<Record<string, string>>): [string, ThingClass][] {
  return Object.entries(classes).map(([name, properties]) => [
    name,
    { kind, properties: properties.split(' '), homes: homes.split(' ') },
  ]);
}

/** Every class of things by name; a household has at most one of each. */
export const carried: Readonly<Record<string, ThingClass>> = Object.fromEntries([
  ...things('cold food', coldHomes, {
    milk: drink,
    juice: drink,
    beer: drink,
    food_cheese: food,
    food_egg: food,
    food_fish: food,
    food_chicken: food,
    food_carrot: food,
  }),
  ...things('dry food', dryHomes, {
    pasta: 'GRABBABLE POURABLE MOVABLE',
    crackers: plain,
    tea: drink,
    oil: drink,
    food_bread: food,
    food_rice: 'GRABBABLE EATABLE POURABLE MOVABLE',
    food_cereal: 'GRABBABLE EATABLE POURABLE MOVABLE',
    food_sugar: 'GRABBABLE EATABLE POURABLE MOVABLE',
  }),
  ...things('dish', dishHomes, {
    plate: 'SURFACES GRABBABLE RECIPIENT MOVABLE',
    bowl: dish,
    cup: 'GRABBABLE RECIPIENT POURABLE MOVABLE',
    mug: 'GRABBABLE RECIPIENT POURABLE MOVABLE',
    glass: 'GRABBABLE RECIPIENT POURABLE MOVABLE',
    fork: plain,
    spoon: plain,
    pot: dish,
  }),
  ...things('reading', readingHomes, {
    novel: paper,
    magazine: paper,
    newspaper: paper,
    textbook: paper,
    diary: paper,
    notebook: paper,
  }),
  ...things('laundry', clothHomes, {
    towel: 'GRABBABLE COVER_OBJECT MOVABLE',
    blanket: 'GRABBABLE HANGABLE COVER_OBJECT MOVABLE',
    sheets: 'GRABBABLE COVER_OBJECT MOVABLE',
    rag: 'GRABBABLE RECIPIENT COVER_OBJECT MOVABLE',
  }),
  ...things('soap', 'cabinet sink closet kitchen_counter cupboard', {
    detergent: 'GRABBABLE POURABLE MOVABLE',
    soap: 'GRABBABLE MOVABLE CREAM',
  }),
  ...things('coffee', 'cupboard cabinet kitchen_counter table', { ground_coffee: plain }),
  ...things('music', 'desk bookshelf nightstand table coffee_table dresser', { cd: plain }),
  ...things('odd', oddHomes, {
    toy: plain,
    keys: plain,
    candle: 'GRABBABLE MOVABLE',
    pen: plain,
    scissors: plain,
    purse: 'GRABBABLE RECIPIENT COVER_OBJECT MOVABLE',
    pillow: plain,
    box: 'GRABBABLE COVER_OBJECT MOVABLE',
  }),
]);

/** Tells whether a furniture class closes around what is in it: things go into it, not onto it. */
export function isInside(furnitureName: string): boolean {
  return furniture[furnitureName]?.properties.includes('CONTAINERS') ?? false;
}
