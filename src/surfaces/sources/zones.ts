import { cellToLatLng, greatCircleDistance, UNITS } from 'h3-js';
import { CANDIDATES_MAX, type Candidate } from '../../messages/decisions.js';
import type { FoldSettings } from '../../messages/settings.js';
import type { ZoneDirectory } from '../../messages/zones.js';
import type { CandidateSource, SourceInput } from '../candidate-source.js';
import { forecastDemand, type ZoneForecast } from './demand-forecast.js';

/** A replica that has not heard from the state stream for so long is said to be degraded, and used all the same. */
export const ZONE_STALE_MS_MAX = 10_000;

/**
 * A ranking is used again for so long: it takes a millisecond or two to make for a thousand zones, and within half a
 * second the city does not change. It is kept per directory, with the directory, and only the last one.
 */
export const RANKING_AGE_MS_MAX = 500;
/** Cells whose centres are kept: as many as a zone replica has zones. */
const CENTRES_MAX = 20_000;

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
    const { zones } = input;
    const place = placeOf(input);
    const maxDistanceKm = numberOf(input, 'maxDistanceKm') ?? Infinity;
    const candidates: Candidate[] = [];
    for (const forecast of rankedZones(input)) {
      const distanceKm = place && distanceTo(forecast.facts.cell, place);
      if (distanceKm !== undefined && distanceKm > maxDistanceKm) continue;
      candidates.push(candidateOf(forecast, distanceKm));
      if (candidates.length === CANDIDATES_MAX) break;
    }
    return { candidates, degraded: zones.staleMs() > ZONE_STALE_MS_MAX ? ['zone'] : [] };
  },
};

interface Ranking {
  readonly askedAtMs: number | undefined;
  readonly madeAtMs: number;
  readonly settings: FoldSettings;
  readonly forecasts: readonly ZoneForecast[];
}

const rankings = new WeakMap<ZoneDirectory, Ranking>();

function rankedZones(input: SourceInput): readonly ZoneForecast[] {
  const { zones, settings, nowMs } = input;
  const askedAtMs = numberOf(input, 'atMs');
  const known = rankings.get(zones);
  const ageMs = known === undefined ? -1 : nowMs - known.madeAtMs;
  if (known?.askedAtMs === askedAtMs && known?.settings === settings && ageMs >= 0 && ageMs < RANKING_AGE_MS_MAX) {
    return known.forecasts;
  }
  const forecasts = forecastDemand([...zones.all()], askedAtMs ?? nowMs, {
    timeZone: settings.timeZone,
    halfLifeMs: settings.zone.halfLifeMs,
    learningRate: settings.zone.learningRate,
  }).sort(byDemand);
  rankings.set(zones, { askedAtMs, madeAtMs: nowMs, settings, forecasts });
  return forecasts;
}

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

const centres = new Map<string, Place>();

function distanceTo(cell: string, place: Place): number {
  let centre = centres.get(cell);
  if (centre === undefined) {
    if (centres.size >= CENTRES_MAX) centres.clear();
    centres.set(cell, (centre = cellToLatLng(cell)));
  }
  return greatCircleDistance([...centre], [...place], UNITS.km);
}
