import type { JournalInfo } from '../../actors/host/ports.js';
import type { Clock } from '../../kernel/clock.js';
import { sleep } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { EXPERIENCE_SOURCE, partitionSource, type Cursor, type FactChange, type Sifted } from './cursor.js';
import type { FactsBatch, FactsWriter, RecordSource, SinkLimits, SinkSources } from './sink-ports.js';
import { isAhead, SourceFeed, type FeedEvents } from './source-feed.js';
import type { Portion } from './source-queue.js';

/** Counts since the sink was made. */
export interface SinkTotals {
  decisions: number;
  outcomes: number;
  voided: number;
  /** Owner-written records of a former owner, and outputs out of their chain. */
  stale: number;
  duplicate: number;
  malformed: number;
  /** Rows that PostgreSQL would not store. */
  unstorable: number;
  /** Records deleted from their stream before they were read. */
  missed: number;
}

export interface SinkRunDeps {
  readonly sources: SinkSources;
  readonly writer: FactsWriter;
  readonly clock: Clock;
  readonly limits: SinkLimits;
  readonly totals: SinkTotals;
  /** A batch is in the database. */
  readonly onCommitted: () => void;
  /** A source is left alone until the next attempt, and why; the others go on. */
  readonly onRefused: (source: string, reason: string) => void;
}

