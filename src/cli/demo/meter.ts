/** What the demo measures as it goes: rates, latencies, and rewards against the baseline. Time comes from the caller. */
import type { ExpectedReward } from '../../simulator/truth.js';

/** Live figures are over so many of the latest whole or begun seconds. */
export const RECENT_SECONDS = 60;
/** Latencies are over fewer: a hiccup should be seen, and then be over. */
export const LATENCY_SECONDS = 10;
/** The beginning of the run, for comparison with the latest minute. */
export const OPENING_SECONDS = 10;
/** One point of the curve that shows learning. */
export const CURVE_SECONDS = 5;

export interface RewardMeans {
  readonly decisions: number;
  /** Mean expected reward of what was served, of the best slate, and of the static fallback's; and what really came. */
  readonly served: number;
  readonly best: number;
  readonly baseline: number;
  readonly realised: number;
  /** served / baseline − 1; 0 where there is no baseline. */
  readonly lift: number;
}

export interface SurfaceRewards {
  readonly surface: string;
  readonly opening: RewardMeans;
  readonly recent: RewardMeans;
  readonly whole: RewardMeans;
  /** Lift by CURVE_SECONDS, oldest first; undefined where nothing was decided. */
  readonly curve: readonly (number | undefined)[];
}

export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface MeterReading {
  readonly seconds: number;
  readonly decisions: number;
  readonly failures: number;
  readonly eventsAccepted: number;
  readonly eventsRejected: number;
  /** Over the recent seconds. */
  readonly decisionsPerSecond: number;
  readonly latencyMs: Latencies;
  /** Shares of all decisions. */
  readonly personalized: number;
  readonly fallbacks: number;
  readonly degraded: number;
  readonly failuresByCode: Readonly<Record<string, number>>;
  readonly rewards: readonly SurfaceRewards[];
}

export interface Decided {
  readonly surface: string;
  readonly latencyMs: number;
  readonly personalized: boolean;
  readonly isFallback: boolean;
  readonly isDegraded: boolean;
  readonly realised: number;
  /** Undefined where there was nothing to choose from. */
  readonly expected: ExpectedReward | undefined;
}

type Sums = { decisions: number; served: number; best: number; baseline: number; realised: number };

const noSums = (): Sums => ({ decisions: 0, served: 0, best: 0, baseline: 0, realised: 0 });

export class Meter {
  private readonly bySurface = new Map<string, Sums[]>();
  private readonly decidedBySecond: number[] = [];
  /** By second. */
  private readonly latencies = new Map<number, number[]>();
  private readonly failures = new Map<string, number>();
  private personalized = 0;
  private fallbacks = 0;
  private degraded = 0;
  private accepted = 0;
  private rejected = 0;

  constructor(private readonly startedMs: number) {}

  decided(one: Decided, nowMs: number): void {
    const second = this.secondOf(nowMs);
    this.decidedBySecond[second] = (this.decidedBySecond[second] ?? 0) + 1;
    const latencies = this.latencies.get(second);
    if (latencies === undefined) this.latencies.set(second, [one.latencyMs]);
    else latencies.push(one.latencyMs);
    for (const old of this.latencies.keys()) if (old <= second - LATENCY_SECONDS) this.latencies.delete(old);
    this.personalized += Number(one.personalized);
    this.fallbacks += Number(one.isFallback);
    this.degraded += Number(one.isDegraded);
    if (one.expected === undefined) return;
    let seconds = this.bySurface.get(one.surface);
    if (seconds === undefined) this.bySurface.set(one.surface, (seconds = []));
    const sums = (seconds[second] ??= noSums());
    sums.decisions++;
    sums.served += one.expected.served;
    sums.best += one.expected.best;
    sums.baseline += one.expected.baseline;
    sums.realised += one.realised;
  }

  failed(code: string): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
  }

  eventsSent(accepted: number, rejected: number): void {
    this.accepted += accepted;
    this.rejected += rejected;
  }

  read(nowMs: number): MeterReading {
    const second = this.secondOf(nowMs);
    const decisions = this.decidedBySecond.reduce((sum, n) => sum + n, 0);
    const share = (n: number): number => (decisions === 0 ? 0 : n / decisions);
    const span = Math.min(Math.max(nowMs - this.startedMs, 1) / 1000, RECENT_SECONDS);
    const recent = this.decidedBySecond.slice(Math.max(0, second - RECENT_SECONDS + 1)).reduce((sum, n) => sum + n, 0);
    return {
      seconds: (nowMs - this.startedMs) / 1000,
      decisions,
      failures: [...this.failures.values()].reduce((sum, n) => sum + n, 0),
      eventsAccepted: this.accepted,
      eventsRejected: this.rejected,
      decisionsPerSecond: recent / span,
      latencyMs: quantiles([...this.latencies.values()].flat()),
      personalized: share(this.personalized),
      fallbacks: share(this.fallbacks),
      degraded: share(this.degraded),
      failuresByCode: Object.fromEntries(this.failures),
      rewards: [...this.bySurface].map(([surface, seconds]) => rewardsOf(surface, seconds, second)),
    };
  }

  private secondOf(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs - this.startedMs) / 1000));
  }
}

function rewardsOf(surface: string, seconds: readonly Sums[], now: number): SurfaceRewards {
  const curve: (number | undefined)[] = [];
  for (let from = 0; from + CURVE_SECONDS <= now + 1; from += CURVE_SECONDS) {
    const means = meansOf(seconds.slice(from, from + CURVE_SECONDS));
    curve.push(means.decisions === 0 ? undefined : means.lift);
  }
  return {
    surface,
    opening: meansOf(seconds.slice(0, OPENING_SECONDS)),
    recent: meansOf(seconds.slice(Math.max(0, now - RECENT_SECONDS + 1))),
    whole: meansOf(seconds),
    curve,
  };
}

/** Seconds in which nothing was decided are holes. */
function meansOf(seconds: readonly (Sums | undefined)[]): RewardMeans {
  const sum = noSums();
  for (const one of seconds) {
    if (one === undefined) continue;
    sum.decisions += one.decisions;
    sum.served += one.served;
    sum.best += one.best;
    sum.baseline += one.baseline;
    sum.realised += one.realised;
  }
  const mean = (n: number): number => (sum.decisions === 0 ? 0 : n / sum.decisions);
  return {
    decisions: sum.decisions,
    served: mean(sum.served),
    best: mean(sum.best),
    baseline: mean(sum.baseline),
    realised: mean(sum.realised),
    lift: sum.baseline === 0 ? 0 : sum.served / sum.baseline - 1,
  };
}

/** Nearest-rank quantiles; zeros of nothing. */
export function quantiles(values: readonly number[]): Latencies {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
