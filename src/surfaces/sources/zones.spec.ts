import { UTC } from '../../messages/settings.js';
import { describe, expect, it } from '@jest/globals';
import { cellToLatLng, greatCircleDistance, gridDisk, latLngToCell, UNITS } from 'h3-js';
import { CampaignLedger } from '../../messages/campaigns.js';
import { CANDIDATES_MAX, candidateSchema } from '../../messages/decisions.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import type { ZoneDirectory, ZoneFacts } from '../../messages/zones.js';
import { assertSound, type SourceInput } from '../candidate-source.js';
import { forecastDemand } from './demand-forecast.js';
import { HOUR_MS } from './hour-of-week.js';
import { RANKING_AGE_MS_MAX, ZONE_STALE_MS_MAX, zonesSource } from './zones.js';

/** Monday 2014-04-28 00:00 UTC, three weeks after the first pickup. */
const NOW = Date.UTC(2014, 3, 28);
const WEEKS = 3;
const centre = latLngToCell(40.75, -73.98, 8);
const cells = gridDisk(centre, 15);

const facts = (cell: string, over: Partial<ZoneFacts> = {}): ZoneFacts => ({
  cell,
  atMs: NOW - HOUR_MS,
  sequence: 1,
  mode: 'balanced',
  pickups: 0,
  drivers: 0,
  pickupsTotal: 100,
  hoursSeen: WEEKS * 168,
  expectedByHour: [],
  hourIndex: NOW / HOUR_MS - 1,
  thisHour: 0,
  lastHour: 0,
  incentiveCents: 0,
  ...over,
});

const week = (busy: Record<number, number>): number[] => Array.from({ length: 168 }, (_, slot) => busy[slot] ?? 0);

const directory = (zones: readonly ZoneFacts[], staleMs = 0): ZoneDirectory => ({
  get: (cell) => zones.find((z) => z.cell === cell),
  all: () => zones,
  staleMs: () => staleMs,
});

const ask = (zones: ZoneDirectory, context: SourceInput['context'] = {}, nowMs = NOW) =>
  zonesSource.candidates({
    surface: 'driver.heatmap',
    context,
    nowMs,
    settings: DEFAULT_FOLD_SETTINGS,
    ledger: CampaignLedger.EMPTY,
    zones,
  });

