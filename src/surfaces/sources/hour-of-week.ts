/** Hours as the zones count them: whole UTC hours since the epoch, and their place in the local week. */
import { IANAZone } from 'luxon';
import { EngineError } from '../../kernel/errors.js';

export const HOUR_MS = 3_600_000;
export const HOURS_OF_WEEK = 168;

const DAY_HOURS = 24;
/** 1970-01-01 was a Thursday: the epoch is 72 hours after a Monday 00:00. */
const EPOCH_HOUR_OF_WEEK = 72;
const CACHED_DAYS_MAX = 4096;

export const hourIndexOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS);

/** Offsets in minutes by UTC day, per time zone; NaN marks a day on which the clocks change. */
const offsetsByZone = new Map<string, { zone: IANAZone; byDay: Map<number, number> }>();

function offsetMinutes(hourIndex: number, timeZone: string): number {
  let cached = offsetsByZone.get(timeZone);
  if (!cached) {
    const zone = IANAZone.create(timeZone);
    if (!zone.isValid) {
      throw new EngineError('Configuration', 'TIME_ZONE_UNKNOWN', `${timeZone} is not an IANA time zone.`, {
        field: 'timeZone',
      });
    }
    offsetsByZone.set(timeZone, (cached = { zone, byDay: new Map() }));
  }
  const day = Math.floor(hourIndex / DAY_HOURS);
  let offset = cached.byDay.get(day);
  if (offset === undefined) {
    const first = cached.zone.offset(day * DAY_HOURS * HOUR_MS);
    const next = cached.zone.offset((day + 1) * DAY_HOURS * HOUR_MS);
    offset = first === next ? first : Number.NaN;
    // Dropping everything is cheap and rare: a cache of 4096 days covers eleven years.
    if (cached.byDay.size >= CACHED_DAYS_MAX) cached.byDay.clear();
    cached.byDay.set(day, offset);
  }
  return Number.isNaN(offset) ? cached.zone.offset(hourIndex * HOUR_MS) : offset;
}

/**
 * The local hour of the week, 0 for Monday 00:00 to 167, in which the UTC hour `hourIndex` begins. Throws
 * Configuration `TIME_ZONE_UNKNOWN`.
 */
export function hourOfWeek(hourIndex: number, timeZone: string): number {
  const localHours = hourIndex + Math.floor(offsetMinutes(hourIndex, timeZone) / 60) + EPOCH_HOUR_OF_WEEK;
  return ((localHours % HOURS_OF_WEEK) + HOURS_OF_WEEK) % HOURS_OF_WEEK;
}
