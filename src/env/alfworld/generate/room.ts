/** The furniture of generated rooms and the things in them: our own tables, with ALFWorld's class names. */

/** The four kinds of room. */
export type RoomKind = 'kitchen' | 'livingroom' | 'bedroom' | 'bathroom';

/** How rich rooms are: `small` for tiny models, `full` about as real ALFWorld rooms. */
export type WorldSize = 'small' | 'full';

/** How many of a class a room has: at least, at most. */
export type Range = readonly [number, number];

/** One kind of room at one size. */
export interface RoomPlan {
  /** Number of receptacles. */
  readonly receptacles: Range;
  /** Number of objects. */
  readonly objects: Range;
  /** Always there. */
  readonly fixed: Readonly<Record<string, Range>>;
  /** There as long as the number of receptacles allows. */
  readonly optional: Readonly<Record<string, Range>>;
  /** Object classes, ALFWorld's spelling. */
  readonly things: readonly string[];
}

/** Scene numbers start here, as in ALFRED. */
export const firstScene: Readonly<Record<RoomKind, number>> = {
  kitchen: 1,
  livingroom: 201,
  bedroom: 301,
  bathroom: 401,
};

const words = (text: string): readonly string[] => text.split(' ');

const smallThings: Readonly<Record<RoomKind, readonly string[]>> = {
  kitchen: words('Apple Egg Potato Tomato Lettuce Mug Plate Bowl Knife Spoon Pan SaltShaker'),
  livingroom: words('Book CellPhone KeyChain Laptop Newspaper RemoteControl Pillow Pen'),
  bedroom: words('Book CD CellPhone KeyChain Laptop Pen Pillow Mug'),
  bathroom: words('SoapBar Cloth ToiletPaper Candle SprayBottle'),
};

const small: Readonly<Record<RoomKind, RoomPlan>> = {
  kitchen: {
    receptacles: [6, 9],
    objects: [8, 14],
    fixed: { Fridge: [1, 1], Microwave: [1, 1], SinkBasin: [1, 1], CounterTop: [1, 2] },
    optional: {
      Cabinet: [1, 3],
      Drawer: [1, 3],
      DiningTable: [1, 1],
      GarbageCan: [1, 1],
      StoveBurner: [1, 2],
      Shelf: [1, 2],
    },
    things: smallThings.kitchen,
  },
  livingroom: {
    receptacles: [6, 9],
    objects: [8, 14],
    fixed: { Sofa: [1, 1], CoffeeTable: [1, 1], SideTable: [1, 2] },
    optional: {
      ArmChair: [1, 2],
      Drawer: [1, 3],
      Shelf: [1, 3],
      Dresser: [1, 1],
      GarbageCan: [1, 1],
      DiningTable: [1, 1],
    },
    things: smallThings.livingroom,
  },
  bedroom: {
    receptacles: [6, 9],
    objects: [8, 14],
    fixed: { Bed: [1, 1], Desk: [1, 2] },
    optional: {
      Drawer: [1, 3],
      Shelf: [1, 3],
      SideTable: [1, 2],
      Dresser: [1, 1],
      GarbageCan: [1, 1],
      ArmChair: [1, 1],
    },
    things: smallThings.bedroom,
  },
  bathroom: {
    receptacles: [6, 9],
    objects: [8, 12],
    fixed: { SinkBasin: [1, 2], Toilet: [1, 1], CounterTop: [1, 1] },
    optional: { Cabinet: [1, 3], Drawer: [1, 3], Shelf: [1, 3], GarbageCan: [1, 1] },
    things: smallThings.bathroom,
  },
};

const full: Readonly<Record<RoomKind, RoomPlan>> = {
  kitchen: {
    receptacles: [18, 30],
    objects: [24, 40],
    fixed: {
      Fridge: [1, 1],
      Microwave: [1, 1],
      SinkBasin: [1, 1],
      CounterTop: [1, 3],
      Cabinet: [4, 14],
      Drawer: [2, 8],
      StoveBurner: [2, 4],
      CoffeeMachine: [1, 1],
      Toaster: [1, 1],
      GarbageCan: [1, 1],
    },
    optional: { DiningTable: [1, 1], Shelf: [1, 3], SideTable: [1, 1] },
    things: [
      ...smallThings.kitchen,
      ...words(
        'Bread Cup Fork ButterKnife Spatula Ladle Kettle Pot PepperShaker DishSponge Glassbottle WineBottle SoapBottle Vase',
      ),
    ],
  },
  livingroom: {
    receptacles: [8, 20],
    objects: [14, 26],
    fixed: { Sofa: [1, 2], CoffeeTable: [1, 2], SideTable: [1, 3], GarbageCan: [1, 1] },
    optional: {
      ArmChair: [1, 3],
      Drawer: [2, 8],
      Shelf: [1, 6],
      Cabinet: [1, 4],
      Dresser: [1, 1],
      DiningTable: [1, 1],
      TVStand: [1, 1],
      Desk: [1, 1],
      Safe: [1, 1],
      Ottoman: [1, 1],
    },
    things: [
      ...smallThings.livingroom,
      ...words('Box CreditCard Statue Vase Watch TissueBox WateringCan Candle Plate Bowl'),
    ],
  },
  bedroom: {
    receptacles: [10, 24],
    objects: [14, 28],
    fixed: { Bed: [1, 1], Desk: [1, 2], Drawer: [3, 10], GarbageCan: [1, 1] },
    optional: {
      Shelf: [2, 8],
      SideTable: [1, 2],
      Dresser: [1, 1],
      ArmChair: [1, 1],
      Safe: [1, 1],
      LaundryHamper: [1, 1],
    },
    things: [
      ...smallThings.bedroom,
      ...words('AlarmClock BaseballBat BasketBall Box CreditCard Pencil TennisRacket TissueBox Watch Bowl Cloth'),
    ],
  },
  bathroom: {
    receptacles: [9, 18],
    objects: [12, 22],
    fixed: {
      SinkBasin: [1, 2],
      Toilet: [1, 1],
      CounterTop: [1, 1],
      GarbageCan: [1, 1],
      HandTowelHolder: [1, 2],
      ToiletPaperHanger: [1, 1],
    },
    optional: {
      Cabinet: [1, 6],
      Drawer: [1, 6],
      TowelHolder: [1, 2],
      BathtubBasin: [1, 1],
      Shelf: [1, 2],
      Cart: [1, 1],
    },
    things: [...smallThings.bathroom, ...words('HandTowel Towel SoapBottle DishSponge Plunger TissueBox')],
  },
};

/** Every kind of room at every size. */
export const rooms: Readonly<Record<WorldSize, Readonly<Record<RoomKind, RoomPlan>>>> = { small, full };

/** Object classes by what can be done with them. */
export const abilities: Readonly<
  Record<'cleanable' | 'heatable' | 'coolable' | 'sliceable' | 'container', readonly string[]>
> = {
  cleanable: words(
    'Apple Egg Potato Tomato Lettuce Mug Plate Bowl Knife Spoon Pan Cup Fork ButterKnife Spatula Ladle Kettle Pot DishSponge SoapBar Cloth',
  ),
  heatable: words('Apple Bread Egg Potato Tomato Mug Plate Cup'),
  coolable: words('Apple Bread Egg Potato Tomato Lettuce Mug Plate Bowl Cup Pan Pot WineBottle'),
  sliceable: words('Apple Bread Egg Potato Tomato Lettuce'),
  container: words('Mug Plate Bowl Cup Pan Pot Box'),
};
