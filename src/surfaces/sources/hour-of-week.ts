/** Hours as the zones count them: whole UTC hours since the epoch, and their place in the local week. */
import type { TimeZone } from '../../messages/settings.js';

export const HOUR_MS = 3_600_000;
export const HOURS_OF_WEEK = 168;

/** 1970-01-01 was a Thursday: the epoch is 72 hours after a Monday 00:00. */
const EPOCH_HOUR_OF_WEEK = 72;

export const hourIndexOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS);

/** What the zone's clocks were ahead of UTC by, in minutes, as the UTC hour began. */
function offsetMinutes(hourIndex: number, { offsets }: TimeZone): number {
  let at = offsets.length - 1;
  while (at > 0 && offsets[at]![0] > hourIndex) at--;
  return offsets[at]![1];
}

/** The local hour of the week, 0 for Monday 00:00 to 167, in which the UTC hour `hourIndex` begins. */
export function hourOfWeek(hourIndex: number, timeZone: TimeZone): number {
  const localHours = hourIndex + Math.floor(offsetMinutes(hourIndex, timeZone) / 60) + EPOCH_HOUR_OF_WEEK;
  return ((localHours % HOURS_OF_WEEK) + HOURS_OF_WEEK) % HOURS_OF_WEEK;
}
