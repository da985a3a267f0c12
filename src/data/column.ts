/**
 * Column builders and the Arrow schema. Values go into plain buffers and leave as Arrow data, about twice as fast as Arrow's own
 * builders. A dictionary is one vector for the file's life: another one of the same column would close the Arrow writer without a
 * word, and one that grows would need delta blocks, which not every reader knows.
 */
import * as arrow from 'apache-arrow';
import { type ColumnKind, type ColumnName, columnKinds, columnNames, trajectoryVersion } from './trajectory.ts';

type Data = arrow.Data;

/** Collects the values of one column. */
export interface Column {
  push(value: unknown): void;
  /** Hands out what was pushed since the last call. */
  take(): Data;
}

const item = (type: arrow.DataType): arrow.Field => new arrow.Field('item', type, false);
const dictionaryOf = (): arrow.DataType => new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32());

/** Arrow type of each kind; a dictionary is made anew for each field, because its id is the field's. */
const typeOf: Record<ColumnKind, () => arrow.DataType> = {
  dictionary: dictionaryOf,
  utf8: () => new arrow.Utf8(),
  'utf8?': () => new arrow.Utf8(),
  bool: () => new arrow.Bool(),
  int32: () => new arrow.Int32(),
  'int32?': () => new arrow.Int32(),
  'int32[]': () => new arrow.List(item(new arrow.Int32())),
  float32: () => new arrow.Float32(),
  'float32?': () => new arrow.Float32(),
  'float32[]': () => new arrow.List(item(new arrow.Float32())),
  float64: () => new arrow.Float64(),
};

/** `stream` can be read up to where a killed process got; `file` has a footer and is random access. */
export type ArrowFormat = 'stream' | 'file';

/** A stream holds repeated texts as they are: a dictionary that grows with every batch would cost quadratic time. */
function kindIn(format: ArrowFormat, name: ColumnName): ColumnKind {
  const kind = columnKinds[name];
  return format === 'stream' && kind === 'dictionary' ? 'utf8' : kind;
}

const fieldsIn = (format: ArrowFormat): readonly arrow.Field[] =>
  columnNames.map((name) => {
    const kind = kindIn(format, name);
    return new arrow.Field(name, typeOf[kind](), kind.endsWith('?'));
  });

/** The fields of every trajectory file, and of every stream. */
export const trajectoryFields: Readonly<Record<ArrowFormat, readonly arrow.Field[]>> = {
  file: fieldsIn('file'),
  stream: fieldsIn('stream'),
};

/** Returns the schema with a file's own metadata; one object serves a file from its first batch to its last. */
export function createSchema(format: ArrowFormat, metadata: Readonly<Record<string, string>> = {}): arrow.Schema {
  return new arrow.Schema(
    [...trajectoryFields[format]],
    new Map([...Object.entries(metadata), ['spa.trajectory', trajectoryVersion]]),
  );
}

/** Returns a builder for each column, in file order. `dictionaries` holds every value that a
 * file's dictionary columns will be given. */
export function createColumns(
  format: ArrowFormat,
  dictionaries: ReadonlyMap<ColumnName, Iterable<string>> = new Map(),
): Column[] {
  return trajectoryFields[format].map((field) => {
    const name = field.name as ColumnName; // the fields were made from these names
    return createColumn(kindIn(format, name), field.type, dictionaries.get(name) ?? []);
  });
}

function createColumn(kind: ColumnKind, type: arrow.DataType, known: Iterable<string>): Column {
  switch (kind) {
    case 'dictionary':
      return dictionaryColumn(type, known);
    case 'utf8':
      return utf8Column();
    case 'utf8?':
      return nullable(utf8Column(), '');
    case 'bool':
      return boolColumn();
    case 'int32':
      return int32Column();
    case 'int32?':
      return nullable(int32Column(), 0);
    case 'int32[]':
      return listColumn(type, int32Column());
    case 'float32':
      return float32Column();
    case 'float32?':
      return nullable(float32Column(), 0);
    case 'float32[]':
      return listColumn(type, float32Column());
    case 'float64':
      return numberColumn((values) => fixed(new arrow.Float64(), Float64Array.from(values)));
    default:
      return kind satisfies never;
  }
}

