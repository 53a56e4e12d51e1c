import { greatCircleDistance, UNITS } from 'h3-js';
import { CANDIDATES_MAX, type Candidate } from '../../messages/decisions.js';
import type { CandidateSource, SourceInput } from '../candidate-source.js';
import type { ZoneForecast } from './demand-forecast.js';
import { rankedZones, unitOf, type RankedZone } from './zone-rankings.js';

/** A replica that has not heard from the state stream for so long is said to be degraded, and used all the same. */
export const ZONE_STALE_MS_MAX = 10_000;

export { RANKING_AGE_MS_MAX } from './zone-rankings.js';

/** Radius of the sphere that h3 measures distances on, in kilometres. */
const EARTH_RADIUS_KM = 6371.007180918475;
/** Rounding of the product of two unit vectors: a few metres. */
const COSINE_SLACK = 1e-12;

/**
 * Zones worth going to, best first: candidates are H3 cells with the features `expectedDemand` (pickups in the next 60
 * minutes), `recentPickups`, `lastHour`, `supply`, `popularity` (pickups an hour in the long run), `incentiveCents`
 * and, where the context says where somebody is, `distanceKm` to the cell's centre.
 *
 * Context: `atMs` is the time asked about (now, if left out; to five minutes), `lat` and `lng` a place, `maxDistanceKm` a
 * limit from it. `degraded` says `zone` where the replica or the ranking is not of the time asked about.
 */
export const zonesSource: CandidateSource = {
  name: 'zones',
  candidates(input) {
    const { zones } = input;
    const from = placeOf(input);
    const maxDistanceKm = numberOf(input, 'maxDistanceKm') ?? Infinity;
    const candidates: Candidate[] = [];
    const ranked = rankedZones({ ...input, askedAtMs: numberOf(input, 'atMs') });
    // Most of a large city is out of reach: that takes a product of vectors to see, and a tenth of the time of a distance.
    const cosineMin = Math.cos(Math.min(Math.PI, maxDistanceKm / EARTH_RADIUS_KM)) - COSINE_SLACK;
    for (const zone of ranked.zones) {
      if (from !== undefined && dot(zone.unit, from.unit) < cosineMin) continue;
      const distanceKm = from && greatCircleDistance([...zone.centre], [...from.centre], UNITS.km);
      if (distanceKm !== undefined && distanceKm > maxDistanceKm) continue;
      candidates.push(candidateOf(zone, distanceKm));
      if (candidates.length === CANDIDATES_MAX) break;
    }
    const sound = ranked.exact && zones.staleMs() <= ZONE_STALE_MS_MAX;
    return { candidates, degraded: sound ? [] : ['zone'] };
  },
};

const dot = (a: RankedZone['unit'], b: RankedZone['unit']): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

const candidateOf = (forecast: ZoneForecast, distanceKm: number | undefined): Candidate => ({
  id: forecast.facts.cell,
  features: {
    expectedDemand: forecast.expectedPickups,
    recentPickups: forecast.recentPickups,
    lastHour: forecast.lastHour,
    supply: forecast.supply,
    popularity: forecast.popularity,
    incentiveCents: forecast.facts.incentiveCents,
    ...(distanceKm === undefined ? {} : { distanceKm }),
  },
  nonPersonal: true,
});

function placeOf(input: SourceInput): Pick<RankedZone, 'centre' | 'unit'> | undefined {
  const [lat, lng] = [numberOf(input, 'lat'), numberOf(input, 'lng')];
  return lat === undefined || lng === undefined ? undefined : { centre: [lat, lng], unit: unitOf(lat, lng) };
}

function numberOf(input: SourceInput, key: string): number | undefined {
  const value = Object.hasOwn(input.context, key) ? input.context[key] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
