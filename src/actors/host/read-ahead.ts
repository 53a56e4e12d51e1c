/** Records between the journal, which pushes, and the fold, which takes its time: in order, and bounded. */
import type { AppBacklog } from './app-backlog.js';
import type { HostLimits } from './limits.js';
import type { Journal, JournalReader, JournalRecord } from './ports.js';

/** Taken records are dropped from the front of the buffer in pieces of so many. */
const DROP_RECORDS = 4_096;

export interface ReadAheadOptions {
  readonly journal: Journal;
  readonly limits: Pick<HostLimits, 'readAheadRecordsMax' | 'readAheadBytesMax'>;
  /** Told of every record as it comes and as it is taken. */
  readonly backlog: Pick<AppBacklog, 'arrived' | 'taken'>;
  /** There is something to take: this record, at the end. */
  readonly onRecord: (record: JournalRecord) => void;
  readonly onLost: (error: unknown) => void;
}

export class ReadAhead {
  /** Last sequence known to be in the journal. */
  tail = 0;
  private arrivedLast = 0;
  private queue: JournalRecord[] = [];
  private head = 0;
  /** Index of the first record that `preview` has not shown. */
  private shown = 0;
  private bytes = 0;
  /** The records taken last. */
  private taken: readonly JournalRecord[] = [];
  private reader: JournalReader | undefined;
  /** Reading goes on after this sequence once the buffer has drained. */
  private pausedAfter: number | undefined;
  private stopped = false;

  constructor(private readonly options: ReadAheadOptions) {}

  get isEmpty(): boolean {
    return this.head >= this.queue.length;
  }

  /** Records that have come and were not taken. */
  get size(): number {
    return this.queue.length - this.head;
  }

  /** Whether the journal holds records that have not come yet. */
  get hasUnread(): boolean {
    return this.arrivedLast < this.tail;
  }

  start(from: number): void {
    const { journal, onLost } = this.options;
    this.arrivedLast = from - 1;
    this.reader = journal.read(from, (record) => this.arrived(record), onLost);
  }

  /** The next at most `max` records. */
  take(max: number): readonly JournalRecord[] {
    const records = this.queue.slice(this.head, this.head + max);
    this.head += records.length;
    this.taken = records;
    for (const record of records) {
      this.bytes -= record.payload.length;
      this.options.backlog.taken(record);
    }
    if (this.isEmpty || this.head > DROP_RECORDS) {
      this.queue = this.queue.slice(this.head);
      this.shown = Math.max(0, this.shown - this.head);
      this.head = 0;
    }
    return records;
  }

  /** Of the next `max` records those that it has not shown before. */
  preview(max: number): readonly JournalRecord[] {
    const from = Math.max(this.head, this.shown);
    const to = Math.min(this.queue.length, this.head + max);
    if (from >= to) return [];
    this.shown = to;
    return this.queue.slice(from, to);
  }

  /** What has come behind `sequence`, in order: not taken, or with the last ones. */
  *after(sequence: number): Generator<JournalRecord, undefined> {
    for (const record of this.taken) if (record.sequence > sequence) yield record;
    for (let i = this.firstAfter(sequence); i < this.queue.length; i++) yield this.queue[i]!;
    return undefined;
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
    this.taken = [];
    this.head = this.shown = 0;
    this.bytes = 0;
  }

  private firstAfter(sequence: number): number {
    let [low, high] = [this.head, this.queue.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.queue[middle]!.sequence > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private arrived(record: JournalRecord): void {
    if (this.stopped || this.pausedAfter !== undefined) return;
    const { limits, backlog, onRecord } = this.options;
    this.queue.push(record);
    this.arrivedLast = record.sequence;
    this.bytes += record.payload.length;
    this.tail = Math.max(this.tail, record.sequence + record.pending);
    if (this.queue.length - this.head >= limits.readAheadRecordsMax || this.bytes >= limits.readAheadBytesMax) {
      this.pausedAfter = record.sequence;
      this.reader?.stop();
    }
    backlog.arrived(record);
    onRecord(record);
  }
}
