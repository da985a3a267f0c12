/** What check_arrow.py says of a file. */
export interface ArrowFacts {
  readonly rows: number;
  readonly polarsRows: number;
  /** Rows whose turn is 0 or -1. */
  readonly episodes: number;
  /** Blocks that add to a dictionary; not every reader knows them. */
  readonly dictionaryDeltas: number;
  readonly columns: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** With --rows: the rows; numbers that are not finite are texts. */
  readonly table?: readonly Record<string, unknown>[];
  readonly polarsText?: readonly string[];
}
