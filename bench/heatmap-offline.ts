/**
 * Heatmap quality without servers: real pickups go through the zone's fold, and before each hour the zones source ranks
 * the zones. What is printed is the share of the hour's pickups that then fell in the k zones on top, against ranking
 * by pickups so far and against the best k in hindsight. The forecast's parameters were fitted on May and June; April
 * is reported and was not looked at.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import { latLngToCell } from 'h3-js';
import { DateTime } from 'luxon';
import { foldZone } from '../src/actors/zone/zone.fold.js';
import { timeZoneOf } from '../src/engine/time-zone.js';
import { zoneFacts } from '../src/actors/zone/zone.kind.js';
import { emptyZone, type ZoneState } from '../src/actors/zone/zone.state.js';
import { CampaignLedger } from '../src/messages/campaigns.js';
import { DEFAULT_FOLD_SETTINGS, type FoldSettings } from '../src/messages/settings.js';
import { THIS_BUILD } from '../src/messages/versions.js';
import type { ZoneDirectory, ZoneFacts } from '../src/messages/zones.js';
import { HOUR_MS, hourIndexOf } from '../src/surfaces/sources/hour-of-week.js';
import { zonesSource } from '../src/surfaces/sources/zones.js';

export const TIME_ZONE = 'America/New_York';
/** The data are of 2014 and later. */
const PAST_MS = Date.now() - Date.UTC(2014, 0, 1);
const DATA_DIR = process.env['ATTUNE_DATA_DIR'] ?? join(import.meta.dirname, '../../shared/data');
export const APRIL = join(DATA_DIR, 'uber_nyc_2014_apr_jun/uber-b02512-apr14.csv.gz');

export interface Pickup {
  readonly timeMs: number;
  readonly cell: string;
}

export interface HitShares {
  readonly k: number;
  readonly source: number;
  readonly popularity: number;
  readonly hindsight: number;
}

export interface HeatmapReport {
  readonly pickups: number;
  readonly hours: number;
  readonly zones: number;
  readonly shares: readonly HitShares[];
  /** Mean time of one ranking by the source. */
  readonly rankMs: number;
}

const SETTINGS: FoldSettings = { ...DEFAULT_FOLD_SETTINGS, timeZone: timeZoneOf(TIME_ZONE, Date.now(), PAST_MS) };

/** The file's pickups in the order of their times; they differ in how they write them, within a file too. */
export function readPickups(file: string): Pickup[] {
  const rows: string[][] = parse(gunzipSync(readFileSync(file)), { from_line: 2 });
  return rows
    .map(([time = '', lat, lng]) => ({
      timeMs: localMillis(time),
      cell: latLngToCell(Number(lat), Number(lng), SETTINGS.h3Resolution),
    }))
    .sort((a, b) => a.timeMs - b.timeMs);
}

const TIME_FORMATS = ['yyyy/M/d H:mm:ss', 'M/d/yyyy H:mm:ss', 'M/d/yyyy H:mm'].map((format) =>
  DateTime.buildFormatParser(format),
);

function localMillis(time: string): number {
  for (const format of TIME_FORMATS) {
    const parsed = DateTime.fromFormatParser(time, format, { zone: TIME_ZONE });
    if (parsed.isValid) return parsed.toMillis();
  }
  throw new Error(`${time} is no time.`);
}

