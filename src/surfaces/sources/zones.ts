import { cellToLatLng, greatCircleDistance, UNITS } from 'h3-js';
import { CANDIDATES_MAX, type Candidate } from '../../messages/decisions.js';
import type { CandidateSource, SourceInput } from '../candidate-source.js';
import { forecastDemand, type ZoneForecast } from './demand-forecast.js';

/** A replica that has not heard from the state stream for so long is said to be degraded, and used all the same. */
export const ZONE_STALE_MS_MAX = 10_000;

/**
 * Zones worth going to, best first: candidates are H3 cells with the features `expectedDemand` (pickups in the next 60
 * minutes), `recentPickups`, `lastHour`, `supply`, `popularity` (pickups an hour in the long run), `incentiveCents`
 * and, where the context says where somebody is, `distanceKm` to the cell's centre.
 *
 * Context: `atMs` is the time asked about (now, if left out), `lat` and `lng` a place, `maxDistanceKm` a limit from it.
 */
export const zonesSource: CandidateSource = {
  name: 'zones',
  candidates(input) {
    const { settings, zones } = input;
    const forecasts = forecastDemand([...zones.all()], numberOf(input, 'atMs') ?? input.nowMs, {
      timeZone: settings.timeZone,
      halfLifeMs: settings.zone.halfLifeMs,
      learningRate: settings.zone.learningRate,
    });
    const place = placeOf(input);
    const maxDistanceKm = numberOf(input, 'maxDistanceKm') ?? Infinity;
    const candidates: Candidate[] = [];
    for (const forecast of forecasts.sort(byDemand)) {
      const distanceKm = place && distanceTo(forecast.facts.cell, place);
      if (distanceKm !== undefined && distanceKm > maxDistanceKm) continue;
      candidates.push(candidateOf(forecast, distanceKm));
      if (candidates.length === CANDIDATES_MAX) break;
    }
    return { candidates, degraded: zones.staleMs() > ZONE_STALE_MS_MAX ? ['zone'] : [] };
  },
};

/** Most expected pickups first; the cell breaks ties, so that every host ranks alike. */
const byDemand = (a: ZoneForecast, b: ZoneForecast): number =>
  b.expectedPickups - a.expectedPickups || (a.facts.cell < b.facts.cell ? -1 : 1);

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

type Place = readonly [lat: number, lng: number];

function placeOf(input: SourceInput): Place | undefined {
  const [lat, lng] = [numberOf(input, 'lat'), numberOf(input, 'lng')];
  return lat === undefined || lng === undefined ? undefined : [lat, lng];
}

function numberOf(input: SourceInput, key: string): number | undefined {
  const value = Object.hasOwn(input.context, key) ? input.context[key] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

const distanceTo = (cell: string, place: Place): number => {
  const [lat, lng] = cellToLatLng(cell);
  return greatCircleDistance([lat, lng], [place[0], place[1]], UNITS.km);
};
