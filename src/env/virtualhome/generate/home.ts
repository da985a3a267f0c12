/** Houses: which furniture there is and in which room. Drawn once per world and all different, so that unseen houses are layouts never trained on. */
import { createRng } from '../../../base/rng.ts';
import { furniture, type HouseholdSize, type Room, roomClasses } from './catalogue.ts';

/** A furnished house without things. */
export interface Home {
  readonly number: number;
  /** Furniture class to its room, in the catalogue's order. */
  readonly furniture: Readonly<Record<string, Room>>;
  /** True if kept for the unseen split. */
  readonly isUnseen: boolean;
}

/** What houses are drawn from. */
export interface HomeOptions {
  readonly seed: number;
  readonly size: HouseholdSize;
  /** Houses seen in training, and kept unseen. */
  readonly homes: { readonly train: number; readonly unseen: number };
}

/** Draws every house of a world. No two have the same furniture in the same rooms. */
export function drawHomes({ seed, size, homes }: HomeOptions): readonly Home[] {
  const layouts = new Set<string>();
  return Array.from({ length: homes.train + homes.unseen }, (_, number) => {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const rng = createRng(['virtualhome home', seed, size, number, attempt]);
      const drawn: Record<string, Room> = {};
      for (const [name, { share, rooms }] of Object.entries(furniture)) {
        const room = rng.pick(rooms);
        if (rng.uniform() < share[size]) drawn[name] = room;
      }
      const layout = layoutOf(drawn);
      if (layouts.has(layout)) continue;
      layouts.add(layout);
      return { number, furniture: drawn, isUnseen: number >= homes.train };
    }
    throw new RangeError(`Cannot draw house ${number}: no new layout is left, expected fewer houses`);
  });
}

/** Returns what distinguishes houses: every piece of furniture and its room. */
export function layoutOf(drawn: Readonly<Record<string, string>>): string {
  return Object.entries(drawn)
    .map(([name, room]) => `${name}@${room}`)
    .sort()
    .join(' ');
}

/** Lists the furniture of a house room by room. */
export function furnitureOf(home: Home): readonly { readonly name: string; readonly room: Room }[] {
  return roomClasses.flatMap((room) =>
    Object.entries(home.furniture)
      .filter(([, where]) => where === room)
      .map(([name]) => ({ name, room })),
  );
}
