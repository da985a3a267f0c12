/** Scenes: rooms with their furniture, drawn once per world and all different, so that unseen scenes are layouts never trained on. */
import { createRng, type Rng } from '../../../base/rng.ts';
import { firstScene, type Range, type RoomKind, type RoomPlan, rooms, type WorldSize } from './room.ts';

/** A piece of furniture. */
export interface Furniture {
  /** Class in ALFWorld's spelling. */
  readonly className: string;
  /** PDDL id. */
  readonly id: string;
  /** PDDL id of the place in front of it. */
  readonly location: string;
}

/** A room with its furniture. */
export interface Scene {
  readonly number: number;
  readonly kind: RoomKind;
  readonly furniture: readonly Furniture[];
  /** True if kept for the unseen split. */
  readonly isUnseen: boolean;
}

/** What scenes are drawn from. */
export interface SceneOptions {
  readonly seed: number;
  readonly size: WorldSize;
  /** Scenes per kind of room: seen in training, and kept unseen. */
  readonly scenes: { readonly train: number; readonly unseen: number };
}

/** Draws every scene of a world. No two scenes of a world have the same furniture. */
export function drawScenes(options: SceneOptions): readonly Scene[] {
  const kinds = Object.keys(firstScene) as RoomKind[]; // the keys of a literal record
  return kinds.flatMap((kind) => drawKind(kind, options));
}

function drawKind(kind: RoomKind, options: SceneOptions): Scene[] {
  const { seed, size, scenes } = options;
  const layouts = new Set<string>();
  return Array.from({ length: scenes.train + scenes.unseen }, (_, i) => {
    const number = firstScene[kind] + i;
    const rng = createRng(['alfworld scene', seed, size, number]);
    for (let attempt = 0; attempt < 1000; attempt++) {
      const counts = drawCounts(rooms[size][kind], rng);
      const layout = counts
        .map(([name, count]) => `${name}:${count}`)
        .sort()
        .join(' ');
      if (layouts.has(layout)) continue;
      layouts.add(layout);
      return { number, kind, furniture: arrange(counts, rng), isUnseen: i >= scenes.train };
    }
    throw new RangeError(
      `Cannot draw ${kind} ${number}: no new layout is left, expected fewer scenes per kind of room`,
    );
  });
}

function drawCounts(plan: RoomPlan, rng: Rng): [string, number][] {
  const between = ([low, high]: Range): number => low + rng.int(high - low + 1);
  const total = between(plan.receptacles);
  const counts = Object.entries(plan.fixed).map(([name, range]): [string, number] => [name, between(range)]);
  let count = counts.reduce((sum, [, n]) => sum + n, 0);
  for (const [name, range] of rng.shuffle(Object.entries(plan.optional))) {
    const n = Math.min(between(range), plan.receptacles[1] - count);
    if (count >= total || n <= 0) break;
    counts.push([name, n]);
    count += n;
  }
  return counts;
}

function arrange(counts: readonly (readonly [string, number])[], rng: Rng): Furniture[] {
  const used = new Set<string>();
  return counts.flatMap(([className, count]) =>
    Array.from({ length: count }, () => {
      const id = idOf(className, rng, used);
      const location = unique(
        used,
        () => `loc_bar_${integer(rng, 12)}_bar_${integer(rng, 12)}_bar_${rng.int(4)}_bar_${15 * (rng.int(6) - 1)}`,
      );
      return { className, id, location: location.replaceAll('_-', '_minus_') };
    }),
  );
}

/** Returns an id in ALFRED's form, e.g. `Mug_bar__plus_01_dot_20_bar__plus_00_dot_95_bar__minus_02_dot_10`. */
export function idOf(className: string, rng: Rng, used: Set<string>): string {
  const base = className === 'SinkBasin' ? 'Sink' : className === 'BathtubBasin' ? 'Bathtub' : className;
  return unique(used, () => {
    const place = [coordinate(rng), coordinate(rng), coordinate(rng)].join('_bar_');
    return `${base}_bar_${place}${base === className ? '' : `_bar_${className}`}`;
  });
}

function coordinate(rng: Rng): string {
  const hundredths = rng.int(601) - 300;
  const digits = Math.abs(hundredths).toString().padStart(4, '0');
  return `_${hundredths < 0 ? 'minus' : 'plus'}_${digits.slice(0, 2)}_dot_${digits.slice(2)}`;
}

function integer(rng: Rng, span: number): number {
  return rng.int(2 * span + 1) - span;
}

function unique(used: Set<string>, draw: () => string): string {
  for (;;) {
    const id = draw();
    if (used.has(id)) continue;
    used.add(id);
    return id;
  }
}
