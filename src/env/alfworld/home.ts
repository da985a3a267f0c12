/** Where things usually are: our own table of household sense, used by the expert to search and by the generator to place. */

/** Receptacle classes with a door or a lid. */
export const openable: readonly string[] = ['cabinet', 'drawer', 'fridge', 'microwave', 'safe', 'box'];

const tables = 'countertop diningtable sidetable coffeetable';
const study = 'desk dresser shelf sidetable drawer coffeetable diningtable';
const seats = 'sofa armchair ottoman bed';
const bath = 'toilet countertop cabinet drawer shelf cart sinkbasin garbagecan';

const rows: Readonly<Record<string, string>> = {
  // Food is on tables and in the fridge, leftovers in the bin.
  apple: `${tables} fridge sinkbasin garbagecan microwave`,
  bread: `${tables} fridge garbagecan microwave`,
  egg: `${tables} fridge sinkbasin garbagecan microwave`,
  lettuce: `${tables} fridge sinkbasin garbagecan`,
  potato: `${tables} fridge sinkbasin garbagecan microwave`,
  tomato: `${tables} fridge sinkbasin garbagecan microwave`,
  // Dishes and cookware.
  bowl: `${tables} cabinet shelf fridge sinkbasin dresser desk microwave`,
  cup: `${tables} cabinet shelf fridge sinkbasin microwave dresser desk`,
  mug: `${tables} cabinet shelf sinkbasin coffeemachine microwave fridge desk dresser`,
  plate: `${tables} cabinet shelf fridge sinkbasin microwave dresser desk`,
  kettle: `${tables} stoveburner cabinet shelf sinkbasin`,
  pan: `${tables} stoveburner cabinet sinkbasin fridge`,
  pot: `${tables} stoveburner cabinet shelf sinkbasin fridge`,
  glassbottle: `${tables} cabinet shelf fridge sinkbasin`,
  winebottle: `${tables} cabinet fridge garbagecan shelf`,
  // Cutlery and small kitchen things.
  butterknife: `${tables} drawer sinkbasin`,
  fork: `${tables} drawer sinkbasin`,
  knife: `${tables} drawer sinkbasin`,
  ladle: `${tables} drawer cabinet sinkbasin`,
  spatula: `${tables} drawer sinkbasin`,
  spoon: `${tables} drawer sinkbasin`,
  peppershaker: `${tables} drawer cabinet shelf`,
  saltshaker: `${tables} drawer cabinet shelf`,
  dishsponge: `${tables} sinkbasin cabinet drawer garbagecan shelf`,
  // Study and living room.
  alarmclock: 'desk dresser shelf sidetable',
  baseballbat: `bed ${tables}`,
  basketball: `bed desk dresser ${seats}`,
  book: `${study} ${seats} cabinet`,
  box: `${tables} ${seats} desk dresser shelf cabinet`,
  cd: `${study} safe garbagecan`,
  cellphone: `${study} bed sofa armchair safe`,
  creditcard: `${study} ${seats} safe countertop`,
  keychain: `${study} ${seats} safe`,
  laptop: `desk bed dresser ${seats} ${tables}`,
  newspaper: `${seats} ${tables} ${study} garbagecan toilet cabinet`,
  pen: `${study} garbagecan countertop`,
  pencil: `${study} garbagecan countertop`,
  pillow: 'bed sofa armchair ottoman',
  remotecontrol: `sofa armchair ottoman ${tables} ${study}`,
  statue: 'dresser shelf sidetable coffeetable diningtable desk safe tvstand',
  tennisracket: `bed dresser desk ${tables}`,
  vase: `${tables} dresser shelf desk cabinet safe`,
  watch: `${study} safe countertop`,
  wateringcan: `${tables} dresser shelf desk cabinet drawer`,
  desklamp: 'desk sidetable dresser shelf diningtable coffeetable drawer',
  floorlamp: 'sidetable dresser desk',
  // Bathroom.
  candle: `${bath} dresser sidetable coffeetable desk`,
  cloth: `${bath} bathtubbasin laundryhamper sofa armchair`,
  handtowel: 'handtowelholder countertop cabinet sinkbasin garbagecan drawer',
  papertowelroll: `${bath} diningtable`,
  plunger: 'cabinet cart',
  soapbar: `${bath} bathtubbasin`,
  soapbottle: bath,
  spraybottle: `${bath} dresser desk`,
  tissuebox: `${bath} ${study} tvstand`,
  toiletpaper: `toiletpaperhanger ${bath} desk dresser`,
  towel: 'towelholder',
};

/** Object class to the receptacle classes it is usually found in. */
export const homes: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(rows).map(([object, places]) => [object, [...new Set(places.split(' '))]]),
);
