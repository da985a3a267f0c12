/** Draws a task for a scene, and a placement of things that leaves it to be done. */
import type { Rng } from '../../../base/rng.ts';
import { homes } from '../home.ts';
import type { TaskType } from '../task.ts';
import { abilities, type RoomKind, rooms, type WorldSize } from './room.ts';
import { type Furniture, idOf, type Scene } from './scene.ts';

/** What a generated game asks for. Class names in ALFWorld's spelling. */
export interface Quest {
  readonly type: TaskType;
  readonly scene: Scene;
  readonly object: string;
  /** Class of the receptacle, or `DeskLamp`. */
  readonly target: string;
}

/** A thing and where it is. */
export interface Thing {
  readonly className: string;
  readonly id: string;
  readonly at: Furniture;
}

/** Rooms each type of task happens in. */
const roomsOf: Readonly<Record<TaskType, readonly RoomKind[]>> = {
  pick_and_place_simple: ['kitchen', 'livingroom', 'bedroom', 'bathroom'],
  look_at_obj_in_light: ['livingroom', 'bedroom'],
  pick_clean_then_place_in_recep: ['kitchen', 'kitchen', 'bathroom'],
  pick_heat_then_place_in_recep: ['kitchen'],
  pick_cool_then_place_in_recep: ['kitchen'],
  pick_two_obj_and_place: ['kitchen', 'livingroom', 'bedroom', 'bathroom'],
};

const needs: Readonly<
  Partial<Record<TaskType, { readonly ability: keyof typeof abilities; readonly device: string }>>
> = {
  pick_clean_then_place_in_recep: { ability: 'cleanable', device: 'SinkBasin' },
  pick_heat_then_place_in_recep: { ability: 'heatable', device: 'Microwave' },
  pick_cool_then_place_in_recep: { ability: 'coolable', device: 'Fridge' },
};

/** The lamp of tasks that need light. */
export const lamp = 'DeskLamp';

/** Tells whether a receptacle class takes an object class: it is one of its homes, or a table. */
export function canContain(receptacle: string, object: string): boolean {
  return homes[object.toLowerCase()]?.includes(receptacle.toLowerCase()) ?? false;
}

/** Draws what a game asks for. */
export function drawQuest(
  type: TaskType,
  options: { readonly scenes: readonly Scene[]; readonly size: WorldSize; readonly rng: Rng },
): Quest {
  const { rng, size } = options;
  for (let attempt = 0; attempt < 1000; attempt++) {
    const kind = rng.pick(roomsOf[type]);
    const scene = rng.pick(options.scenes.filter((candidate) => candidate.kind === kind));
    const object = rng.pick(rooms[size][kind].things);
    const target = rng.pick(targetsOf(type, scene));
    if (isPossible({ type, scene, object, target })) return { type, scene, object, target };
  }
  throw new Error(`Internal: no ${type} task fits any ${size} scene`);
}

function targetsOf(type: TaskType, scene: Scene): string[] {
  if (type === 'look_at_obj_in_light') return [lamp];
  return [...new Set(scene.furniture.map(({ className }) => className))];
}

function isPossible({ type, scene, object, target }: Quest): boolean {
  const need = needs[type];
  if (need !== undefined && (!abilities[need.ability].includes(object) || target === need.device)) return false;
  if (type === 'look_at_obj_in_light') return placesFor(scene, lamp).length > 0 && placesFor(scene, object).length > 0;
  return canContain(target, object) && placesFor(scene, object).some(({ className }) => className !== target);
}

function placesFor(scene: Scene, object: string): Furniture[] {
  return scene.furniture.filter(({ className }) => canContain(className, object));
}

/** Draws where everything is. The object of the quest is never already in a target receptacle. */
export function drawThings(quest: Quest, options: { readonly size: WorldSize; readonly rng: Rng }): readonly Thing[] {
  const { rng, size } = options;
  const { scene, object, target, type } = quest;
  const plan = rooms[size][scene.kind];
  const used = new Set<string>();
  const things: Thing[] = [];
  const add = (className: string, places: readonly Furniture[]): void => {
    if (places.length > 0) things.push({ className, id: idOf(className, rng, used), at: rng.pick(places) });
  };
  const copies = (type === 'pick_two_obj_and_place' ? 2 : 1) + rng.int(2);
  const away = placesFor(scene, object).filter(({ className }) => className !== target);
  for (let i = 0; i < copies; i++) add(object, away);
  if (scene.kind === 'bedroom' || target === lamp) add(lamp, placesFor(scene, lamp));
  const total = plan.objects[0] + rng.int(plan.objects[1] - plan.objects[0] + 1);
  const others = plan.things.filter((className) => className !== object && placesFor(scene, className).length > 0);
  while (things.length < total) {
    for (const className of rng.shuffle(others)) {
      if (things.length < total) add(className, placesFor(scene, className));
    }
  }
  return things;
}
