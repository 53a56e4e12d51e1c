/** What a replay found, for machines as it is and for people as text. */
import type { GuideTotals } from './guide.js';
import type { HitShare } from './hit-shares.js';
import type { RejectedPickup } from './pickup-sender.js';
import type { BadRow } from './trip-row.js';

export interface Mismatch {
  readonly cell: string;
  /** Pickups of the file in this cell. */
  readonly recount: number;
  /** What the zone counted of the replay. */
  readonly folded: number;
}

export interface ReplayReport {
  readonly file: {
    readonly name: string;
    readonly rows: number;
    readonly badRows: number;
    readonly bad: readonly BadRow[];
  };
  /** Hours from the first trip's to the last one's. */
  readonly hours: number;
  readonly events: {
    readonly sent: number;
    readonly accepted: number;
    readonly rejected: number;
    readonly repeated: number;
    readonly rejections: readonly RejectedPickup[];
    /** Accepted events over the time spent sending, waits for folds and decisions not counted. */
    readonly perSecond: number;
  };
  readonly zones: {
    /** Zones of the plain recount. */
    readonly counted: number;
    readonly countedBefore: number;
    /** Sum over zones of what each has counted of the replay. */
    readonly folded: number;
    /** By cell; none where the engine's demand equals the recount everywhere. */
    readonly mismatches: readonly Mismatch[];
  };
  readonly guidance: {
    readonly surface: string;
    readonly hoursScored: number;
    readonly pickupsScored: number;
    readonly shares: readonly HitShare[];
  } & Readonly<GuideTotals>;
  readonly seconds: {
    readonly total: number;
    readonly sending: number;
    readonly waiting: number;
    readonly asking: number;
  };
}

/** Cells where the two counts differ, by cell. A cell that one of them lacks counts as zero there. */
export function mismatchesOf(recount: ReadonlyMap<string, number>, folded: ReadonlyMap<string, number>): Mismatch[] {
  const cells = [...new Set([...recount.keys(), ...folded.keys()])].sort();
  return cells
    .map((cell) => ({ cell, recount: recount.get(cell) ?? 0, folded: folded.get(cell) ?? 0 }))
    .filter((one) => one.recount !== one.folded);
}

/** Lines of each list that people are shown. */
const LISTED_MAX = 10;

export function reportText(report: ReplayReport): string {
  const { file, events, zones, guidance, seconds } = report;
  const lines = [
    `Replay of ${file.name}`,
    '',
    ...table([
      ['rows read', count(file.rows)],
      ['bad rows', count(file.badRows)],
      ['hours', count(report.hours)],
      [
        'events accepted',
        `${count(events.accepted)} of ${count(events.sent)} (${count(Math.round(events.perSecond))}/s)`,
      ],
      ['events rejected', count(events.rejected)],
      ['events repeated', count(events.repeated)],
      ['pickups folded', count(zones.folded)],
      ['demand by zone', verdict(report)],
      ['decisions asked', `${count(guidance.asked)}${tally(guidance.policies)}`],
      ['degraded', `${count(sumOf(guidance.degraded))}${tally(guidance.degraded)}`],
      ['fallbacks', `${count(sumOf(guidance.fallbacks))}${tally(guidance.fallbacks)}`],
      [
        'time',
        `${seconds.total.toFixed(1)} s: sending ${seconds.sending.toFixed(1)}, waiting for folds ` +
          `${seconds.waiting.toFixed(1)}, asking ${seconds.asking.toFixed(1)}`,
      ],
    ]),
    ...listed(file.bad, file.badRows, 'Bad rows', ({ row, code, reason }) => `row ${row}: ${code}: ${reason}`),
    ...listed(
      events.rejections,
      events.rejected,
      'Rejected',
      ({ row, code, message }) => `row ${row}: ${code}: ${message}`,
    ),
    ...listed(
      zones.mismatches,
      zones.mismatches.length,
      'Zones that differ',
      ({ cell, recount, folded }) => `${cell}: ${recount} in the file, ${folded} folded`,
    ),
    '',
    `Share of the next hour's pickups in the k zones on top of ${guidance.surface}`,
    `(${count(guidance.hoursScored)} hours with ${count(guidance.pickupsScored)} pickups; as served, exploration included)`,
    '',
    ...sharesTable(guidance.shares),
  ];
  return `${lines.join('\n')}\n`;
}

function verdict({ zones }: ReplayReport): string {
  const { counted, mismatches } = zones;
  if (mismatches.length === 0) return `equal to a recount of the file in all ${count(counted)} zones`;
  return `NOT equal to a recount of the file: ${count(mismatches.length)} of ${count(counted)} zones differ`;
}

function sharesTable(shares: readonly HitShare[]): string[] {
  const rows = shares.map(({ k, served, byScore, popularity, best }) => [
    String(k),
    percent(served),
    percent(byScore),
    percent(popularity),
    percent(best),
    popularity === 0
      ? '-'
      : `${served >= popularity ? '+' : ''}${(((served - popularity) / popularity) * 100).toFixed(1)} %`,
    best === 0 ? '-' : percent(served / best),
  ]);
  const head = ['k', 'served', 'by score', 'popularity', 'best in hindsight', 'over popularity', 'of the best'];
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]!.length)));
  return [head, ...rows].map((row) => `  ${row.map((text, i) => text.padStart(widths[i]!)).join('   ')}`);
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}

function listed<T>(items: readonly T[], total: number, title: string, line: (item: T) => string): string[] {
  if (total === 0) return [];
  const shown = items.slice(0, LISTED_MAX).map((item) => `  ${line(item)}`);
  const more = total - shown.length;
  return ['', `${title}:`, ...shown, ...(more > 0 ? [`  … and ${count(more)} more`] : [])];
}

const count = (n: number): string => n.toLocaleString('en-US');
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
const sumOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

const tally = (counts: Readonly<Record<string, number>>): string => {
  const parts = Object.entries(counts).map(([name, n]) => `${name}: ${count(n)}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};
