import type { JournalInfo, JournalReader, JournalRecord } from '../../actors/host/ports.js';
import { FRESH_CURSOR, partitionOfSource, type Cursor, type Sifted } from './cursor.js';
import { siftExperience } from './sift-experience.js';
import { siftJournal } from './sift-journal.js';
import type { RecordSource } from './sink-ports.js';
import { SourceQueue } from './source-queue.js';

export interface FeedEvents {
  /** A record was read and, where it is a fact, queued. */
  onSifted(feed: SourceFeed, sifted: Sifted): void;
  /** The feed reads no further than below this record: another build has written it, say. What is queued may be sunk. */
  onUnreadable(feed: SourceFeed, sequence: number, error: unknown): void;
  onFailure(error: unknown): void;
}

/** One source being read into its queue; can be paused and goes on after the last record read. */
export class SourceFeed {
  readonly name: string;
  readonly queue: SourceQueue;
  /** Records that were deleted before the sink had read them. */
  readonly missed: number;
  #stream: RecordSource;
  #events: FeedEvents;
  #adopt: boolean;
  #reader: JournalReader | undefined;
  #pending = 0;
  #refused = false;

  constructor(name: string, stream: RecordSource, saved: Cursor, info: JournalInfo, events: FeedEvents) {
    const start = startOf(saved, info);
    this.name = name;
    this.missed = saved.identity === info.identity ? start.sequence - saved.sequence : 0;
    this.queue = new SourceQueue(saved, start);
    this.#stream = stream;
    this.#events = events;
    this.#adopt = start !== saved && start.sequence > 0;
  }

  get paused(): boolean {
    return this.#reader === undefined;
  }

  /** Records behind the last one read, when it was delivered. */
  get pending(): number {
    return this.#pending;
  }

  resume(): void {
    if (this.#refused) return;
    this.#reader ??= this.#stream.read(
      this.queue.read.sequence + 1,
      (record) => this.#take(record),
      (error) => this.#events.onFailure(error),
    );
  }

  pause(): void {
    this.#reader?.stop();
    this.#reader = undefined;
  }

  #take(record: JournalRecord): void {
    if (this.#reader === undefined || record.sequence <= this.queue.read.sequence) return;
    let sifted: Sifted;
    try {
      sifted = this.#sift(record);
    } catch (error) {
      this.#refused = true;
      this.pause();
      this.#events.onUnreadable(this, record.sequence, error);
      return;
    }
    this.#pending = record.pending;
    this.queue.push(sifted, record.payload.byteLength);
    this.#events.onSifted(this, sifted);
  }

  #sift(record: JournalRecord): Sifted {
    const partition = partitionOfSource(this.name);
    if (partition === undefined) return siftExperience(this.queue.read, record, this.#adopt);
    return siftJournal(this.queue.read, partition, record);
  }
}

/** Whether the database has more of a stream than there is: after a power loss, a stream can lose its end. */
export const isAhead = (saved: Cursor, info: JournalInfo): boolean =>
  saved.identity === info.identity && saved.sequence > info.lastSequence;

/**
 * Where to read on. A stream that was made again is read from its beginning; where the beginning is gone, neither the
 * term nor the chains are known and both are taken from what comes.
 */
function startOf(saved: Cursor, info: JournalInfo): Cursor {
  if (saved.identity === info.identity && saved.sequence >= info.firstSequence - 1) return saved;
  const sequence = info.firstSequence - 1;
  return { ...FRESH_CURSOR, identity: info.identity, sequence, term: sequence === 0 ? [0, 0] : undefined };
}