function fixed(type: arrow.DataType, data: Int32Array | Float32Array | Float64Array): Data {
  return arrow.makeData({ type, length: data.length, nullCount: 0, data } as never); // makeData overloads by concrete type only
}

function numberColumn(build: (values: readonly number[]) => Data): Column {
  let values: number[] = [];
  return {
    push: (value) => {
      values.push(value as number); // rows are checked before they are pushed
    },
    take: () => {
      const data = build(values);
      values = [];
      return data;
    },
  };
}

const float32Column = (): Column => numberColumn((values) => fixed(new arrow.Float32(), Float32Array.from(values)));

const int32Column = (): Column => numberColumn((values) => fixed(new arrow.Int32(), Int32Array.from(values)));

/** Returns the bitmap of true values, least significant bit first. */
function bitmap(values: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, index) => {
    if (value) bits[index >> 3]! |= 1 << (index & 7);
  });
  return bits;
}

function boolColumn(): Column {
  let values: boolean[] = [];
  return {
    push: (value) => values.push(value === true),
    take: () => {
      const data = arrow.makeData({
        type: new arrow.Bool(),
        length: values.length,
        nullCount: 0,
        data: bitmap(values),
      });
      values = [];
      return data;
    },
  };
}

function utf8Column(): Column {
  let bytes = Buffer.allocUnsafe(1 << 14);
  let end = 0;
  let offsets = [0];
  return {
    push: (value) => {
      const text = value as string; // rows are checked before they are pushed
      const need = end + text.length * 3; // a UTF-16 unit takes at most 3 bytes of UTF-8
      if (need > bytes.length) bytes = Buffer.concat([bytes.subarray(0, end)], Math.max(bytes.length * 2, need));
      end += bytes.write(text, end, 'utf8');
      offsets.push(end);
    },
    take: () => {
      const data = arrow.makeData({
        type: new arrow.Utf8(),
        length: offsets.length - 1,
        nullCount: 0,
        valueOffsets: Int32Array.from(offsets),
        data: Uint8Array.from(bytes.subarray(0, end)),
      });
      bytes = Buffer.allocUnsafe(1 << 14);
      end = 0;
      offsets = [0];
      return data;
    },
  };
}

/** Adds a validity bitmap; `filler` stands where the value is null. */
function nullable(column: Column, filler: unknown): Column {
  let valid: boolean[] = [];
  return {
    push: (value) => {
      column.push(value === null ? filler : value);
      valid.push(value !== null);
    },
    take: () => {
      const { type, length, values, valueOffsets } = column.take();
      const nullCount = valid.filter((isValid) => !isValid).length;
      const data = { type, length, nullCount, nullBitmap: bitmap(valid), data: values, valueOffsets };
      valid = [];
      return arrow.makeData(data as never); // makeData overloads by concrete type only
    },
  };
}

function listColumn(type: arrow.DataType, child: Column): Column {
  let offsets = [0];
  return {
    push: (value) => {
      const list = value as readonly unknown[]; // TrajectoryRow's list columns hold arrays
      for (const element of list) child.push(element);
      offsets.push(offsets[offsets.length - 1]! + list.length);
    },
    take: () => {
      const length = offsets.length - 1;
      const data = { type, length, nullCount: 0, valueOffsets: Int32Array.from(offsets), child: child.take() };
      offsets = [0];
      return arrow.makeData(data as never); // makeData overloads by concrete type only
    },
  };
}

function dictionaryColumn(type: arrow.DataType, known: Iterable<string>): Column {
  const values = utf8Column();
  const indexOf = new Map<string, number>();
  for (const value of new Set(known)) {
    indexOf.set(value, indexOf.size);
    values.push(value);
  }
  const dictionary = new arrow.Vector([values.take()]);
  let indices: number[] = [];
  return {
    push: (value) => {
      const index = indexOf.get(value as string); // rows are checked before they are pushed
      if (index === undefined) throw new RangeError(`Internal: "${String(value)}" is not in the dictionary`);
      indices.push(index);
    },
    take: () => {
      const data = { type, length: indices.length, nullCount: 0, data: Int32Array.from(indices), dictionary };
      indices = [];
      return arrow.makeData(data as never); // makeData overloads by concrete type only
    },
  };
}
