import type { JournalInfo, JournalReader, JournalRecord } from '../../src/actors/host/ports.js';

/** A journal or experience stream in memory, for what only reads one. Delivers one record a macrotask turn's batch. */
export class MemoryStream {
  readonly records: JournalRecord[] = [];
  identity: string;
  firstSequence = 1;
  /** How many readers have ever been opened, and are open. */
  opened = 0;
  #readers = new Set<{ next: number; onRecord: (record: JournalRecord) => void; onLost: (error: unknown) => void }>();
  #last = 0;

  constructor(identity = 'id1') {
    this.identity = identity;
  }

  append(subject: string, body: unknown): number {
    const sequence = ++this.#last;
    const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    this.records.push({ sequence, timestampMs: 1_700_000_000_000 + sequence, subject, payload, pending: 0 });
    return sequence;
  }

  /** Deletes what is below `sequence`. */
  trim(sequence: number): void {
    this.firstSequence = sequence;
    while (this.records.length > 0 && this.records[0]!.sequence < sequence) this.records.shift();
  }

  /** Deletes the newest records, as a power loss may. */
  tear(count: number): void {
    this.records.splice(this.records.length - count, count);
    this.#last -= count;
  }

  /** Readers are told that they cannot go on. */
  lose(): void {
    for (const reader of this.#readers) reader.onLost(new Error('stream lost'));
  }

  info(): Promise<JournalInfo> {
    return Promise.resolve({
      identity: this.identity,
      firstSequence: this.firstSequence,
      lastSequence: this.#last,
    });
  }

  read(from: number, onRecord: (record: JournalRecord) => void, onLost: (error: unknown) => void): JournalReader {
    const reader = { next: from, onRecord, onLost };
    this.opened++;
    this.#readers.add(reader);
    const deliver = (): void => {
      for (let i = 0; i < 256 && this.#readers.has(reader); i++) {
        const record = this.records[Math.max(0, reader.next - this.firstSequence)];
        if (record === undefined) break;
        reader.next = record.sequence + 1;
        onRecord({ ...record, pending: this.#last - record.sequence });
      }
      if (this.#readers.has(reader)) setImmediate(deliver);
    };
    setImmediate(deliver);
    return { stop: () => void this.#readers.delete(reader) };
  }

  get readers(): number {
    return this.#readers.size;
  }
}
