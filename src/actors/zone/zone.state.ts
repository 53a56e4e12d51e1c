import { z } from 'zod';
import { ZONE_MODES } from '../../messages/zones.js';
import { HOURS_OF_WEEK } from '../../surfaces/sources/hour-of-week.js';

const count = z.number().nonnegative();
const index = z.number().int();

const zoneStateSchema = z
  .strictObject({
    /** The zone's own clock: the latest event time seen; 0 before the first event. */
    atMs: z.number(),
    /** Fold time and sequence of the record that last changed this state. */
    foldedAtMs: z.number(),
    sequence: index,
    mode: z.enum(ZONE_MODES),
    /** Decayed windows as of `atMs`, and the fold time at which they were last added to. */
    pickups: count,
    requests: count,
    demandAtMs: z.number(),
    /** Drivers on duty here now. */
    drivers: index.nonnegative(),
    /** What `mode` offers a driver on top. */
    incentiveCents: index.nonnegative(),
    pickupsTotal: index,
    /** The hour of the first pickup; -1 before it. */
    firstHour: index,
    /** The hour of `atMs`, and the pickups counted in it and in the one before. */
    hourIndex: index,
    thisHour: index,
    lastHour: index,
    /** Smoothed pickups an hour by hour of the week; empty until the first hour has closed. */
    profile: z.union([z.array(count).length(0), z.array(count).length(HOURS_OF_WEEK)]).readonly(),
    /** Fold time at which the mode is looked at again without an event; 0 for never. */
    checkAtMs: z.number(),
  })
  .readonly();

/** One zone: plain numbers, and one plain array once there is something to learn. */
export type ZoneState = z.infer<typeof zoneStateSchema>;

const NO_PROFILE: readonly number[] = Object.freeze([]);

const EMPTY: ZoneState = Object.freeze({
  atMs: 0,
  foldedAtMs: 0,
  sequence: 0,
  mode: 'balanced',
  pickups: 0,
  requests: 0,
  demandAtMs: 0,
  drivers: 0,
  incentiveCents: 0,
  pickupsTotal: 0,
  firstHour: -1,
  hourIndex: 0,
  thisHour: 0,
  lastHour: 0,
  profile: NO_PROFILE,
  checkAtMs: 0,
});

/** Every vacant zone is the same frozen object. */
export const emptyZone = (): ZoneState => EMPTY;

export const isEmptyZone = (state: ZoneState): boolean => state.sequence === 0;

/** Throws a ZodError for anything that is not a saved zone. */
export const reviveZone = (saved: unknown): ZoneState => zoneStateSchema.parse(saved);
