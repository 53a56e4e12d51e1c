/** The file's trips by the zone and hour they began in. */
import { latLngToCell } from 'h3-js';
import { invalidRequest } from '../../kernel/errors.js';
import type { Trip } from './trip-row.js';

export const HOUR_MS = 3_600_000;
/** Every hour between the first trip and the last is asked about: three years of them. */
export const HOURS_MAX = 3 * 366 * 24;

export interface Pickup {
  /** Row of the file. */
  readonly row: number;
  readonly timeMs: number;
  readonly cell: string;
}

export interface DataHour {
  readonly startMs: number;
  /** In order of time. */
  readonly pickups: readonly Pickup[];
  /** Pickups of this hour by zone. */
  readonly byCell: ReadonlyMap<string, number>;
}

/**
 * Every hour from the first trip's to the last one's, also those without a trip. `trips` are in order of time. Throws
 * InvalidRequest `TRIPS_SPAN`.
 */
export function timetableOf(trips: readonly Trip[], h3Resolution: number): DataHour[] {
  const hours: DataHour[] = [];
  if (trips.length === 0) return hours;
  const first = Math.floor(trips[0]!.timeMs / HOUR_MS);
  const last = Math.floor(trips.at(-1)!.timeMs / HOUR_MS);
  if (last - first >= HOURS_MAX)
    throw invalidRequest(
      'TRIPS_SPAN',
      `The trips span ${last - first + 1} hours, of ${HOURS_MAX} that may be: row ${trips[0]!.row} is the earliest, ` +
        `row ${trips.at(-1)!.row} the latest.`,
      'trips',
    );
  let next = 0;
  for (let hour = first; hour <= last; hour++) {
    const pickups: Pickup[] = [];
    const endMs = (hour + 1) * HOUR_MS;
    for (; next < trips.length && trips[next]!.timeMs < endMs; next++) {
      const { row, timeMs, lat, lng } = trips[next]!;
      pickups.push({ row, timeMs, cell: latLngToCell(lat, lng, h3Resolution) });
    }
    hours.push({ startMs: hour * HOUR_MS, pickups, byCell: countByCell(pickups) });
  }
  return hours;
}

/** The plain recount that the engine's own counts are held against. */
export function countByCell(pickups: Iterable<Pickup>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { cell } of pickups) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return counts;
}
