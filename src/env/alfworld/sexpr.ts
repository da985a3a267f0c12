/** Reads the s-expressions of PDDL, as tolerantly as ALFWorld's own files need: comments, any case, unbalanced parentheses. */

/** An atom (lower case) or a list. */
export type Sexpr = string | readonly Sexpr[];

/**
 * Parses the first list of a text. Everything is lower-cased, `;` comments are dropped, a comma is a letter like any other
 * (as in Fast Downward), tokens after the list has closed are ignored, and lists still open at the end of the text are closed.
 * @throws {SyntaxError} If the text holds no list.
 */
export function parseSexpr(text: string): readonly Sexpr[] {
  const tokens =
    text
      .replace(/;[^\n]*/g, '')
      .toLowerCase()
      .match(/[()]|[^\s()]+/g) ?? [];
  const open: Sexpr[][] = [];
  for (const token of tokens) {
    if (token === '(') {
      const list: Sexpr[] = [];
      open.at(-1)?.push(list);
      open.push(list);
    } else if (token === ')') {
      const closed = open.pop();
      if (open.length === 0 && closed !== undefined) return closed;
    } else {
      open.at(-1)?.push(token);
    }
  }
  if (open[0] === undefined) throw new SyntaxError('Cannot read s-expression: the text has no "(", expected a list');
  return open[0];
}

/** Returns the atoms of a list, leaving out nested lists. */
export function atomsOf(list: readonly Sexpr[]): string[] {
  return list.filter((item): item is string => typeof item === 'string');
}

/** Returns the nested lists of a list, leaving out atoms. */
export function listsOf(list: readonly Sexpr[]): (readonly Sexpr[])[] {
  return list.filter((item): item is readonly Sexpr[] => typeof item !== 'string');
}

/** Reads a typed list such as `?a - agent ?r ?s - receptacle`; names without a type get `object`. */
export function typedNames(atoms: readonly string[]): { readonly name: string; readonly type: string }[] {
  const result: { name: string; type: string }[] = [];
  let pending: string[] = [];
  for (let i = 0; i < atoms.length; i++) {
    if (atoms[i] === '-' && i + 1 < atoms.length) {
      const type = atoms[++i]!;
      for (const name of pending) result.push({ name, type });
      pending = [];
    } else {
      pending.push(atoms[i]!);
    }
  }
  for (const name of pending) result.push({ name, type: 'object' });
  return result;
}
