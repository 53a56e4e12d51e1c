/** JSON of something large, a piece at a time, so that encoding it can be spread over many turns of the event loop. */

/** A piece is handed on once it has so many characters. */
const PIECE_LENGTH = 8 * 1024;
/** Items of a list that are encoded in one go. */
const GROUP = 64;
/** Containers of more entries than this are cut; deeper than `DEPTH_MAX` nothing is. */
const ENTRIES_WHOLE = 32;
const DEPTH_MAX = 3;

/** An array whose items are drawn while it is encoded. */
export class JsonItems {
  constructor(readonly items: Iterable<unknown>) {}

  toJSON(): unknown[] {
    return [...this.items];
  }
}

/** An object whose entries are drawn while it is encoded; no key twice. */
export class JsonEntries {
  constructor(readonly entries: Iterable<readonly [key: string, value: unknown]>) {}

  toJSON(): object {
    return Object.fromEntries(this.entries);
  }
}

/** Joined, the pieces are what JSON.stringify gives; `value` is a plain object or an array, without cycles. */
export function* jsonPieces(value: object): Generator<string, undefined> {
  let piece = '';
  for (const part of partsOf(value, 0)) {
    piece += part;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
  return undefined;
}

function* partsOf(given: unknown, depth: number): Generator<string, undefined> {
  const value = settled(given);
  const items = itemsToCut(value);
  if (items !== undefined) return yield* listParts(items);
  const entries = entriesToCut(value, depth);
  if (entries !== undefined) return yield* objectParts(entries, depth);
  yield JSON.stringify(value) ?? 'null';
  return undefined;
}

function* listParts(items: Iterable<unknown>): Generator<string, undefined> {
  let before = '[';
  let group: unknown[] = [];
  const written = (): string => {
    const part = before + JSON.stringify(group).slice(1, -1);
    before = ',';
    group = [];
    return part;
  };
  for (const item of items) if (group.push(item) === GROUP) yield written();
  if (group.length > 0) yield written();
  yield before === ',' ? ']' : '[]';
  return undefined;
}

function* objectParts(entries: Iterable<readonly [string, unknown]>, depth: number): Generator<string, undefined> {
  let before = '{';
  for (const [key, value] of entries) {
    if (isLeftOut(value)) continue;
    yield `${before}${JSON.stringify(key)}:`;
    yield* partsOf(value, depth + 1);
    before = ',';
  }
  yield before === ',' ? '}' : '{}';
  return undefined;
}

function settled(value: unknown): unknown {
  if (value instanceof JsonItems || value instanceof JsonEntries) return value;
  const speaker = value as { toJSON?: () => unknown } | null | undefined;
  return typeof speaker?.toJSON === 'function' ? speaker.toJSON() : value;
}

function itemsToCut(value: unknown): Iterable<unknown> | undefined {
  if (value instanceof JsonItems) return value.items;
  return Array.isArray(value) && value.length > ENTRIES_WHOLE ? value : undefined;
}

function entriesToCut(value: unknown, depth: number): Iterable<readonly [string, unknown]> | undefined {
  if (value instanceof JsonEntries) return value.entries;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth >= DEPTH_MAX) return undefined;
  const keys = Object.keys(value);
  if (depth > 1 && keys.length <= ENTRIES_WHOLE) return undefined;
  return keyed(value as Record<string, unknown>, keys);
}

function* keyed(
  of: Record<string, unknown>,
  keys: readonly string[],
): Generator<readonly [string, unknown], undefined> {
  for (const key of keys) yield [key, of[key]];
  return undefined;
}

/** As JSON.stringify has it. */
const isLeftOut = (value: unknown): boolean =>
  value === undefined || typeof value === 'function' || typeof value === 'symbol';
