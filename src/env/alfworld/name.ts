/** Names of entities as a player sees them: `cabinet 4`, `apple 1`, `loc 12`. */

/**
 * Names ids: the part before the first `_bar_` (with `basin` added where the id contains it) and a number. Ids are numbered
 * from the end of their ascending order, so that lists in id order count down. Ids without `_bar_` keep their id.
 * Source: alfworld/alfworld@0.3.3 agents/environment/alfred_tw_env.py `AlfredDemangler` (ids sorted, numbers popped from the end).
 */
export function nameEntities(ids: Iterable<string>): ReadonlyMap<string, string> {
  const byBase = new Map<string, string[]>();
  const names = new Map<string, string>();
  for (const id of [...ids].sort()) {
    const cut = id.indexOf('_bar_');
    if (cut < 0) {
      names.set(id, id);
      continue;
    }
    const base = id.slice(0, cut) + (id.includes('basin') ? 'basin' : '');
    const group = byBase.get(base);
    if (group === undefined) byBase.set(base, [id]);
    else group.push(id);
  }
  for (const [base, group] of byBase) {
    for (const [i, id] of group.entries()) names.set(id, `${base} ${group.length - i}`);
  }
  return names;
}
