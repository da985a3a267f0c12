/** Remembers the results of a function of a text: conversations repeat the same few messages thousands of times. */

/** Longest text remembered, in UTF-16 units: longer ones are whole prompts, which do not repeat. */
const longestText = 4_000;

/** Makes `compute` remember the results of the `capacity` texts used last. Results are shared: the caller must not change them. */
export function remember<T>(compute: (text: string) => T, capacity = 20_000): (text: string) => T {
  const memory = new Map<string, T>(); // a Map keeps the order of insertion: its first key is the text used longest ago
  return (text) => {
    const known = memory.get(text);
    if (known !== undefined) {
      memory.delete(text);
      memory.set(text, known);
      return known;
    }
    const result = compute(text);
    if (text.length > longestText) return result;
    memory.set(text, result);
    if (memory.size > capacity) memory.delete(memory.keys().next().value as string); // not empty, so there is a first key
    return result;
  };
}
