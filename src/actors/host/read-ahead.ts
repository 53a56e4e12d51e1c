/** Records between the journal, which pushes, and the fold, which takes its time: in order, and bounded. */
import type { HostLimits } from './limits.js';
import type { Journal, JournalReader, JournalRecord } from './ports.js';

/** Taken records are dropped from the front of the buffer in pieces of so many. */
const DROP_RECORDS = 4_096;

export interface ReadAheadOptions {
  readonly journal: Journal;
  readonly limits: Pick<HostLimits, 'readAheadRecordsMax' | 'readAheadBytesMax'>;
  /** There is something to take. */
  readonly onRecord: () => void;
  readonly onLost: (error: unknown) => void;
}

export class ReadAhead {
  /** Last sequence known to be in the journal. */
  tail = 0;
  private queue: JournalRecord[] = [];
  private head = 0;
  private bytes = 0;
  private reader: JournalReader | undefined;
  /** Reading goes on after this sequence once the buffer has drained. */
  private pausedAfter: number | undefined;
  private stopped = false;

  constructor(private readonly options: ReadAheadOptions) {}

  get isEmpty(): boolean {
    return this.head >= this.queue.length;
  }

  start(from: number): void {
    const { journal, onLost } = this.options;
    this.reader = journal.read(from, (record) => this.arrived(record), onLost);
  }

  /** The next at most `max` records. */
  take(max: number): readonly JournalRecord[] {
    const records = this.queue.slice(this.head, this.head + max);
    this.head += records.length;
    for (const { payload } of records) this.bytes -= payload.length;
    if (this.isEmpty || this.head > DROP_RECORDS) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    return records;
  }

  /** Told when everything taken has been folded: reads on if it had to stop. */
  drained(): void {
    if (this.stopped || this.pausedAfter === undefined || !this.isEmpty) return;
    const from = this.pausedAfter + 1;
    this.pausedAfter = undefined;
    this.start(from);
  }

  stop(): void {
    this.stopped = true;
    this.reader?.stop();
    this.queue = [];
    this.head = 0;
    this.bytes = 0;
  }

  private arrived(record: JournalRecord): void {
    if (this.stopped || this.pausedAfter !== undefined) return;
    const { limits, onRecord } = this.options;
    this.queue.push(record);
    this.bytes += record.payload.length;
    this.tail = Math.max(this.tail, record.sequence + record.pending);
    if (this.queue.length - this.head >= limits.readAheadRecordsMax || this.bytes >= limits.readAheadBytesMax) {
      this.pausedAfter = record.sequence;
      this.reader?.stop();
    }
    onRecord();
  }
}
