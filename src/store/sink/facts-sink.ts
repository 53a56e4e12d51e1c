import type { Clock } from '../../kernel/clock.js';
import { DEFAULT_SINK_LIMITS, type FactsWriter, type SinkLimits, type SinkSources } from './sink-ports.js';
import { SinkRun, type SinkRunDeps, type SinkTotals } from './sink-run.js';

/** `standby`: another process sinks. `retrying`: the database or a stream is out of reach; `reason` says which. */
export type SinkState = 'stopped' | 'starting' | 'sinking' | 'standby' | 'retrying';

export interface SinkStatus extends Readonly<SinkTotals> {
  readonly state: SinkState;
  readonly reason: string | undefined;
  /** Sources that are left alone, and why: the database is ahead of them, or their next record cannot be read. */
  readonly refused: Readonly<Record<string, string>>;
  readonly bufferedRows: number;
  /** Records in the streams that have not been read yet. */
  readonly pending: number;
}

export interface FactsSinkOptions {
  readonly sources: SinkSources;
  readonly writer: FactsWriter;
  readonly clock: Clock;
  readonly limits?: Partial<SinkLimits>;
  /** Told of each change of state. */
  readonly onState?: (status: SinkStatus) => void;
}

/**
 * Carries decisions and outcomes from the journals into PostgreSQL, each exactly once, off everybody's way: positions
 * are stored with the facts, buffers are bounded, and while the database is down the journals keep what is to come. Of
 * all processes that start one on the same database, one works and the others stand by.
 */
export class FactsSink {
  #options: FactsSinkOptions;
  #limits: SinkLimits;
  #totals: SinkTotals = {
    decisions: 0,
    outcomes: 0,
    voided: 0,
    stale: 0,
    duplicate: 0,
    malformed: 0,
    unstorable: 0,
    missed: 0,
  };
  #state: SinkState = 'stopped';
  #reason: string | undefined;
  #refused: Record<string, string> = {};
  #run: SinkRun | undefined;
  #loop: Promise<void> | undefined;
  #stopping = false;
  #endPause: () => void = () => undefined;

  constructor(options: FactsSinkOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_SINK_LIMITS, ...options.limits };
  }

  /** Returns at once; never fails: what goes wrong is retried, and told by `status`. */
  start(): void {
    if (this.#loop !== undefined) return;
    this.#stopping = false;
    this.#enter('starting');
    this.#loop = this.#keepSinking();
  }

  /** Commits what has been read, if the database lets it, and ends. What it does not commit, the next sink reads again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#run?.stop();
    this.#endPause();
    await this.#loop;
    this.#loop = undefined;
    this.#enter('stopped');
  }

  status(): SinkStatus {
    return {
      ...this.#totals,
      state: this.#state,
      reason: this.#reason,
      refused: this.#refused,
      bufferedRows: this.#run?.bufferedRows ?? 0,
      pending: this.#run?.pending ?? 0,
    };
  }

  async #keepSinking(): Promise<void> {
    let backoffMs = this.#limits.backoffMinMs;
    const onCommitted = (): void => void (backoffMs = this.#limits.backoffMinMs);
    while (!this.#stopping) {
      try {
        const claimed = await this.#options.writer.claim(() => this.#sink(onCommitted));
        if (!claimed) {
          this.#enter('standby');
          await this.#pause(this.#limits.standbyMs);
        }
      } catch (error) {
        this.#enter('retrying', error instanceof Error && error.message !== '' ? error.message : String(error));
        await this.#pause(backoffMs);
        backoffMs = Math.min(backoffMs * 2, this.#limits.backoffMaxMs);
      }
    }
  }

  async #sink(onCommitted: () => void): Promise<void> {
    const { sources, writer, clock } = this.#options;
    if (this.#stopping) return;
    this.#refused = {};
    const onRefused: SinkRunDeps['onRefused'] = (source, reason) => {
      this.#refused[source] = reason;
      this.#options.onState?.(this.status());
    };
    const limits = this.#limits;
    const totals = this.#totals;
    this.#run = new SinkRun({ sources, writer, clock, limits, totals, onCommitted, onRefused });
    try {
      this.#enter('sinking');
      await this.#run.run();
    } finally {
      this.#run = undefined;
    }
  }

  #enter(state: SinkState, reason?: string): void {
    const changed = state !== this.#state || reason !== this.#reason;
    this.#state = state;
    this.#reason = reason;
    if (changed) this.#options.onState?.(this.status());
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(delayMs, () => this.#endPause());
      this.#endPause = () => {
        this.#endPause = () => undefined;
        cancel();
        resolve();
      };
    });
  }
}
