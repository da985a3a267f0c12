/**
 * A bounded memory of what was computed: the entry goes first whose last use is longest ago. Uses are noted only while it is more than half
 * full; before, no entry is in danger and noting them would be time for nothing.
 */

/** Returns what was computed for a key, or computes it. */
export interface Recent<K, V> {
  get(key: K, compute: () => V): V;
}

/** Makes a memory of at most `limit` entries. */
export function recent<K, V>(limit: number): Recent<K, V> {
  const entries = new Map<K, V>();
  return {
    get: (key, compute) => {
      const known = entries.get(key);
      if (known !== undefined) {
        if (entries.size * 2 > limit) {
          entries.delete(key);
          entries.set(key, known);
        }
        return known;
      }
      const value = compute();
      entries.set(key, value);
      if (entries.size > limit) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
      return value;
    },
  };
}
