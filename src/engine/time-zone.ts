/** A time zone as folds know it: written out once at boot and journaled, so that no fold asks a Node build's own data. */
import { IANAZone } from 'luxon';
import type { TimeZone } from '../messages/settings.js';
import { HOUR_MS, hourIndexOf } from '../surfaces/sources/hour-of-week.js';

/** What is journaled with a barrier holds for so long: by then there was another one. */
const AHEAD_HOURS = 10 * 366 * 24;
const DAY_HOURS = 24;

export const isTimeZone = (name: string): boolean => IANAZone.isValidZone(name);

/** The zone's offsets from `pastMs` before `nowMs` until ten years from now. `name` must be an IANA time zone. */
export function timeZoneOf(name: string, nowMs: number, pastMs: number): TimeZone {
  const zone = IANAZone.create(name);
  const minutesAt = (hour: number): number => zone.offset(hour * HOUR_MS);
  const now = hourIndexOf(nowMs);
  // No clock was changed by law before there were time zones; the epoch is early enough for any event.
  let hour = Math.max(0, now - Math.ceil(pastMs / HOUR_MS));
  const offsets: [hour: number, minutes: number][] = [[hour, minutesAt(hour)]];
  if (zone.isUniversal) return { name, offsets };
  for (const end = now + AHEAD_HOURS; hour < end; hour += DAY_HOURS) {
    const [, before] = offsets.at(-1)!;
    if (minutesAt(hour + DAY_HOURS) === before) continue;
    let changed = hour + 1;
    while (minutesAt(changed) === before) changed++;
    offsets.push([changed, minutesAt(changed)]);
  }
  return { name, offsets };
}
