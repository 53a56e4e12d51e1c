/** Replays a file of real trips through the public API, hour by hour on the data's own clock. */
import type { Clock } from '../../kernel/clock.js';
import { invalidRequest } from '../../kernel/errors.js';
import { SLATE_MAX } from '../../messages/decisions.js';
import type { ApiClient } from '../api-client.js';
import { Guide } from './guide.js';
import { HitShares } from './hit-shares.js';
import { Pace } from './pace.js';
import { BATCH_MAX, PickupSender } from './pickup-sender.js';
import { mismatchesOf, type ReplayReport } from './report.js';
import { timetableOf, type DataHour, type Pickup } from './timetable.js';
import type { TripsFile } from './trips-file.js';
import { ZoneWatch } from './zone-watch.js';

/** At a set speed, pickups leave at least this often. */
const TICK_MS = 250;

export interface ReplayOptions {
  readonly file: TripsFile;
  readonly api: ApiClient;
  readonly surface: string;
  /** Ascending. */
  readonly ks: readonly number[];
  /** Infinity: as fast as it goes. */
  readonly speed: number;
  readonly h3Resolution: number;
  readonly clock: Clock;
  /** Pickups sent so far, and the data's time. */
  readonly progress: (sent: number, dataMs: number) => void;
}

/**
 * Every hour of the data: its pickups are sent, all of them have to arrive, and only then the surface is asked about the
 * next hour, which it cannot have seen. Rejects with InvalidRequest `TRIPS_NONE`, what the API rejects with, and
 * Dependency `REPLAY_STALLED`.
 */
export async function replayTrips(options: ReplayOptions): Promise<ReplayReport> {
  const { file, api, clock, ks, surface } = options;
  const startedMs = clock.monotonicMs();
  const hours = timetableOf(file.trips, options.h3Resolution);
  const [first] = hours;
  if (first === undefined)
    throw invalidRequest('TRIPS_NONE', `${file.name} has no trip with a time and a place.`, 'trips');

  const recount = new Map<string, number>();
  for (const { byCell } of hours) for (const [cell, n] of byCell) recount.set(cell, (recount.get(cell) ?? 0) + n);
  const watch = await ZoneWatch.over([...recount.keys()], api, clock);
  const source = sourceOf(file.name, watch.countedBefore);
  const sender = new PickupSender(api, source, clock);
  const guide = new Guide(api, { surface, driver: `replay-${file.name}`, k: SLATE_MAX });
  await guide.grantConsent(source);

  const shares = new HitShares(ks);
  const times = new Stopwatch(clock);
  const pace = new Pace(options.speed, first.startMs, clock);
  for (const hour of hours) {
    await pace.until(hour.startMs);
    if (shares.scores(hour.byCell)) {
      const guidance = await times.during('asking', () => guide.zonesFor(hour.startMs));
      shares.score(guidance, hour.byCell);
    }
    shares.observe(hour.byCell);
    await sendHour(hour, pace, async (batch) => {
      watch.accepted(await times.during('sending', () => sender.send(batch)));
      options.progress(batch.length, hour.startMs);
    });
    await times.during('waiting', () => watch.caughtUp());
  }

  const counted = await watch.countedSince();
  const folded = [...counted.values()].reduce((sum, n) => sum + n, 0);
  const { accepted, rejected, repeated, rejections } = sender.totals;
  return {
    file: { name: file.name, rows: file.rows, badRows: file.badCount, bad: file.bad },
    hours: hours.length,
    events: {
      sent: file.trips.length,
      accepted,
      rejected,
      repeated,
      rejections,
      perSecond: times.rate('sending', accepted),
    },
    zones: {
      counted: recount.size,
      countedBefore: watch.countedBefore,
      folded,
      mismatches: mismatchesOf(recount, counted),
    },
    guidance: {
      surface,
      hoursScored: shares.hoursScored,
      pickupsScored: shares.pickupsScored,
      ...guide.totals,
      shares: shares.shares(),
    },
    seconds: { total: (clock.monotonicMs() - startedMs) / 1000, ...times.seconds() },
  };
}

/**
 * Zones recognise a repeated event only for a while. Where they have counted pickups before, this is another replay, and
 * its events get a source of their own: they are to be counted, all of them.
 */
const sourceOf = (name: string, countedBefore: number): string =>
  countedBefore === 0 ? `replay/${name}` : `replay/${name}?after=${countedBefore}`;

async function sendHour(hour: DataHour, pace: Pace, send: (batch: readonly Pickup[]) => Promise<void>): Promise<void> {
  const { pickups } = hour;
  const tickMs = pace.dataSpanMs(TICK_MS);
  for (let from = 0; from < pickups.length;) {
    const tickEndMs = pickups[from]!.timeMs + tickMs;
    let to = from + 1;
    while (to < pickups.length && to - from < BATCH_MAX && pickups[to]!.timeMs < tickEndMs) to++;
    await pace.until(pickups[to - 1]!.timeMs);
    await send(pickups.slice(from, to));
    from = to;
  }
}

type Activity = 'sending' | 'waiting' | 'asking';

class Stopwatch {
  private readonly spentMs: Record<Activity, number> = { sending: 0, waiting: 0, asking: 0 };

  constructor(private readonly clock: Clock) {}

  async during<T>(activity: Activity, task: () => Promise<T>): Promise<T> {
    const from = this.clock.monotonicMs();
    try {
      return await task();
    } finally {
      this.spentMs[activity] += this.clock.monotonicMs() - from;
    }
  }

  rate(activity: Activity, count: number): number {
    const ms = this.spentMs[activity];
    return ms === 0 ? 0 : (count * 1000) / ms;
  }

  seconds(): Readonly<Record<Activity, number>> {
    const { sending, waiting, asking } = this.spentMs;
    return { sending: sending / 1000, waiting: waiting / 1000, asking: asking / 1000 };
  }
}
