/** The city's ground: H3 cells, each with its pickup points and its daily rhythm of demand. */
import { cellToLatLng, gridDisk, greatCircleDistance, latLngToCell, UNITS } from 'h3-js';
import type { Random } from '../kernel/random.js';
import { between, pick } from './random-draws.js';

const CENTRE = [40.7527, -73.9772] as const;
/** Rings of cells around the centre: 2 make 19 zones. */
const RINGS = 2;
const POINTS_PER_ZONE = 6;
/** Points and pins lie so far from a cell's centre, at most; well inside a cell of resolution 8. */
const SPREAD_DEGREES = 0.0025;

export interface Place {
  readonly lat: number;
  readonly lng: number;
}

/** A door or corner where a rider may be picked up. */
export interface PickupPoint extends Place {
  readonly id: string;
  /** How easily one gets away from here: kerb, traffic, shelter. Apps do not see it; riders do. In [-2, 2]. */
  readonly ease: number;
  /** What apps see: earlier pickups here, in [0, 1]; only loosely tied to the ease. */
  readonly popularity: number;
}

export const RHYTHMS = ['office', 'nightlife', 'station', 'residential'] as const;
export type Rhythm = (typeof RHYTHMS)[number];

/** Relative demand by hour of the day, from hour 0. */
export const DEMAND_BY_HOUR: Readonly<Record<Rhythm, readonly number[]>> = {
  office: [1, 1, 1, 1, 1, 2, 4, 8, 9, 6, 5, 6, 7, 6, 5, 6, 9, 12, 11, 7, 4, 3, 2, 1],
  nightlife: [12, 11, 9, 6, 3, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 5, 6, 8, 9, 11, 13, 13],
  station: [3, 2, 2, 2, 3, 5, 8, 10, 10, 8, 7, 7, 7, 7, 7, 8, 9, 10, 10, 9, 8, 7, 6, 4],
  residential: [2, 1, 1, 1, 2, 4, 8, 10, 8, 5, 4, 4, 4, 4, 4, 5, 5, 6, 6, 6, 5, 4, 3, 2],
};

export interface CityZone extends Place {
  readonly cell: string;
  readonly rhythm: Rhythm;
  /** Scale of its demand against other zones'. */
  readonly size: number;
  readonly points: readonly PickupPoint[];
}

export function makeZones(random: Random, h3Resolution: number): CityZone[] {
  return gridDisk(latLngToCell(CENTRE[0], CENTRE[1], h3Resolution), RINGS).map((cell, z) => {
    const [lat, lng] = cellToLatLng(cell);
    return {
      cell,
      lat,
      lng,
      rhythm: pick(random, RHYTHMS),
      size: between(random, 0.5, 2),
      points: makePoints(random, z, { lat, lng }),
    };
  });
}

function makePoints(random: Random, zone: number, centre: Place): PickupPoint[] {
  return Array.from({ length: POINTS_PER_ZONE }, (_, p) => {
    const ease = between(random, -2, 2);
    const popularity = Math.min(1, Math.max(0, 0.5 + 0.15 * ease + between(random, -0.3, 0.3)));
    return { id: `z${zone}-point-${p}`, ...near(random, centre), ease, popularity };
  });
}

/** Somewhere in the cell around `centre`. */
export const near = (random: Random, centre: Place): Place => ({
  lat: centre.lat + between(random, -SPREAD_DEGREES, SPREAD_DEGREES),
  lng: centre.lng + between(random, -SPREAD_DEGREES, SPREAD_DEGREES),
});

export const metresBetween = (a: Place, b: Place): number =>
  greatCircleDistance([a.lat, a.lng], [b.lat, b.lng], UNITS.m);

/** True demand of a zone at an hour of the day, relative to other zones and hours. */
export const demandAt = (zone: CityZone, hour: number): number =>
  zone.size * DEMAND_BY_HOUR[zone.rhythm][Math.floor(hour) % 24]!;