describe('zones source', () => {
  const [a, b, c] = cells as [string, string, string];

  it('ranks by the hour of the week before popularity, and by popularity elsewhere', () => {
    const early = facts(a, { pickupsTotal: 100, expectedByHour: week({ 0: 30 }) });
    const late = facts(b, { pickupsTotal: 110, expectedByHour: week({ 12: 30 }) });
    const zones = directory([early, late]);
    expect(ask(zones).candidates.map((z) => z.id)).toEqual([a, b]);
    expect(ask(zones, { atMs: NOW + 12 * HOUR_MS }).candidates.map((z) => z.id)).toEqual([b, a]);
    expect(ask(zones, { atMs: NOW + 6.5 * 24 * HOUR_MS }).candidates[0]!.id).toBe(b);
  });

  it('lets the last hours move a tie', () => {
    const zones = directory([facts(a), facts(b, { thisHour: 6, pickups: 4 })]);
    const [first] = ask(zones).candidates;
    expect(first).toMatchObject({ id: b, features: { lastHour: 6, popularity: 100 / (WEEKS * 168) } });
    // Asked half an hour later, half of that hour is still among the last 60 minutes.
    expect(ask(zones, { atMs: NOW + HOUR_MS / 2 }).candidates[0]!.features['lastHour']).toBe(3);
  });

  it('does not take a zone that was first seen an hour ago for a popular one', () => {
    const fresh = facts(b, { pickupsTotal: 2, hoursSeen: 1, thisHour: 0 });
    expect(ask(directory([fresh, facts(a)])).candidates[0]!.id).toBe(a);
  });

  it('forecasts the volume of the hour in pickups', () => {
    // Every day 30 pickups at midnight and 4 in the hour before; the last hour had its 4.
    const profile = Array.from({ length: 168 }, (_, slot) => (slot % 24 === 0 ? 30 : slot % 24 === 23 ? 4 : 0));
    const zones = [facts(a, { expectedByHour: profile, thisHour: 4 }), facts(b)];
    const settings = { timeZone: UTC, halfLifeMs: 900_000, learningRate: 0.3 };
    const total = forecastDemand(zones, NOW, settings).reduce((sum, f) => sum + f.expectedPickups, 0);
    expect(total).toBeGreaterThan(25);
    expect(total).toBeLessThan(31);
  });

  it('uses a ranking again for half a second, and only for the same question', () => {
    const zones = [facts(a, { pickupsTotal: 200 }), facts(b)];
    const live = directory(zones);
    const first = (context: SourceInput['context'], nowMs: number) => ask(live, context, nowMs).candidates[0]!.id;
    expect(first({}, NOW)).toBe(a);
    zones[1] = facts(b, { pickupsTotal: 9000 });
    expect(first({}, NOW + RANKING_AGE_MS_MAX - 1)).toBe(a);
    expect(first({}, NOW + RANKING_AGE_MS_MAX)).toBe(b);
    zones[1] = facts(b);
    expect(first({ atMs: NOW }, NOW + RANKING_AGE_MS_MAX)).toBe(a);
    zones[1] = facts(b, { pickupsTotal: 9000 });
    expect(first({ atMs: NOW }, NOW)).toBe(b);
  });

  it('says how far each zone is, and keeps to the limit', () => {
    const context = { lat: 40.75, lng: -73.98 };
    const zones = directory(cells.map((cell) => facts(cell)));
    const near = ask(zones, { ...context, maxDistanceKm: 2 }).candidates;
    expect(near.length).toBeGreaterThan(3);
    expect(near.length).toBeLessThan(30);
    for (const { features } of near) expect(features['distanceKm']).toBeLessThanOrEqual(2);
    expect(ask(zones).candidates[0]!.features).not.toHaveProperty('distanceKm');
  });

  it('offers at most CANDIDATES_MAX zones, the best of them, all valid candidates', () => {
    expect(cells.length).toBeGreaterThan(CANDIDATES_MAX);
    const zones = cells.map((cell, i) => facts(cell, { pickupsTotal: i }));
    const { candidates } = ask(directory(zones));
    expect(candidates).toHaveLength(CANDIDATES_MAX);
    expect(candidates[0]!.id).toBe(cells.at(-1));
    for (const candidate of candidates) candidateSchema.parse(candidate);
  });

  it('is degraded but still answers when the replica is stale', () => {
    expect(ask(directory([facts(c)], ZONE_STALE_MS_MAX + 1))).toMatchObject({
      candidates: [{ id: c }],
      degraded: ['zone'],
    });
    expect(ask(directory([], Infinity))).toEqual({ candidates: [], degraded: ['zone'] });
    expect(ask(directory([facts(c)], ZONE_STALE_MS_MAX)).degraded).toEqual([]);
  });

  it('forecasts finite numbers for zones that have seen nothing', () => {
    const [candidate] = ask(directory([facts(a, { pickupsTotal: 0, hoursSeen: 1 })])).candidates;
    for (const value of Object.values(candidate!.features)) expect(Number.isFinite(value)).toBe(true);
  });

  it('has one ranking for times that are as near as nothing, and few at all', () => {
    let rankings = 0;
    const live = {
      ...directory(cells.map((cell) => facts(cell))),
      all: () => (rankings++, cells.map((cell) => facts(cell))),
    };
    for (let i = 0; i < 50; i++) ask(live, { atMs: NOW + i * 1_000 });
    expect(rankings).toBe(1);
    for (let i = 0; i < 50; i++) ask(live, { atMs: NOW + (i % 4) * HOUR_MS });
    expect(rankings).toBe(4);
  });

  it.each([0, 1e12, 4_102_444_800_000])('gives finite numbers for %d too', (atMs) => {
    const zones = directory([
      facts(a, { expectedByHour: week({ 0: 30 }) }),
      facts(b, { pickupsTotal: 0, hoursSeen: 1 }),
    ]);
    const { candidates } = ask(zones, { atMs });
    expect(candidates).toHaveLength(2);
    assertSound('zones', candidates);
  });

  it.each([
    [{ lat: 40.75, lng: -73.98, maxDistanceKm: 3 }],
    [{ lat: 40.75, lng: 179.9999, maxDistanceKm: 14_000 }],
    [{ lat: -89.9, lng: 12, maxDistanceKm: 20_038 }],
    [{ lat: 40.75, lng: -73.98, maxDistanceKm: 0 }],
  ])('sees every zone that is within reach of %j', (context) => {
    const near = cells.slice(0, 400);
    const { candidates } = ask(directory(near.map((cell) => facts(cell))), context);
    const distance = (cell: string) => greatCircleDistance(cellToLatLng(cell), [context.lat, context.lng], UNITS.km);
    const within = near.filter((cell) => distance(cell) <= context.maxDistanceKm);
    expect(candidates.map(({ id }) => id).sort()).toEqual(within.sort());
  });
});

