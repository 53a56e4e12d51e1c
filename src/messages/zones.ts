/** A zone's facts as broadcast on `attune.state.zone.<cell>` and replicated by hosts and gateways. */
import { z } from 'zod';

export const ZONE_MODES = ['balanced', 'undersupplied', 'oversupplied'] as const;

export const zoneFactsSchema = z
  .object({
    /** H3 cell index. */
    cell: z.string(),
    /** The zone's own clock: the latest event time it has seen, milliseconds since the epoch. */
    atMs: z.number(),
    /** Fold sequence in its partition, so that an older broadcast never replaces a newer one. */
    sequence: z.number(),
    mode: z.enum(ZONE_MODES),
    /** Exponentially decayed count as of `atMs` (half-life in settings.zone.halfLifeMs). */
    pickups: z.number(),
    /** Drivers on duty there now, exactly. */
    drivers: z.number(),
    /** All pickups ever counted, exactly. */
    pickupsTotal: z.number(),
    /** Whole hours (by the zone's clock) since its first pickup, at least 1. */
    hoursSeen: z.number(),
    /** Smoothed pickups an hour for each of the 168 hours of the week, Monday 00:00 first; empty until learned. */
    expectedByHour: z.array(z.number()),
    /** Pickups in the current and in the previous clock hour, and the hour index (atMs / 3600000) they belong to. */
    hourIndex: z.number(),
    thisHour: z.number(),
    lastHour: z.number(),
    incentiveCents: z.number(),
  })
  .readonly();
export type ZoneFacts = z.infer<typeof zoneFactsSchema>;

/** Output of a driver's actor to a zone: one driver more or fewer is on duty there. */
export const SUPPLY_OUTPUT = 'supply';
export interface SupplyChange {
  readonly by: 1 | -1;
}

/** A read-only view of all zones a process knows. */
export interface ZoneDirectory {
  get(cell: string): ZoneFacts | undefined;
  all(): Iterable<ZoneFacts>;
  /**
   * Takes the steps of a piece of work one by one, between requests; left out where work is rather done at once. What a
   * step throws ends the work and is the directory's to tell.
   */
  later?(work: Iterator<void, void>): void;
  /** Milliseconds since the replica last heard from the state stream; Infinity before the first catch-up. */
  staleMs(): number;
}

/** Most recent pickups first; the cell breaks ties, so that every process orders them alike. */
export const byPickups = (a: ZoneFacts, b: ZoneFacts): number => b.pickups - a.pickups || (a.cell < b.cell ? -1 : 1);

/** A directory that keeps its zones in order. */
export interface OrderedZones extends ZoneDirectory {
  /** The first `limit` zones by `byPickups`. */
  busiest(limit: number): readonly ZoneFacts[];
}
