import type { JournalRecord } from '../host/ports.js';

export interface StoredRecord extends Omit<JournalRecord, 'pending'> {
  /** When it was stored by a clock that nobody sets: for checks only. */
  readonly storedMs: number;
}

/** One stream of the simulated server: a total order. Timestamps are the server's clock, which may go back. */
export class SimulatedStream {
  /** Everything ever stored, also what has been trimmed since: the checker's truth. `records[i]` has sequence i + 1. */
  readonly records: StoredRecord[] = [];
  private first = 1;
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly name: string,
    readonly identity: string,
  ) {}

  get firstSequence(): number {
    return this.first;
  }

  get lastSequence(): number {
    return this.records.length;
  }

  store(subject: string, payload: Uint8Array, nowMs: number, storedMs = nowMs): number {
    this.records.push({ sequence: this.records.length + 1, timestampMs: nowMs, subject, payload, storedMs });
    for (const listener of this.listeners) listener();
    return this.records.length;
  }

  /** What a reader can still have of `sequence`. */
  get(sequence: number): StoredRecord | undefined {
    return sequence < this.first ? undefined : this.records[sequence - 1];
  }

  trim(sequence: number): void {
    this.first = Math.min(Math.max(this.first, sequence), this.lastSequence + 1);
  }

  /** Calls `listener` after every stored record, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
