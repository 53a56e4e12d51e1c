/**
 * Rows of numbers by text keys, in a few typed arrays. A table of twenty thousand arms is made in a worker thread, handed over
 * without a copy, and ready at once where it arrives: nothing is built for a row until somebody asks for it. Keys are found by
 * halving, which takes as long for keys that somebody has chosen to be awkward as for any others.
 */

/** Text keys, rising by their UTF-16 code units; no two are equal. */
export interface PackedKeys {
  readonly units: Uint16Array;
  /** Where in `units` each key ends. */
  readonly ends: Uint32Array;
}

export interface PackedRows {
  readonly keys: PackedKeys;
  /** Numbers in a row. */
  readonly width: number;
  /** Row by row, in the order of the keys. */
  readonly values: Float64Array;
}

/** Rows in groups, each group's keys rising by themselves. */
export interface PackedGroups {
  readonly groups: PackedKeys;
  /** The row behind each group's last one. */
  readonly ends: Uint32Array;
  readonly rows: PackedRows;
}

type Row = number | readonly number[];

/** `sorted` as `Array.sort` leaves texts. */
export function packKeys(sorted: readonly string[]): PackedKeys {
  const ends = new Uint32Array(sorted.length);
  let length = 0;
  for (let i = 0; i < sorted.length; i++) ends[i] = length += sorted[i]!.length;
  const units = new Uint16Array(length);
  let at = 0;
  for (const key of sorted) for (let i = 0; i < key.length; i++) units[at++] = key.charCodeAt(i);
  return { units, ends };
}

/** Key → row; every row has `width` numbers. */
export function packRows(record: Readonly<Record<string, Row>>, width: number): PackedRows {
  const keys = Object.keys(record).sort();
  const values = new Float64Array(keys.length * width);
  for (let i = 0; i < keys.length; i++) writeRow(record[keys[i]!]!, values, i * width);
  return { keys: packKeys(keys), width, values };
}

/** Group → key → row. */
export function packGroups(
  record: Readonly<Record<string, Readonly<Record<string, Row>>>>,
  width: number,
): PackedGroups {
  const groups = Object.keys(record).sort();
  const ends = new Uint32Array(groups.length);
  const keys: string[] = [];
  for (let i = 0; i < groups.length; i++) {
    for (const key of Object.keys(record[groups[i]!]!).sort()) keys.push(key);
    ends[i] = keys.length;
  }
  const values = new Float64Array(keys.length * width);
  let row = 0;
  for (let i = 0; i < groups.length; i++) {
    const group = record[groups[i]!]!;
    for (; row < ends[i]!; row++) writeRow(group[keys[row]!]!, values, row * width);
  }
  return { groups: packKeys(groups), ends, rows: { keys: packKeys(keys), width, values } };
}

function writeRow(row: Row, values: Float64Array, at: number): void {
  if (typeof row === 'number') values[at] = row;
  else for (let i = 0; i < row.length; i++) values[at + i] = row[i]!;
}

/** Which of the keys from `from` up to `to` is `key`; -1 for none. */
export function indexOfKey({ units, ends }: PackedKeys, key: string, from = 0, to = ends.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compared(key, units, middle === 0 ? 0 : ends[middle - 1]!, ends[middle]!);
    if (order === 0) return middle;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return -1;
}

function compared(key: string, units: Uint16Array, start: number, end: number): number {
  const length = Math.min(key.length, end - start);
  for (let i = 0; i < length; i++) {
    const difference = key.charCodeAt(i) - units[start + i]!;
    if (difference !== 0) return difference;
  }
  return key.length - (end - start);
}

/** Makes a row's value of its numbers, which begin at `at`. */
type RowReader<V> = (values: Float64Array, at: number, width: number) => V;

export const readNumber: RowReader<number> = (values, at) => values[at]!;

export const readTuple = <T extends readonly number[]>(values: Float64Array, at: number, width: number): T =>
  Array.from(values.subarray(at, at + width)) as unknown as T;

/** Some of the rows, looked up by their keys: for the same key the same value, made when it is first asked for. */
export class RowTable<V> {
  readonly #rows: PackedRows;
  readonly #read: RowReader<V>;
  readonly #from: number;
  readonly #to: number;
  readonly #made = new Map<string, V>();

  /** All rows, where neither is given. */
  constructor(rows: PackedRows, read: RowReader<V>, from = 0, to = rows.keys.ends.length) {
    this.#rows = rows;
    this.#read = read;
    this.#from = from;
    this.#to = to;
  }

  get(key: string): V | undefined {
    let value = this.#made.get(key);
    if (value === undefined) {
      const { keys, values, width } = this.#rows;
      const row = indexOfKey(keys, key, this.#from, this.#to);
      if (row < 0) return undefined;
      value = this.#read(values, row * width, width);
      this.#made.set(key, value);
    }
    return value;
  }
}

export class GroupTable<V> {
  readonly #packed: PackedGroups;
  readonly #read: RowReader<V>;
  readonly #made = new Map<string, RowTable<V>>();

  constructor(packed: PackedGroups, read: RowReader<V>) {
    this.#packed = packed;
    this.#read = read;
  }

  /** Undefined where there is no such group. */
  group(name: string): RowTable<V> | undefined {
    let group = this.#made.get(name);
    if (group === undefined) {
      const { groups, ends, rows } = this.#packed;
      const index = indexOfKey(groups, name);
      if (index < 0) return undefined;
      group = new RowTable(rows, this.#read, index === 0 ? 0 : ends[index - 1]!, ends[index]!);
      this.#made.set(name, group);
    }
    return group;
  }
}
