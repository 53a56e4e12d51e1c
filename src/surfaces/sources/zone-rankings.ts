/**
 * Rankings of a city's zones, kept for whoever asks next. A ranking of 20,000 zones takes tens of milliseconds, so a
 * directory that can (`ZoneDirectory.later`) makes it in steps between requests; a request then takes the nearest one
 * there is and says where that is another one than it asked for. Few zones are ranked at once.
 */
import { cellToLatLng } from 'h3-js';
import type { FoldSettings } from '../../messages/settings.js';
import type { ZoneDirectory } from '../../messages/zones.js';
import { finished, forecastSteps, type ZoneForecast } from './demand-forecast.js';

/** A ranking is used again for so long: within half a second the city does not change. */
export const RANKING_AGE_MS_MAX = 500;
/** Times asked about are one where they are as near: what is expected of the next hour hardly differs. */
export const QUANTUM_MS = 5 * 60_000;
/** Rankings kept of one directory: of as many times asked about. */
const RANKINGS_MAX = 8;
/** Asked for and not begun yet; who asks for more asks again. */
const WAITING_MAX = 4;
/** So many zones are ranked at once: about a millisecond. */
const ZONES_AT_ONCE_MAX = 512;
/** Zones of one step of sorting. */
const RUN_ZONES = 1_000;
/** Cells whose centres are kept: as many as a zone replica has zones, and room for what comes instead. */
const CENTRES_MAX = 40_000;

export interface RankedZone extends ZoneForecast {
  /** The cell's centre, and the same as a unit vector from the centre of the earth. */
  readonly centre: readonly [lat: number, lng: number];
  readonly unit: readonly [x: number, y: number, z: number];
}

interface RankingQuestion {
  readonly zones: ZoneDirectory;
  /** Undefined: now. */
  readonly askedAtMs: number | undefined;
  readonly nowMs: number;
  readonly settings: FoldSettings;
}

interface Ranking {
  /** `now`, or the quantum asked about. */
  readonly key: number | 'now';
  readonly atMs: number;
  readonly madeAtMs: number;
  readonly settings: FoldSettings;
  readonly zones: readonly RankedZone[];
}

interface Ranked {
  /** Best first. */
  readonly zones: readonly RankedZone[];
  /** It is for the time that was asked about, and not older than it should be. */
  readonly exact: boolean;
}

interface Desk {
  /** The one made last comes last. */
  rankings: Ranking[];
  readonly waiting: Set<Ranking['key']>;
}

const desks = new WeakMap<ZoneDirectory, Desk>();

export function rankedZones(question: RankingQuestion): Ranked {
  const { zones, askedAtMs, nowMs, settings } = question;
  const desk = deskOf(zones);
  const key = askedAtMs === undefined ? 'now' : Math.floor(askedAtMs / QUANTUM_MS) * QUANTUM_MS;
  const known = desk.rankings.find((one) => one.key === key && one.settings === settings);
  if (known !== undefined && isFresh(known, nowMs)) return { zones: known.zones, exact: true };
  const nearest = known ?? nearestOf(desk, key === 'now' ? nowMs : key, settings);
  if (zones.later === undefined || nearest === undefined || nearest.zones.length <= ZONES_AT_ONCE_MAX)
    return { zones: keep(desk, finished(rankingSteps(question, key))), exact: true };
  if (!desk.waiting.has(key) && desk.waiting.size < WAITING_MAX) {
    desk.waiting.add(key);
    zones.later(inTurn(desk, question, key));
  }
  return { zones: nearest.zones, exact: nearest === known && nowMs - known.madeAtMs < MADE_AGO_MS_MAX };
}

/** What is made between requests may be so old: half a second, and the turn of those before it. */
const MADE_AGO_MS_MAX = 10 * RANKING_AGE_MS_MAX;

function deskOf(zones: ZoneDirectory): Desk {
  let desk = desks.get(zones);
  if (desk === undefined) desks.set(zones, (desk = { rankings: [], waiting: new Set() }));
  return desk;
}

