/** Task names: `<type>-<object>-<movable receptacle or None>-<receptacle or lamp>-<scene>`, the name of a task's folder. */

/** The six task types, in the order of ALFWorld's configuration (1 to 6). */
export const taskTypes = [
  'pick_and_place_simple',
  'look_at_obj_in_light',
  'pick_clean_then_place_in_recep',
  'pick_heat_then_place_in_recep',
  'pick_cool_then_place_in_recep',
  'pick_two_obj_and_place',
] as const;

/** One of the six task types. */
export type TaskType = (typeof taskTypes)[number];

/** What a task asks for. */
export interface TaskParams {
  readonly type: TaskType;
  /** Class of the object, lower case. */
  readonly object: string;
  /** Class of the receptacle it belongs in, or of the lamp; lower case. */
  readonly target: string;
}

/** Reads a task folder's name; undefined if it names none of the six types. */
export function parseTaskName(folder: string): TaskParams | undefined {
  const [type, object, , target] = folder.split('-');
  const known = taskTypes.find((name) => name === type);
  if (known === undefined || object === undefined || target === undefined) return undefined;
  return { type: known, object: object.toLowerCase(), target: target.toLowerCase() };
}

/** What must be done to an object of each type before it is placed, and where; undefined for nothing. */
export const treatments: Readonly<
  Partial<Record<TaskType, { readonly verb: 'clean' | 'heat' | 'cool'; readonly device: string }>>
> = {
  pick_clean_then_place_in_recep: { verb: 'clean', device: 'sinkbasin' },
  pick_heat_then_place_in_recep: { verb: 'heat', device: 'microwave' },
  pick_cool_then_place_in_recep: { verb: 'cool', device: 'fridge' },
};
