/** What the facts sink needs of the journals it reads and of the database it writes. */
import type { Journal } from '../../actors/host/ports.js';
import type { Cursor, FactChange } from './cursor.js';

/** A stream that is read in order: a partition's journal, or the experience stream. */
export type RecordSource = Pick<Journal, 'info' | 'read'>;

export interface SinkSources {
  readonly partitions: number;
  journal(partition: number): RecordSource;
  /** Left out: decisions only. */
  readonly experience?: RecordSource;
}

export interface PositionChange {
  readonly source: string;
  /** What the database must still have for the change to be made. */
  readonly from: Cursor;
  readonly to: Cursor;
}

export interface FactsBatch {
  readonly changes: readonly FactChange[];
  readonly positions: readonly PositionChange[];
}

export interface FactsWriter {
  /**
   * Runs `work` as the only sink of this database, and resolves to true once it is done; to false, at once and without
   * running it, where another process is the sink. Rejects with what `work` rejects with.
   */
  claim(work: () => Promise<void>): Promise<boolean>;
  /** The saved positions of these sources; fresh cursors for those not seen before. */
  load(sources: readonly string[]): Promise<ReadonlyMap<string, Cursor>>;
  /**
   * Facts and positions in one transaction: all or nothing. A fact that is there already is left as it is. Resolves to how
   * many rows the database would not store, whatever is tried. Rejects with Conflict `SINK_POSITION_MOVED` where another
   * sink has moved a position, and otherwise as the driver does; whether the batch is stored is then not known.
   */
  commit(batch: FactsBatch): Promise<{ readonly unstorable: number }>;
}

export interface SinkLimits {
  /** A batch is committed at this many rows or bytes … */
  readonly batchRows: number;
  readonly batchBytes: number;
  /** … or after this time with fewer. */
  readonly lingerMs: number;
  /** Above either, readers stop; they go on from where they were once half of it is sunk. */
  readonly bufferRows: number;
  readonly bufferBytes: number;
  /** Rows a second that the sink keeps itself to; 0 for as fast as it goes. */
  readonly rowsPerSecondMax: number;
  /** Wait after a failure; doubles with each one in a row, up to `backoffMaxMs`. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** How often a process that is not the sink asks whether it may become it. */
  readonly standbyMs: number;
}

export const DEFAULT_SINK_LIMITS: SinkLimits = {
  // Small: a large one would keep a processor from decisions for as long as it takes.
  batchRows: 250,
  batchBytes: 2 * 1024 * 1024,
  lingerMs: 100,
  bufferRows: 20_000,
  bufferBytes: 64 * 1024 * 1024,
  rowsPerSecondMax: 0,
  backoffMinMs: 250,
  backoffMaxMs: 10_000,
  standbyMs: 5_000,
};