describe('a large city', () => {
  const large = gridDisk(centre, 20);

  /** A directory that takes work for later, which the test then does. */
  function opened() {
    const works: Iterator<void, void>[] = [];
    let looked = 0;
    const zones: ZoneDirectory = {
      ...directory([]),
      all: () => (
        looked++,
        large.map((cell, i) => facts(cell, { pickupsTotal: i, expectedByHour: week({ [i % 168]: 30 }) }))
      ),
      later: (work) => void works.push(work),
    };
    const work = (): number => {
      let steps = 0;
      for (const one of works.splice(0)) for (; one.next().done !== true; steps++);
      return steps;
    };
    return { zones, works, work, looked: () => looked };
  }

  it('is ranked between requests: a request takes the nearest ranking there is, and says so', () => {
    const { zones, works, work, looked } = opened();
    expect(ask(zones).degraded).toEqual([]);
    expect(looked()).toBe(1);
    const later = { atMs: NOW + 12 * HOUR_MS };
    const nearest = ask(zones, later);
    expect(nearest.degraded).toEqual(['zone']);
    expect(nearest.candidates).toEqual(ask(zones).candidates);
    expect([looked(), works.length]).toEqual([1, 1]);
    expect(work()).toBeGreaterThan(5);
    const exact = ask(zones, later);
    expect(exact.degraded).toEqual([]);
    expect(exact).toEqual(ask(directory([...zones.all()]), later));
  });

  it('does no work in a request, whatever times are asked about', () => {
    const { zones, works, work, looked } = opened();
    ask(zones);
    for (let i = 0; i < 1_000; i++) expect(ask(zones, { atMs: i * 4e9 }).candidates).toHaveLength(CANDIDATES_MAX);
    expect(looked()).toBe(1);
    expect(works.length).toBeLessThanOrEqual(4);
    work();
    ask(zones, { atMs: NOW });
    expect(works).toHaveLength(1);
  });

  it('is asked again for half a second, then ranked anew while the last ranking is used', () => {
    const { zones, works, work } = opened();
    ask(zones);
    expect(ask(zones, {}, NOW + RANKING_AGE_MS_MAX).degraded).toEqual([]);
    ask(zones, {}, NOW + RANKING_AGE_MS_MAX + 1);
    expect(works).toHaveLength(1);
    work();
    ask(zones, {}, NOW + RANKING_AGE_MS_MAX + 2);
    expect(works).toHaveLength(0);
  });

  it('is ranked anew after a ranking that failed', () => {
    let fails = false;
    const { zones, works } = opened();
    const all = (): Iterable<ZoneFacts> => {
      if (fails) throw new Error('no zones');
      return zones.all();
    };
    const failing: ZoneDirectory = { ...zones, all };
    ask(failing);
    fails = true;
    ask(failing, { atMs: NOW });
    expect(() => works.pop()!.next()).toThrow('no zones');
    ask(failing, { atMs: NOW });
    expect(works).toHaveLength(1);
  });
});
