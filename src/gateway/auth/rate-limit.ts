import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';

const WINDOW_MS = 1000;
/** Keys that are remembered at once; of more, the longest known are forgotten. */
const KEYS_MAX = 100_000;

interface Usage {
  startedMs: number;
  used: number;
}

/**
 * At most so many points a second for each key, counted in this process. What costs more than a second's worth is let
 * through where the second is young, and paid for with the seconds that follow: so a large batch is slowed down, not shut
 * out.
 *
 * Written by hand: a batch of more than a second's worth must get through in the end, a debt must outlive its window, what is
 * refused must not count, keys must be bounded, and time must be monotonic. `rate-limiter-flexible` does none of these.
 */
export class RateLimit {
  private readonly usage = new Map<string, Usage>();

  constructor(
    private readonly perSecond: number,
    private readonly whom: string,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly keysMax = KEYS_MAX,
  ) {}

  /** Throws Overloaded `RATE_LIMITED`, with the time until there is room again; then nothing is counted. */
  take(key: string, points = 1): void {
    const nowMs = this.clock.monotonicMs();
    const known = this.usage.get(key);
    const one = known ?? { startedMs: nowMs, used: 0 };
    const windows = Math.floor((nowMs - one.startedMs) / WINDOW_MS);
    if (windows > 0) {
      one.startedMs += windows * WINDOW_MS;
      one.used = Math.max(0, one.used - windows * this.perSecond);
    }
    if (one.used >= this.perSecond) throw this.refusal(one, nowMs);
    one.used += points;
    if (known) return;
    if (this.usage.size >= this.keysMax) this.forget(nowMs);
    this.usage.set(key, one);
  }

  /** Drops whoever has nothing on the books, or else the longest known. */
  private forget(nowMs: number): void {
    for (const [key, { startedMs, used }] of this.usage) {
      if (nowMs - startedMs >= WINDOW_MS * Math.ceil(used / this.perSecond)) this.usage.delete(key);
    }
    for (const key of this.usage.keys()) {
      if (this.usage.size < this.keysMax * 0.9) return;
      this.usage.delete(key);
    }
  }

  private refusal({ startedMs, used }: Usage, nowMs: number): EngineError {
    const windows = Math.floor(used / this.perSecond);
    return new EngineError(
      'Overloaded',
      'RATE_LIMITED',
      `This ${this.whom} has taken more than ${this.perSecond} a second. A request counts by its bytes, a batch by its events.`,
      { retryAfterMs: Math.max(1, startedMs + windows * WINDOW_MS - nowMs) },
    );
  }
}
