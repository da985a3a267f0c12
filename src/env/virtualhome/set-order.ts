/**
 * The order in which CPython walks a set of small integers. The reference takes "the first" or "the last" of such sets (which thing an object lay
 * on, which container hides it), so the recordings depend on it. Source: CPython 3.9 Objects/setobject.c `set_add_entry`, `set_table_resize`.
 */

const probes = 9; // LINEAR_PROBES

/** Returns distinct non-negative integers below 2^31 in the order a CPython set, filled one by one in the given order, lists them. */
export function setOrder(values: readonly number[]): readonly number[] {
  if (values.length < 2) return values;
  let table = new Int32Array(8).fill(-1);
  let used = 0;
  for (const value of values) {
    if (!insert(table, value)) continue;
    used += 1;
    if (used * 5 < (table.length - 1) * 3) continue;
    let size = 8;
    while (size <= used * 4) size *= 2;
    const grown = new Int32Array(size).fill(-1);
    for (const kept of table) if (kept !== -1) insert(grown, kept);
    table = grown;
  }
  return Array.from(table).filter((value) => value !== -1);
}

function insert(table: Int32Array, value: number): boolean {
  const mask = table.length - 1;
  let slot = value & mask;
  let perturb = value;
  for (;;) {
    const last = slot + probes <= mask ? slot + probes : slot;
    for (let at = slot; at <= last; at++) {
      if (table[at] === -1) {
        table[at] = value;
        return true;
      }
      if (table[at] === value) return false;
    }
    perturb >>>= 5;
    slot = (slot * 5 + 1 + perturb) & mask;
  }
}
