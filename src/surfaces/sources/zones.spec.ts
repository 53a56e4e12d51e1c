import { describe, expect, it } from '@jest/globals';
import { gridDisk, latLngToCell } from 'h3-js';
import { CampaignLedger } from '../../messages/campaigns.js';
import { CANDIDATES_MAX, candidateSchema } from '../../messages/decisions.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import type { ZoneDirectory, ZoneFacts } from '../../messages/zones.js';
import type { SourceInput } from '../candidate-source.js';
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
    const settings = { timeZone: 'UTC', halfLifeMs: 900_000, learningRate: 0.3 };
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
});
