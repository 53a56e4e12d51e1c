/** The zone's hours: exact counts for the open two, a smoothed profile by hour of the week for the closed ones. */
import type { TimeZone } from '../../messages/settings.js';
import { HOURS_OF_WEEK, hourOfWeek } from '../../surfaces/sources/hour-of-week.js';
import type { ZoneState } from './zone.state.js';

type Hours = Pick<ZoneState, 'firstHour' | 'hourIndex' | 'thisHour' | 'lastHour' | 'profile'>;

/** Beyond this gap the whole weeks in it are closed by one multiplication instead of hour by hour. */
const GAP_HOURS_MAX = 4 * HOURS_OF_WEEK;

export interface ProfileSettings {
  readonly timeZone: TimeZone;
  /** The least weight of a new week; the first weeks are averaged, so that week n weighs max(this, 1/n). */
  readonly learningRate: number;
}

/**
 * Moves the clock's hour on to `hour`. An hour closes when it is no longer the previous one, so that a late pickup of
 * the previous hour still counts where it belongs; hours without a pickup close as zeros.
 */
export function advanceTo<S extends Hours>(state: S, hour: number, settings: ProfileSettings): S {
  if (hour <= state.hourIndex) return state;
  const next = hour === state.hourIndex + 1;
  return {
    ...state,
    profile: closeHours(state, hour - 2, settings),
    hourIndex: hour,
    thisHour: 0,
    lastHour: next ? state.thisHour : 0,
  };
}

/** Counts one pickup in `hour`, which must not lie after the clock's. Older hours than the previous are closed. */
export function countPickup<S extends Hours>(state: S, hour: number): S {
  const age = state.hourIndex - hour;
  if (age > 1) return state.firstHour < 0 ? { ...state, firstHour: state.hourIndex } : state;
  const firstHour = state.firstHour < 0 ? hour : Math.min(state.firstHour, hour);
  return age === 0
    ? { ...state, firstHour, thisHour: state.thisHour + 1 }
    : { ...state, firstHour, lastHour: state.lastHour + 1 };
}

/** The profile after closing every open hour up to and including `last`. */
function closeHours(state: Hours, last: number, settings: ProfileSettings): readonly number[] {
  const { firstHour, hourIndex } = state;
  let from = Math.max(firstHour, hourIndex - 1);
  if (firstHour < 0 || last < from) return state.profile;
  const profile = state.profile.length === 0 ? new Array<number>(HOURS_OF_WEEK).fill(0) : [...state.profile];
  const close = (hour: number): void => {
    const count = hour === hourIndex - 1 ? state.lastHour : hour === hourIndex ? state.thisHour : 0;
    const week = Math.floor((hour - firstHour) / HOURS_OF_WEEK) + 1;
    const slot = hourOfWeek(hour, settings.timeZone);
    profile[slot]! += Math.max(settings.learningRate, 1 / week) * (count - profile[slot]!);
  };
  if (last - from > GAP_HOURS_MAX) {
    for (const stop = from + 2; from < stop; from++) close(from);
    const weeks = Math.floor((last - from) / HOURS_OF_WEEK) - 1;
    // Each slot sees one empty hour a week. A change of the clocks inside the gap moves one of them by an hour, which
    // after weeks of nothing does not matter.
    const left = (1 - settings.learningRate) ** weeks;
    for (let slot = 0; slot < HOURS_OF_WEEK; slot++) profile[slot]! *= left;
    from += weeks * HOURS_OF_WEEK;
  }
  for (; from <= last; from++) close(from);
  return profile;
}
