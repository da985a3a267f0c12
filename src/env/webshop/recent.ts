/** A bounded memory of what was computed: the least recently used entry goes first. */

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
