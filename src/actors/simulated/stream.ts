import { limitWhile } from '../host/intake.js';
import type { JournalRecord } from '../host/ports.js';

import { parsePartitionSubject, streams, type Intake } from '../../messages/subjects.js';

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

  private held = 0;
  /** What it takes now. */
  intake: Intake = 'all';
  /** Apps whose events it does not take. */
  leftOut: readonly string[] = [];

  /** `limit` and `reserve` in bytes, as a journal's are. */
  constructor(
    readonly name: string,
    readonly identity: string,
    readonly limit = Infinity,
    readonly reserve = 0,
  ) {}

  /** Bytes of what a reader can still have. */
  get bytes(): number {
    return this.held;
  }

  /** What the server says of a record before it stores it. */
  refusalOf(subject: string, payload: Uint8Array): 'no-responders' | 'full' | undefined {
    const parsed = parsePartitionSubject(subject);
    if (parsed && !isCaptured(subject, this.subjects(parsed.partition, parsed.app))) return 'no-responders';
    return this.held + sizeOf({ subject, payload }) > this.max ? 'full' : undefined;
  }

  /** A limit that is lower than what is held drops the oldest, as nats-server does. */
  take(intake: Intake, leftOut: readonly string[]): void {
    this.intake = intake;
    this.leftOut = leftOut;
    while (this.held > this.max) this.trim(this.first + 1);
  }

  private subjects(partition: number, app: string): string[] {
    return streams.journalSubjects(partition, this.leftOut.includes(app) ? [] : [app], this.intake);
  }

  private get max(): number {
    return this.limit === Infinity ? Infinity : limitWhile(this.intake, this.limit, this.reserve);
  }

  get firstSequence(): number {
    return this.first;
  }

  get lastSequence(): number {
    return this.records.length;
  }

  store(subject: string, payload: Uint8Array, nowMs: number, storedMs = nowMs): number {
    this.held += sizeOf({ subject, payload });
    this.records.push({ sequence: this.records.length + 1, timestampMs: nowMs, subject, payload, storedMs });
    for (const listener of this.listeners) listener();
    return this.records.length;
  }

  /** What a reader can still have of `sequence`. */
  get(sequence: number): StoredRecord | undefined {
    return sequence < this.first ? undefined : this.records[sequence - 1];
  }

  trim(sequence: number): void {
    const first = Math.min(Math.max(this.first, sequence), this.lastSequence + 1);
    while (this.first < first) this.held -= sizeOf(this.records[this.first++ - 1]!);
  }

  /** Calls `listener` after every stored record, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

const sizeOf = ({ subject, payload }: { subject: string; payload: Uint8Array }): number =>
  subject.length + payload.length;

/** All captured subjects end in `>`. */
const isCaptured = (subject: string, captured: readonly string[]): boolean =>
  captured.some((pattern) => subject.startsWith(pattern.slice(0, -1)));
