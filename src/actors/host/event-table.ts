/**
 * Which events an actor has folded: of all of them those with the latest own times, up to a limit, and one floor, the
 * latest time that had to go. So a repeat is told from a new event exactly, or nobody can tell: an event later than the
 * floor is new unless it stands in the table; of one at or before it nothing is known.
 *
 * Twelve bytes an event, once there are more than a few: 64 bits of a keyed hash over source and id, and the seconds of its time. The entries are a heap
 * with the earliest on top; of the same second the smaller hash goes first, so that every host lets the same one go.
 */
import { hash } from 'node:crypto';

/** The most that any settings may ask for. */
export const EVENTS_REMEMBERED_MAX = 4096;
const FIRST_CAPACITY = 4;
const GROWTH = 4;
/** Up to so many entries stand in a plain array: a typed one weighs five hundred bytes before it holds anything. */
const PLAIN_CAPACITY_MAX = 16;
const ENTRY_WORDS = 3;
const SECONDS_MAX = 0xffff_ffff;
const NO_FLOOR = -1;

export interface EventHash {
  readonly high: number;
  readonly low: number;
}

export type Standing = 'repeat' | 'new' | 'unknown';
export type SavedEvents = readonly [entries: string, floor: number];

/**
 * Of an app, and of any two strings, also those that are no well-formed text: they come from anybody. No app can make an
 * event of another one look like a repeat. Whoever does not know the key cannot
 * make two of them meet: it is 64 bits of SHA-256 behind a secret.
 */
export function eventHash(key: string, app: string, source: string, id: string): EventHash {
  // As a string of bytes: a buffer would cost as much as the hash.
  const digest = hash('sha256', `${key}\n${JSON.stringify([app, source, id])}`, 'binary');
  return { high: wordAt(digest, 0), low: wordAt(digest, 4) };
}

/** Little-endian. */
const wordAt = (bytes: string, i: number): number =>
  (bytes.charCodeAt(i) |
    (bytes.charCodeAt(i + 1) << 8) |
    (bytes.charCodeAt(i + 2) << 16) |
    (bytes.charCodeAt(i + 3) << 24)) >>>
  0;

export const secondsOf = (timeMs: number): number => Math.min(Math.max(Math.floor(timeMs / 1000), 0), SECONDS_MAX);

type Words = Uint32Array | number[];

const NO_WORDS: number[] = [];

export class EventTable {
  /** Three rows of the same length: the low words of the hashes, the high ones, the seconds. */
  private words: Words = NO_WORDS;
  private capacity = 0;
  size = 0;
  /** Latest second that had to go; −1 while nothing has. */
  floor = NO_FLOOR;

  standing({ high, low }: EventHash, seconds: number): Standing {
    const { words, capacity, size } = this;
    // Its views find a word much faster than a loop does; of a small array a view would cost more than the loop.
    const lows = words instanceof Uint32Array ? words.subarray(0, size) : words;
    for (let i = lows.indexOf(low); i !== -1 && i < size; i = lows.indexOf(low, i + 1)) {
      if (words[capacity + i] === high) return 'repeat';
    }
    return seconds > this.floor ? 'new' : 'unknown';
  }

  /** Takes in an event that is new. */
  add({ high, low }: EventHash, seconds: number, limit: number): void {
    while (this.size > limit) this.dropEarliest();
    if (this.size < limit) {
      if (this.size === this.capacity) this.grow();
      this.rise(this.size++, low, high, seconds);
      return;
    }
    // It may be the earliest of all itself.
    if (this.isEarlier(low, high, seconds, 0)) this.floor = Math.max(this.floor, seconds);
    else {
      this.floor = Math.max(this.floor, this.words[2 * this.capacity]!);
      this.sink(low, high, seconds);
    }
  }

  save(): SavedEvents {
    const { words, capacity, size } = this;
    const rows = new Uint32Array(ENTRY_WORDS * size);
    for (let row = 0; row < ENTRY_WORDS; row++) copy(words, row * capacity, rows, row * size, size);
    return [Buffer.from(rows.buffer).toString('base64'), this.floor];
  }

  /** Throws where what was saved is no table. */
  static load([entries, floor]: SavedEvents): EventTable {
    const bytes = Buffer.from(entries, 'base64');
    const size = bytes.length / (4 * ENTRY_WORDS);
    if (!Number.isInteger(size) || size > EVENTS_REMEMBERED_MAX) throw new Error('its events are cut');
    const table = new EventTable();
    while (table.capacity < size) table.grow();
    const rows = new Uint32Array(ENTRY_WORDS * size);
    new Uint8Array(rows.buffer).set(bytes);
    for (let row = 0; row < ENTRY_WORDS; row++) copy(rows, row * size, table.words, row * table.capacity, size);
    table.size = size;
    table.floor = floor;
    return table;
  }

  private dropEarliest(): void {
    const { words, capacity } = this;
    this.floor = Math.max(this.floor, words[2 * capacity]!);
    const last = --this.size;
    if (last > 0) this.sink(words[last]!, words[capacity + last]!, words[2 * capacity + last]!);
  }

  private grow(): void {
    const capacity = this.capacity === 0 ? FIRST_CAPACITY : this.capacity * GROWTH;
    const length = ENTRY_WORDS * capacity;
    const words = capacity > PLAIN_CAPACITY_MAX ? new Uint32Array(length) : new Array<number>(length).fill(0);
    for (let row = 0; row < ENTRY_WORDS; row++) copy(this.words, row * this.capacity, words, row * capacity, this.size);
    this.words = words;
    this.capacity = capacity;
  }

  /** Puts an entry in at the end of the heap and lets it rise. */
  private rise(from: number, low: number, high: number, seconds: number): void {
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.isEarlier(low, high, seconds, parent)) break;
      this.move(parent, i);
      i = parent;
    }
    this.set(i, low, high, seconds);
  }

  /** Puts an entry in at the top of the heap and lets it sink. */
  private sink(low: number, high: number, seconds: number): void {
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.isBefore(child + 1, child)) child++;
      if (this.isEarlier(low, high, seconds, child)) break;
      this.move(child, i);
      i = child;
    }
    this.set(i, low, high, seconds);
  }

  private isBefore(i: number, j: number): boolean {
    const { words, capacity } = this;
    return this.isEarlier(words[i]!, words[capacity + i]!, words[2 * capacity + i]!, j);
  }

  private isEarlier(low: number, high: number, seconds: number, j: number): boolean {
    const { words, capacity } = this;
    const other = words[2 * capacity + j]!;
    if (seconds !== other) return seconds < other;
    const otherHigh = words[capacity + j]!;
    return high === otherHigh ? low < words[j]! : high < otherHigh;
  }

  private move(from: number, to: number): void {
    const { words, capacity } = this;
    this.set(to, words[from]!, words[capacity + from]!, words[2 * capacity + from]!);
  }

  private set(i: number, low: number, high: number, seconds: number): void {
    const { words, capacity } = this;
    words[i] = low;
    words[capacity + i] = high;
    words[2 * capacity + i] = seconds;
  }
}

function copy(from: Words, start: number, to: Words, at: number, count: number): void {
  for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}
