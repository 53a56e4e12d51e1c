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
  readonly #gatherMs: number;
  #queue: JournalRecord[] = [];
  #reader: JournalReader | undefined;
  /** Sequence to read from when reading goes on. */
  #from: number;
  #pending = 0;
  #failure: EngineError | undefined;
  #wake: () => void = () => undefined;
  #closed = false;

  /** `gatherMs`: how long to wait for more once there is one. */
  constructor(source: ExperienceSource, clock: Clock, from: number, gatherMs = 0) {
    this.#source = source;
    this.#clock = clock;
    this.#from = from;
    this.#gatherMs = gatherMs;
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
    await this.#until(1, waitMs);
    if (this.#queue.length > 0 && this.#gatherMs > 0) await this.#until(max, this.#gatherMs);
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

  /** Until so many are held, the wait is over, or nothing will come any more. */
  async #until(count: number, waitMs: number | undefined): Promise<void> {
    const isOver = (): boolean => this.#queue.length >= count || this.#failure !== undefined || this.#closed;
    if (isOver()) return;
    await new Promise<void>((resolve) => {
      const cancel = waitMs === undefined ? () => undefined : this.#clock.after(waitMs, resolve);
      this.#wake = () => {
        if (!isOver()) return;
        cancel();
        resolve();
      };
    });
    this.#wake = () => undefined;
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