/** Replays the pickups and scores every hour but the first. */
export function scoreHeatmap(pickups: readonly Pickup[], ks: readonly number[] = [5, 10, 20]): HeatmapReport {
  const zones = new Map<string, ZoneState>();
  const facts = new Map<string, ZoneFacts>();
  const directory: ZoneDirectory = { get: (cell) => facts.get(cell), all: () => facts.values(), staleMs: () => 0 };
  const hits = ks.map(() => ({ source: 0, popularity: 0, hindsight: 0 }));
  const [first, last] = [hourIndexOf(pickups[0]!.timeMs), hourIndexOf(pickups.at(-1)!.timeMs)];
  let [scored, next, rankMs] = [0, 0, 0];
  for (let hour = first; hour <= last; hour++) {
    const started = performance.now();
    const ranked = hour === first ? [] : rank(directory, hour);
    rankMs += performance.now() - started;
    const popular = [...facts.values()].sort((a, b) => b.pickupsTotal - a.pickupsTotal).map((z) => z.cell);
    const seen = new Map<string, number>();
    for (; next < pickups.length && hourIndexOf(pickups[next]!.timeMs) === hour; next++) {
      const { cell } = pickups[next]!;
      seen.set(cell, (seen.get(cell) ?? 0) + 1);
      fold(zones, facts, pickups[next]!, next + 1);
    }
    if (hour === first) continue;
    const best = [...seen].sort((a, b) => b[1] - a[1]).map(([cell]) => cell);
    const within = (cells: readonly string[], k: number): number =>
      cells.slice(0, k).reduce((sum, cell) => sum + (seen.get(cell) ?? 0), 0);
    scored += within(best, best.length);
    ks.forEach((k, i) => {
      hits[i]!.source += within(ranked, k);
      hits[i]!.popularity += within(popular, k);
      hits[i]!.hindsight += within(best, k);
    });
  }
  const shares = ks.map((k, i) => ({
    k,
    source: hits[i]!.source / scored,
    popularity: hits[i]!.popularity / scored,
    hindsight: hits[i]!.hindsight / scored,
  }));
  return { pickups: pickups.length, hours: last - first, zones: zones.size, shares, rankMs: rankMs / (last - first) };
}

const rank = (zones: ZoneDirectory, hour: number): string[] =>
  zonesSource
    .candidates({
      surface: 'driver.heatmap',
      context: { atMs: hour * HOUR_MS },
      nowMs: hour * HOUR_MS,
      settings: SETTINGS,
      ledger: CampaignLedger.EMPTY,
      zones,
    })
    .candidates.map((candidate) => candidate.id);

function fold(zones: Map<string, ZoneState>, facts: Map<string, ZoneFacts>, pickup: Pickup, sequence: number): void {
  const { cell, timeMs } = pickup;
  const address = { kind: 'zone', token: cell } as const;
  const event = { source: 'bench', id: String(sequence), type: 'pickup', timeMs, data: {} };
  const folded = foldZone(
    zones.get(cell) ?? emptyZone(),
    { type: 'event', event },
    {
      address,
      partition: 0,
      sequence,
      atMs: timeMs,
      settings: SETTINGS,
      semantics: THIS_BUILD.semantics,
      shared: CampaignLedger.EMPTY,
    },
  );
  if (folded.outcome !== 'applied') throw new Error(folded.reason);
  zones.set(cell, folded.state);
  facts.set(cell, zoneFacts(folded.state, address));
}

function print(file: string, report: HeatmapReport): void {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`.padStart(11);
  console.log(`${report.pickups} pickups in ${report.zones} zones over ${report.hours} hours of ${file}`);
  console.log('  k     source  popularity   hindsight');
  for (const { k, source, popularity, hindsight } of report.shares) {
    console.log(
      `${String(k).padStart(3)}${percent(source)}${percent(popularity).padStart(12)}${percent(hindsight).padStart(12)}`,
    );
  }
  console.log(`one ranking takes ${report.rankMs.toFixed(2)} ms`);
}

function main(): void {
  const command = new Command('heatmap-offline')
    .description('Share of real pickups that fell in the k zones ranked first for each next hour.')
    .option('--trips <file>', 'gzipped CSV of Date/Time, Lat, Lon', APRIL)
    .option('--k <list>', 'how many zones, separated by commas', '5,10,20')
    .option('--json <file>', 'write the report there')
    .parse();
  const options = command.opts<{ trips: string; k: string; json?: string }>();
  const ks = options.k.split(',').map(Number);
  if (ks.some((k) => !Number.isInteger(k) || k < 1))
    command.error('--k must be whole numbers above 0.', { exitCode: 2 });
  const report = scoreHeatmap(readPickups(options.trips), ks);
  print(join(dirname(options.trips).split('/').at(-1)!, options.trips.split('/').at(-1)!), report);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main();
