/** Between a stream that pushes and a learner that takes its time: bounded, in order, and it says when nothing is left. */
import { EngineError } from '../../kernel/errors.js';
import type { Clock } from '../../kernel/clock.js';
import type { Journal, JournalReader, JournalRecord } from '../host/ports.js';

/** The experience stream, as a learner reads it: the whole of it, because chains run over all surfaces. */
export type ExperienceSource = Pick<Journal, 'info' | 'read'>;

/** Reading pauses above the first and goes on below the second. */
const HELD_MAX = 4096;
const HELD_RESUME = 512;

export interface Chunk {
  /** Ascending; empty when the wait was over first. */
  readonly records: readonly JournalRecord[];
  /** Nothing is known to come after these. */
  readonly idle: boolean;
}

export class RecordInbox {
  readonly #source: ExperienceSource;
  readonly #clock: Clock;
  #queue: JournalRecord[] = [];
  #reader: JournalReader | undefined;
  /** Sequence to read from when reading goes on. */
  #from: number;
  #pending = 0;
  #failure: EngineError | undefined;
  #wake: () => void = () => undefined;
  #closed = false;

  constructor(source: ExperienceSource, clock: Clock, from: number) {
    this.#source = source;
    this.#clock = clock;
    this.#from = from;
    this.#read();
  }

  /** Records that are known to be waiting, here and in the stream. */
  get waiting(): number {
    return this.#queue.length + this.#pending;
  }

  /**
   * The next at most `max` records, once there is one, or none after `waitMs` (undefined waits for ever) or close().
   * Rejects once the stream cannot be read any more.
   */
  async next(max: number, waitMs: number | undefined): Promise<Chunk> {
    if (this.#queue.length === 0 && this.#failure === undefined && !this.#closed) {
      await new Promise<void>((resolve) => {
        const cancel = waitMs === undefined ? () => undefined : this.#clock.after(waitMs, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
      this.#wake = () => undefined;
    }
    if (this.#failure) throw this.#failure;
    const records = this.#queue.splice(0, max);
    if (this.#reader === undefined && !this.#closed && this.#queue.length < HELD_RESUME) this.#read();
    return { records, idle: this.#queue.length === 0 && this.#pending === 0 };
  }

  close(): void {
    this.#closed = true;
    this.#reader?.stop();
    this.#wake();
  }

  #read(): void {
    this.#reader = this.#source.read(
      this.#from,
      (record) => this.#take(record),
      (error) => {
        this.#failure = EngineError.from(error);
        this.#wake();
      },
    );
  }

  #take(record: JournalRecord): void {
    if (this.#closed || this.#reader === undefined) return;
    this.#queue.push(record);
    this.#pending = record.pending;
    this.#from = record.sequence + 1;
    if (this.#queue.length >= HELD_MAX) {
      this.#reader.stop();
      this.#reader = undefined;
    }
    this.#wake();
  }
}