function isFresh({ madeAtMs }: Ranking, nowMs: number): boolean {
  const ageMs = nowMs - madeAtMs;
  return ageMs >= 0 && ageMs < RANKING_AGE_MS_MAX;
}

function nearestOf({ rankings }: Desk, atMs: number, settings: FoldSettings): Ranking | undefined {
  let nearest: Ranking | undefined;
  for (const one of rankings) {
    if (one.settings !== settings) continue;
    if (nearest === undefined || Math.abs(one.atMs - atMs) <= Math.abs(nearest.atMs - atMs)) nearest = one;
  }
  return nearest;
}

function keep(desk: Desk, ranking: Ranking): Ranking['zones'] {
  const others = desk.rankings.filter(({ key, settings }) => key !== ranking.key || settings !== ranking.settings);
  desk.rankings = [...others, ranking].slice(-RANKINGS_MAX);
  return ranking.zones;
}

function* inTurn(desk: Desk, question: RankingQuestion, key: Ranking['key']): Generator<void, void> {
  try {
    keep(desk, yield* rankingSteps(question, key));
  } finally {
    desk.waiting.delete(key);
  }
}

function* rankingSteps(question: RankingQuestion, key: Ranking['key']): Generator<void, Ranking> {
  const { zones, nowMs, settings } = question;
  const atMs = key === 'now' ? nowMs : key;
  const forecasts = yield* forecastSteps([...zones.all()], atMs, {
    timeZone: settings.timeZone,
    halfLifeMs: settings.zone.halfLifeMs,
    learningRate: settings.zone.learningRate,
  });
  const runs: RankedZone[][] = [];
  for (let from = 0; from < forecasts.length; from += RUN_ZONES) {
    runs.push(
      forecasts
        .slice(from, from + RUN_ZONES)
        .map(placed)
        .sort(byDemand),
    );
    yield;
  }
  return { key, atMs, madeAtMs: nowMs, settings, zones: yield* merged(runs) };
}

/** Most expected pickups first; the cell breaks ties, so that every host ranks alike. */
const byDemand = (a: ZoneForecast, b: ZoneForecast): number =>
  b.expectedPickups - a.expectedPickups || (a.facts.cell < b.facts.cell ? -1 : 1);

/** Merges sorted runs in pairs, in steps. */
function* merged(runs: RankedZone[][]): Generator<void, RankedZone[]> {
  while (runs.length > 1) {
    const next: RankedZone[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const [left, right] = [runs[i]!, runs[i + 1]];
      if (right === undefined) {
        next.push(left);
        continue;
      }
      const both: RankedZone[] = [];
      let [l, r] = [0, 0];
      while (l < left.length || r < right.length) {
        const takesLeft = r === right.length || (l < left.length && byDemand(left[l]!, right[r]!) <= 0);
        both.push(takesLeft ? left[l++]! : right[r++]!);
        if (both.length % (4 * RUN_ZONES) === 0) yield;
      }
      next.push(both);
      yield;
    }
    runs = next;
  }
  return runs[0] ?? [];
}

type Placing = Pick<RankedZone, 'centre' | 'unit'>;
const places = new Map<string, Placing>();
const RADIANS = Math.PI / 180;

/** The unit vector of a place in degrees. */
export function unitOf(lat: number, lng: number): RankedZone['unit'] {
  const around = Math.cos(lat * RADIANS);
  return [around * Math.cos(lng * RADIANS), around * Math.sin(lng * RADIANS), Math.sin(lat * RADIANS)];
}

function placed(forecast: ZoneForecast): RankedZone {
  const { cell } = forecast.facts;
  let place = places.get(cell);
  if (place === undefined) {
    if (places.size >= CENTRES_MAX) places.clear();
    const [lat, lng] = cellToLatLng(cell);
    places.set(cell, (place = { centre: [lat, lng], unit: unitOf(lat, lng) }));
  }
  return { ...forecast, ...place };
}
