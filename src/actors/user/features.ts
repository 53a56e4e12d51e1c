/** What policies may know of a subject: recency, frequency, habits, last zones. */
import { latLngToCell } from 'h3-js';
import { decayed } from './decay.js';
import { mayRead } from './slices.js';
import { NONE, type UserState } from './state.js';

const DAY_MS = 86_400_000;
/** Half-life of the activity count behind `eventsPerDay`. */
export const FREQUENCY_HALF_LIFE_MS = 7 * DAY_MS;
/** An exponentially decayed count of a steady stream equals its rate times this many days. */
const FREQUENCY_DAYS = FREQUENCY_HALF_LIFE_MS / DAY_MS / Math.LN2;

/** Features by name; durations in seconds, rates per day, shares in [0, 1]. Of a fresh subject all are 0. */
export function featuresOf(state: UserState, nowMs: number): Record<string, number> {
  const sinceLast = state.seenMs === 0 ? 0 : Math.max(0, nowMs - state.seenMs);
  // A session may be open for another purpose than that of the profile.
  const inSession = state.mode.session === 'active' && mayRead(state, 'activity');
  return {
    recencySeconds: sinceLast / 1000,
    eventsPerDay: decayed(state.frequency, sinceLast, FREQUENCY_HALF_LIFE_MS) / FREQUENCY_DAYS,
    sessionSeconds: inSession ? Math.max(0, nowMs - state.sessionStartMs) / 1000 : 0,
    decisions: state.decisions,
    impressions: state.impressions,
    clicks: state.clicks,
    accepts: state.accepts,
    skips: state.skips,
    trips: state.trips,
    acceptRate: state.decisions === 0 ? 0 : Math.min(1, state.accepts / state.decisions),
    ratingMean: state.ratings === 0 ? 0 : state.ratingSum / state.ratings,
    dwellSeconds: state.dwellSeconds,
  };
}

/** One more activity at `atMs` in the decayed count. */
export const nextFrequency = (state: UserState, atMs: number): number =>
  decayed(state.frequency, atMs - state.seenMs, FREQUENCY_HALF_LIFE_MS) + 1;

/** The zone moves to the front; what was there longest falls out. */
export function withZone(zones: readonly string[], cell: string, limit: number): readonly string[] {
  if (limit === 0) return NONE;
  if (zones[0] === cell) return zones;
  return [cell, ...zones.filter((zone) => zone !== cell)].slice(0, limit);
}

/** Apps repeat coordinates: a pin is asked about, then accepted, then picked up at. */
const CELL_CACHE_MAX = 4096;
const cells = new Map<string, string>();

/** The zone of a place. Pure: the cache only saves time. */
export function cellOf(lat: number, lng: number, resolution: number): string {
  const key = `${lat},${lng},${resolution}`;
  const known = cells.get(key);
  if (known !== undefined) return known;
  const cell = latLngToCell(lat, lng, resolution);
  if (cells.size >= CELL_CACHE_MAX) cells.clear();
  cells.set(key, cell);
  return cell;
}
