import type { Cursor, FactChange, Sifted } from './cursor.js';

interface Entry {
  readonly changes: readonly FactChange[];
  /** Where the source stands once these changes are sunk. */
  readonly cursor: Cursor;
  readonly bytes: number;
}

export interface Portion {
  readonly changes: readonly FactChange[];
  readonly bytes: number;
  /** Where the source stood before, and stands with these changes. */
  readonly from: Cursor;
  readonly to: Cursor;
}

/** What one source has delivered and the database does not have yet, in the source's order. */
export class SourceQueue {
  #entries: Entry[] = [];
  #read: Cursor;
  #sunk: Cursor;
  #rows = 0;
  #bytes = 0;

  /** `sunk` is what the database has of the source's position, `read` where its reader starts. */
  constructor(sunk: Cursor, read: Cursor) {
    this.#sunk = sunk;
    this.#read = read;
  }

  /** What has been read, sunk or not. */
  get read(): Cursor {
    return this.#read;
  }

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(sifted: Sifted, bytes: number): void {
    this.#read = sifted.cursor;
    if (sifted.changes.length === 0) return;
    this.#entries.push({ changes: sifted.changes, cursor: sifted.cursor, bytes });
    this.#rows += sifted.changes.length;
    this.#bytes += bytes;
  }

  /**
   * The oldest changes, up to either limit but at least one record's, with the position that goes with them; undefined
   * where neither facts nor position have changed. They stay here until `settle`.
   */
  peek(rowsMax: number, bytesMax: number): Portion | undefined {
    const changes: FactChange[] = [];
    let bytes = 0;
    let count = 0;
    for (const entry of this.#entries) {
      if (count > 0 && (changes.length + entry.changes.length > rowsMax || bytes + entry.bytes > bytesMax)) break;
      changes.push(...entry.changes);
      bytes += entry.bytes;
      count++;
    }
    const to = count === this.#entries.length ? this.#read : this.#entries[count - 1]!.cursor;
    return to === this.#sunk ? undefined : { changes, bytes, from: this.#sunk, to };
  }

  /** The portion is in the database. */
  settle(portion: Portion): void {
    this.#sunk = portion.to;
    this.#rows -= portion.changes.length;
    this.#bytes -= portion.bytes;
    const done = this.#entries.findIndex((entry) => entry.cursor.sequence > portion.to.sequence);
    this.#entries = done < 0 ? [] : this.#entries.slice(done);
  }
}