/** One attempt to sink: from the saved positions until it is stopped or something fails. Made anew for the next. */
export class SinkRun implements FeedEvents {
  #deps: SinkRunDeps;
  #feeds: SourceFeed[] = [];
  #stopping = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(deps: SinkRunDeps) {
    this.#deps = deps;
  }

  get bufferedRows(): number {
    return this.#feeds.reduce((sum, feed) => sum + feed.queue.rows, 0);
  }

  get bufferedBytes(): number {
    return this.#feeds.reduce((sum, feed) => sum + feed.queue.bytes, 0);
  }

  /** Records not yet read, over all sources. */
  get pending(): number {
    return this.#feeds.reduce((sum, feed) => sum + feed.pending, 0);
  }

  /** Resolves once stopped, with everything read by then committed; rejects with the first failure. */
  async run(): Promise<void> {
    try {
      await this.#open();
      while (!this.#stopping && this.#failure === undefined) {
        await this.#idle(this.#deps.limits.lingerMs);
        await this.#flush();
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#flush();
    } finally {
      this.#close();
    }
  }

  stop(): void {
    this.#stopping = true;
    this.#close();
    this.#wake();
  }

  onSifted(feed: SourceFeed, sifted: Sifted): void {
    if (sifted.skipped !== undefined) this.#deps.totals[sifted.skipped]++;
    if (sifted.changes.length === 0) return;
    const { limits } = this.#deps;
    const rows = this.bufferedRows;
    if (rows >= limits.bufferRows || this.bufferedBytes >= limits.bufferBytes) feed.pause();
    if (rows >= limits.batchRows || feed.paused) this.#wake();
  }

  /** One stream's record must not keep the others' facts from the database: what came before it is sunk, and it stays. */
  onUnreadable(feed: SourceFeed, sequence: number, error: unknown): void {
    const { code, message } = EngineError.from(error);
    this.#deps.onRefused(feed.name, `Its record ${sequence} cannot be read. ${code}: ${message}`);
  }

  onFailure(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async #open(): Promise<void> {
    const streams = streamsOf(this.#deps.sources);
    const saved = await this.#deps.writer.load([...streams.keys()]);
    const infos = await Promise.all(
      [...streams].map(async ([name, stream]) => ({ name, stream, info: await stream.info() })),
    );
    this.#feeds = [];
    for (const { name, stream, info } of infos) {
      const cursor = saved.get(name)!;
      // One stream that lost its end must not keep the others' facts from the database.
      if (isAhead(cursor, info)) this.#deps.onRefused(name, lostRecords(cursor, info));
      else this.#feeds.push(new SourceFeed(name, stream, cursor, info, this));
    }
    for (const feed of this.#feeds) {
      this.#deps.totals.missed += feed.missed;
      if (!this.#stopping) feed.resume();
    }
  }

  /** Commits what is buffered, batch by batch, until less than one full batch is left (or, stopping, nothing). */
  async #flush(): Promise<void> {
    const { clock, limits, writer } = this.#deps;
    do {
      const portions = this.#portions();
      if (portions.size === 0) return;
      const startedMs = clock.monotonicMs();
      const batch = batchOf(portions);
      const { unstorable } = await writer.commit(batch);
      for (const [feed, portion] of portions) feed.queue.settle(portion);
      this.#count(batch.changes, unstorable);
      this.#deps.onCommitted();
      this.#resumePaused();
      if (limits.rowsPerSecondMax > 0) {
        const dueMs = (batch.changes.length / limits.rowsPerSecondMax) * 1000 - (clock.monotonicMs() - startedMs);
        if (dueMs > 0) await sleep(clock, dueMs);
      }
    } while (this.#failure === undefined && (this.#stopping || this.bufferedRows >= limits.batchRows));
  }

  #portions(): Map<SourceFeed, Portion> {
    const portions = new Map<SourceFeed, Portion>();
    let { batchRows: rowsLeft, batchBytes: bytesLeft } = this.#deps.limits;
    // The fullest first, so that no source waits behind busier ones for ever.
    for (const feed of this.#feeds.toSorted((a, b) => b.queue.rows - a.queue.rows)) {
      if (feed.queue.rows > 0 && (rowsLeft <= 0 || bytesLeft <= 0)) continue;
      const portion = feed.queue.peek(rowsLeft, bytesLeft);
      if (portion === undefined) continue;
      portions.set(feed, portion);
      rowsLeft -= portion.changes.length;
      bytesLeft -= portion.bytes;
    }
    return portions;
  }

  #resumePaused(): void {
    const { bufferRows, bufferBytes } = this.#deps.limits;
    if (this.#stopping || this.bufferedRows > bufferRows / 2 || this.bufferedBytes > bufferBytes / 2) return;
    for (const feed of this.#feeds) feed.resume();
  }

  #count(changes: readonly FactChange[], unstorable: number): void {
    const { totals } = this.#deps;
    for (const { kind } of changes) {
      if (kind === 'decision') totals.decisions++;
      else if (kind === 'outcome') totals.outcomes++;
      else totals.voided++;
    }
    totals.unstorable += unstorable;
  }

  #idle(delayMs: number): Promise<void> {
    const { clock, limits } = this.#deps;
    if (this.#stopping || this.#failure !== undefined || this.bufferedRows >= limits.batchRows)
      return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = clock.after(delayMs, () => this.#wake());
      this.#wake = () => {
        this.#wake = () => undefined;
        cancel();
        resolve();
      };
    });
  }

  #close(): void {
    for (const feed of this.#feeds) feed.pause();
  }
}

const lostRecords = (saved: Cursor, info: JournalInfo): string =>
  `The database has facts up to sequence ${saved.sequence}, but the stream ends at ${info.lastSequence}: it has lost records.`;

function streamsOf(sources: SinkSources): Map<string, RecordSource> {
  const streams = new Map<string, RecordSource>();
  for (let partition = 0; partition < sources.partitions; partition++) {
    streams.set(partitionSource(partition), sources.journal(partition));
  }
  if (sources.experience !== undefined) streams.set(EXPERIENCE_SOURCE, sources.experience);
  return streams;
}

function batchOf(portions: ReadonlyMap<SourceFeed, Portion>): FactsBatch {
  return {
    changes: [...portions.values()].flatMap((portion) => portion.changes),
    positions: [...portions].map(([feed, { from, to }]) => ({ source: feed.name, from, to })),
  };
}
